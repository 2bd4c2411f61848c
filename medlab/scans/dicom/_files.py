"""Finding DICOM images: which files of a folder hold them, and to which volume each belongs.

Only headers are read. Files are told by their content, not by their names. A series whose
pictures do not all fit into one volume (localisers, several orientations, sizes or stacks)
is several volumes: the largest keeps the number of the series, each of the others is called
`UID#key`, where the key is made of what sets it apart.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medlab.errors import MedlabError
from medlab.scans._limits import damaged
from medlab.scans.dicom._file import DicomFile, is_dicom, not_dicom, read_dicom
from medlab.scans.dicom._slice import DicomSlice, slices_of

_NAMED_DICOM = (".dcm", ".dicom", ".ima")
_NO_IMAGES = {"SEG", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG"}
_MOST_COMPARED = 256


def find_images(
    paths: Iterable[Path],
) -> tuple[dict[str, list[DicomFile]], dict[Path, str]]:
    """Group DICOM images by volume.

    Returns:
        The files of each volume, in the order given, under the name that `ScanSource.series`
        has for it, and for each `.dcm` file that cannot be read one sentence why. Files
        without an image (reports, structure sets, directories) are left out.
    """
    images: list[DicomFile] = []
    errors: dict[Path, str] = {}
    for path in paths:
        named_dicom = path.name.lower().endswith(_NAMED_DICOM)
        try:
            image = read_dicom(path, path.name)
            header = image.header
            usable = bool(header.get("Rows")) and bool(header.get("Columns"))
            usable = usable and header.get("Modality") not in _NO_IMAGES
            usable = usable and bool(image.series)
        except MedlabError as error:
            if is_dicom(path):
                errors[path] = str(error)
            elif named_dicom:
                errors[path] = str(not_dicom(path.name))
            continue
        except Exception:  # Values are made sense of when they are asked for.
            errors[path] = str(damaged(path.name, "DICOM"))
            continue
        if usable:
            images.append(image)
        elif not header and named_dicom:
            errors[path] = str(damaged(path.name, "DICOM"))
    return group_images(images), errors


def group_images(images: Iterable[DicomFile]) -> dict[str, list[DicomFile]]:
    """Group images whose headers were read by volume. See `find_images`."""
    by_series: dict[str, list[DicomFile]] = {}
    for image in images:
        by_series.setdefault(image.series, []).append(image)
    found: dict[str, list[DicomFile]] = {}
    for series, files in by_series.items():
        found.update(_split(series, files))
    return found


def _split(series: str, files: list[DicomFile]) -> dict[str, list[DicomFile]]:
    try:
        slices = [piece for file in files for piece in slices_of(file)]
    except Exception:
        return {series: files}  # Reading it will tell what is wrong with it.
    volumes = _volumes(slices)
    if len(volumes) == 1:
        return {series: files}
    volumes.sort(key=lambda volume: (-len(volume), _instance(volume)))
    found: dict[str, list[DicomFile]] = {}
    for volume in volumes:
        name, key = series, _key(volume[0])
        for number in range(len(volumes)):
            if number or found:
                name = f"{series}#{key}" if number < 2 else f"{series}#{key}{number}"
            if name not in found:
                break
        found[name] = _files(volume, len(slices) - len(volume))
    return found


def _volumes(slices: Sequence[DicomSlice]) -> list[list[DicomSlice]]:
    """Pictures that can be slices of one volume, together."""
    volumes: list[list[DicomSlice]] = []
    last: list[DicomSlice] = []
    for piece in slices:
        if not (last and piece.belongs_with(last[0])):
            last = next(
                (v for v in volumes[-_MOST_COMPARED:] if piece.belongs_with(v[0])), []
            )
        if not last:
            volumes.append(last)
        last.append(piece)
    return volumes


def _instance(volume: Sequence[DicomSlice]) -> str:
    return min(str(piece.header.get("SOPInstanceUID", "")) for piece in volume)


def _key(piece: DicomSlice) -> str:
    """Six hex digits: the same whatever else lies in the folder."""
    told: list[object] = [piece.size, piece.samples, piece.stack, piece.is_localizer]
    if piece.directions is None or piece.position is None:
        told.append(str(piece.header.get("SOPInstanceUID", "")))
    else:
        told.append((np.round(piece.directions, 1) + 0.0).tolist())
        told.append(piece.frame_of_reference)
    if piece.spacing is not None:
        told.append([f"{mm:.2g}" for mm in piece.spacing])
    return hashlib.sha256(repr(told).encode()).hexdigest()[:6]


def _files(volume: Sequence[DicomSlice], apart: int) -> list[DicomFile]:
    frames: dict[Path, list[int]] = {}
    files: dict[Path, DicomFile] = {}
    for piece in volume:
        assert piece.file is not None
        files[piece.path] = piece.file
        if piece.frame not in frames.setdefault(piece.path, []):
            frames[piece.path].append(piece.frame)
    return [
        replace(file, apart=apart, frames=tuple(frames[path]))
        for path, file in files.items()
    ]
