"""Writing DICOM SEG for a DICOM scan, with highdicom.

highdicom is loaded when a file is written and not before: it takes long, and a server that
never writes one needs none of it.

Source:
    DICOM PS3.3, A.51 (segmentation), A.91 (label map segmentation).
"""

import logging
import re
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._cielab import to_cielab
from medlab.labels._dicom_seg_join import join_segmentations
from medlab.labels._dicom_segments import TRACKING
from medlab.labels._grid import Grid
from medlab.labels._plain_text import plain_text
from medlab.labels._segment import Segment
from medlab.labels._stack import LayerStack, one_map
from medlab.labels._terminology import STRUCTURE
from medlab.scans import check_same_grid

# What a file must name even when nobody knows it; anonymised scans often lack these.
_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"),
    *("StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
    "PositionReferenceIndicator",
)
_DATE, _TIME = re.compile(r"\d{8}"), re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_LABEL_LETTERS, _MEANING_LETTERS = 64, 64


def write_dicom_seg(
    path: Path, stack: LayerStack, scan: Grid, *, labelmap: bool = False
) -> None:
    """Write a segmentation that refers to the images of the scan.

    Args:
        path: Where.
        stack: The labels, every integer of which a segment names.
        scan: A DICOM series, with its images.
        labelmap: One frame a slice for all segments ("LABELMAP", of 2024), instead of one
            frame a slice and segment ("BINARY"), which every program reads.

    Raises:
        MedlabError: If the scan is no DICOM series or another one, if there is no segment,
            or if segments overlap and `labelmap` is asked for.
    """
    if not scan.slices:
        raise MedlabError(
            "DICOM SEG must name the DICOM images it was drawn on, got a scan of another "
            "format. Save as .seg.nrrd or .nii.gz.",
            code="no-dicom-scan",
        )
    check_same_grid(
        "The labels",
        stack.shape,
        stack.affine,
        scan_shape=scan.shape,
        scan_affine=scan.affine,
    )
    if not any(stack.segments):
        raise MedlabError(
            "DICOM SEG must hold at least one segment, got none. Add one first.",
            code="no-segment",
        )
    if labelmap:
        voxels, listed = one_map(stack, path.name)
        stack = LayerStack((voxels,), stack.affine, (listed,))
    _segmentation(stack, scan, labelmap=labelmap).save_as(path)


def _segmentation(stack: LayerStack, scan: Grid, *, labelmap: bool) -> Any:
    highdicom: Any = import_module("highdicom")
    # It warns of names that are no DICOM names, and would put the patient's into the log.
    logging.getLogger("highdicom").setLevel(logging.ERROR)
    images = _source_images(scan)
    parts = []
    for layer, (voxels, segments) in enumerate(
        zip(stack.layers, stack.segments, strict=True)
    ):
        numbered = _numbered(segments, layer, labelmap)
        pixels, kept = _pixels(voxels, numbered)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seg = highdicom.seg.Segmentation(
                source_images=images,
                pixel_array=pixels,
                plane_positions=_positions(highdicom, scan, kept),
                segmentation_type="LABELMAP" if labelmap else "BINARY",
                segment_descriptions=[_described(highdicom, one) for one in numbered],
                series_instance_uid=highdicom.UID(),
                series_number=_series_number(images[0]),
                sop_instance_uid=highdicom.UID(),
                instance_number=1,
                manufacturer="medlab",
                manufacturer_model_name="medlab",
                software_versions=version("medlab"),
                device_serial_number="0",
                content_label="LABELS",
                content_description="Labels drawn in medlab",
                series_description="medlab labels",
                specific_character_set="ISO_IR 192",
                omit_empty_frames=True,
            )
        parts.append(seg)
    return join_segmentations(parts)


