"""What is doubtful about the geometry of a DICOM series, in sentences.

Slices are counted from 0 along the third voxel axis; lengths are in mm.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.dicom._values import number

_RELATIVE, _ABSOLUTE_MM = 0.02, 0.01
_TILT_DEG = 0.1
_MOST_NAMED = 4


def doubts_about_plane(piece: DicomSlice) -> Iterator[str]:
    """About the pixels of one picture."""
    if piece.measured is not None and piece.measured.doubt:
        yield piece.measured.doubt


def doubts_about_single(piece: DicomSlice) -> Iterator[str]:
    """About a volume of one slice."""
    yield "The scan has only one slice."
    if not piece.thickness:
        yield "The file does not say how thick its slice is: 1 mm is assumed."


def doubts_about_places(
    volume: Sequence[DicomSlice], normal: NDArray[np.float64]
) -> Iterator[str]:
    """About where the slices of a volume lie.

    Args:
        volume: At least two slices, in order.
        normal: Of their planes, of length 1.
    """
    points = np.array([piece.position for piece in volume], np.float64)
    gaps = np.diff(points @ normal)
    yield from _gaps(gaps)
    yield from _line(points, normal)
    told = number(volume[0].groups, "PixelMeasuresSequence", "SpacingBetweenSlices")
    usual = float(np.median(gaps))
    if told and abs(abs(told) - usual) > max(_RELATIVE * usual, _ABSOLUTE_MM):
        yield (
            f"The header says slices lie {abs(told):.4g} mm apart, their positions say "
            f"{usual:.4g} mm: the positions are used."
        )


def _gaps(gaps: NDArray[np.float64]) -> Iterator[str]:
    usual = float(np.median(gaps))
    tolerance = max(_RELATIVE * usual, _ABSOLUTE_MM)
    odd = np.flatnonzero(np.abs(gaps - usual) > tolerance)
    if not odd.size:
        if gaps.max() - gaps.min() > tolerance:
            yield _uneven(gaps)
        return
    missing = np.rint(gaps[odd] / usual)
    is_hole = (missing >= 2) & (
        np.abs(gaps[odd] - missing * usual) <= missing * tolerance
    )
    if is_hole.all() and len(odd) <= len(gaps) // 2:
        for n, count in list(zip(odd, missing, strict=True))[:_MOST_NAMED]:
            lacking = int(count) - 1
            slices = "1 slice is" if lacking == 1 else f"{lacking} slices are"
            yield (
                f"{slices} missing between slices {n} and {n + 1}: they lie "
                f"{gaps[n]:.4g} mm apart, the others {usual:.4g} mm. Distances across "
                "slices are not exact."
            )
        if len(odd) > _MOST_NAMED:
            yield f"Slices are missing in {len(odd) - _MOST_NAMED} more places."
        return
    yield _uneven(gaps)


def _uneven(gaps: NDArray[np.float64]) -> str:
    even = np.arange(len(gaps) + 1) * gaps.mean()
    off = np.abs(np.concatenate([[0.0], np.cumsum(gaps)]) - even)
    widest, furthest = int(np.argmax(gaps)), int(np.argmax(off))
    return (
        f"Slices lie {gaps.min():.4g} to {gaps.max():.4g} mm apart (widest between slices "
        f"{widest} and {widest + 1}); an even distance of {gaps.mean():.4g} mm is used, "
        f"which is up to {off.max():.3g} mm wrong (slice {furthest})."
    )


def _line(points: NDArray[np.float64], normal: NDArray[np.float64]) -> Iterator[str]:
    straight = np.linspace(points[0], points[-1], len(points))
    across = points - straight
    across -= np.outer(across @ normal, normal)
    aside = np.linalg.norm(across, axis=1)
    worst = int(np.argmax(aside))
    if aside[worst] > 0.1:
        yield (
            f"Slices do not lie on one line (slice {worst} is {aside[worst]:.3g} mm off): "
            "the scan is not a regular grid."
        )
    way = points[-1] - points[0]
    cosine = abs(float(way @ normal)) / float(np.linalg.norm(way))
    tilt = float(np.degrees(np.arccos(min(cosine, 1.0))))
    if tilt > _TILT_DEG:
        yield (
            f"The gantry was tilted by {tilt:.1f} degrees: each slice is shifted against "
            "the one before. The affine keeps this shear."
        )
