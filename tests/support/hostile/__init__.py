"""Hostile and broken files: what a disk can hold that a reader must survive.

`make_hostile_files` writes several hundred of them, each in a folder of its own. Nothing
here uses medlab. Every file must be refused with one sentence, but for those that carry an
`Accepted`: the geometry they may be opened with, and why that is right.
"""

from pathlib import Path

from tests.support.hostile._case import Accepted, Case, Zoo
from tests.support.hostile._cuts import add_cut_files
from tests.support.hostile._dicom import add_dicom
from tests.support.hostile._dicom_pixels import add_dicom_pixels
from tests.support.hostile._nifti import add_nifti
from tests.support.hostile._pictures import add_pictures
from tests.support.hostile._system import add_system
from tests.support.hostile._text_headers import add_metaimage, add_nrrd
from tests.support.hostile._tiff import add_tiff
from tests.support.hostile._zarr import add_numpy, add_zarr

__all__ = ["Accepted", "Case", "make_hostile_files"]


def make_hostile_files(folder: Path) -> list[Case]:
    """Write all of them below `folder`; the same on every machine."""
    zoo = Zoo(folder)
    for add in (
        add_cut_files,
        add_dicom,
        add_dicom_pixels,
        add_nifti,
        add_nrrd,
        add_metaimage,
        add_pictures,
        add_tiff,
        add_numpy,
        add_zarr,
        add_system,
    ):
        add(zoo)
    return zoo.cases