def _source_images(scan: Grid) -> list[Any]:
    """The headers of the scan's images, in the order of its third voxel axis."""
    pydicom = import_module("pydicom")
    images, seen = [], set()
    for piece in scan.slices:
        if piece.path in seen:
            continue
        seen.add(piece.path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            images.append(_filled(pydicom.dcmread(piece.path, stop_before_pixels=True)))
    is_cut = any(piece.corner is not None for piece in scan.slices)
    if is_cut or (len(images) > 1 and len(images) != len(scan.slices)):
        raise MedlabError(
            "DICOM SEG must name one image a slice or one image for all, got "
            f"{'a mosaic' if is_cut else 'a mixture'}. "
            "Save as .seg.nrrd or .nii.gz.",
            code="no-dicom-scan",
        )
    return images


def _filled(image: Any) -> Any:
    for keyword in _MAY_BE_EMPTY:
        if keyword not in image:
            setattr(image, keyword, "")
    if "FrameOfReferenceUID" not in image:
        uid = import_module("pydicom.uid").generate_uid
        image.FrameOfReferenceUID = uid(entropy_srcs=[str(image.SeriesInstanceUID)])
    if str(image.PatientSex) not in ("M", "F", "O"):
        image.PatientSex = ""
    for keyword, form in (
        ("PatientBirthDate", _DATE),
        ("StudyDate", _DATE),
        ("StudyTime", _TIME),
    ):
        if not form.fullmatch(str(image.get(keyword) or "")):
            setattr(image, keyword, "")
    return image


class _Numbered(NamedTuple):
    """A segment, its number in the file, and where medlab keeps it."""

    number: int
    layer: int
    place: int
    segment: Segment


def _numbered(
    segments: Sequence[Segment], layer: int, labelmap: bool
) -> list[_Numbered]:
    """Segments by number: a label map keeps ids, the others count from 1."""
    if labelmap:
        listed = [_Numbered(s.id, layer, place, s) for place, s in enumerate(segments)]
        return sorted(listed)
    return [_Numbered(n + 1, layer, n, segment) for n, segment in enumerate(segments)]


def _pixels(
    voxels: NDArray[Any], numbered: Sequence[_Numbered]
) -> tuple[NDArray[Any], list[int]]:
    """Pictures `(slices, rows, columns)` of segment numbers, and the index of each slice.

    Slices in which nothing is drawn are left out.
    """
    is_small = max(entry.number for entry in numbered) <= 255
    table = np.zeros(
        int(voxels.max(initial=0)) + 1, np.uint8 if is_small else np.uint16
    )
    for entry in numbered:
        if entry.segment.id < len(table):
            table[entry.segment.id] = entry.number
    kept = [int(k) for k in np.flatnonzero(voxels.any(axis=(0, 1)))] or [0]
    return np.stack([table[voxels[:, :, k].T] for k in kept]), kept


def _positions(highdicom: Any, scan: Grid, kept: list[int]) -> list[Any] | None:
    """Where the slices lie, in LPS mm; None for a picture that does not say so."""
    places = [scan.slices[k].position for k in kept]
    given = [place.tolist() for place in places if place is not None]
    if len(given) < len(places):
        return None
    return [highdicom.PlanePositionSequence("PATIENT", place) for place in given]


def _described(highdicom: Any, numbered: _Numbered) -> Any:
    number, layer, place, segment = numbered
    code = import_module("pydicom.sr.coding").Code
    category = code(STRUCTURE["value"], STRUCTURE["scheme"], STRUCTURE["meaning"])
    kind = category
    if segment.code is not None:
        told = segment.code
        meaning = plain_text(told.meaning, _MEANING_LETTERS, without="\\") or told.value
        kind = code(told.value, told.scheme, meaning)
    name = plain_text(segment.name)
    label = plain_text(name, _LABEL_LETTERS, without="\\") or f"segment {segment.id}"
    described = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="MANUAL",
        tracking_id=TRACKING.format(layer=layer, place=place, id=segment.id),
        tracking_uid=highdicom.UID(),
    )
    described.RecommendedDisplayCIELabValue = list(to_cielab(segment.color))
    if label != name:
        described.SegmentDescription = name
    return described


def _series_number(image: Any) -> int:
    try:
        number = int(image.get("SeriesNumber") or 0)
    except (TypeError, ValueError):
        number = 0
    return min(max(number, 0) * 100 + 90, 2**31 - 1)
