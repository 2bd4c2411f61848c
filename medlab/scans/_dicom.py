"""Reading a DICOM series as one volume, by geometry.

Slices are put in order by where they lie along the normal of the image plane, never by
file name or instance number. LPS stops in this module.

Source:
    DICOM PS3.3, C.7.6.2.1.1 (image plane), C.11.1.1.2 (rescale), C.7.6.16 (multi-frame).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._dicom_files import DicomFile, read_dicom
from medlab.scans._dicom_slice import DicomSlice, acquisition_order, slices_of
from medlab.scans._header import Header, pick_frame, rescaled
from medlab.scans._limits import NotAScan, check_size, cut_short, damaged
from medlab.scans._volume import Volume

_KIND = "DICOM"
_POSITION_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class _Stack:
    """Slices in order along the normal; at each place one slice a frame."""

    places: list[list[DicomSlice]]
    affine: NDArray[np.float64]
    notes: list[str] = field(default_factory=list)


def read_header(files: Sequence[DicomFile], name: str) -> Header:
    """Put the series together without its pixels.

    Raises:
        MedlabError: If the slices do not make up a volume.
    """
    return _header(files, _stack(files, name), name)


def read(files: Sequence[DicomFile], name: str, frame: int | None = None) -> Volume:
    """Decode a series.

    Args:
        files: All files of the series, in any order.
        name: What to call the series in messages.
        frame: Which volume of a series with several at each place.

    Returns:
        Voxels `(I, J, K[, C])`: I along the rows of the pictures, J down them, K along
        the normal. Rescaled, so in HU for CT.

    Raises:
        MedlabError: If a slice cannot be read or the slices do not make up a volume.
    """
    stack = _stack(files, name)
    header = _header(files, stack, name)
    chosen = pick_frame(name, header.frames, frame)
    slices = [place[chosen] for place in stack.places]
    pictures = _decode(slices, name)
    voxels = _joined(pictures, header)
    return Volume(
        voxels, header.affine, header.modality, header.warnings, window=slices[0].window
    )


def middle_picture(files: Sequence[DicomFile], name: str) -> Volume:
    """Decode only the slice in the middle, as a volume of one slice."""
    stack = _stack(files, name)
    header = _header(files, stack, name)
    middle = stack.places[len(stack.places) // 2][0]
    one = Header((*header.shape[:2], 1), header.affine, channels=header.channels)
    voxels = _joined(_decode([middle], name), one)
    return Volume(voxels, header.affine, header.modality, window=middle.window)


def slices_in_order(files: Sequence[DicomFile], name: str) -> list[DicomSlice]:
    """The slice at each index along K, without its pixels.

    Raises:
        MedlabError: If the slices do not make up one volume.
    """
    stack = _stack(files, name)
    pick_frame(name, len(stack.places[0]), None)
    return [place[0] for place in stack.places]


def _header(files: Sequence[DicomFile], stack: _Stack, name: str) -> Header:
    first = stack.places[0][0].header
    channels = int(first.get("SamplesPerPixel", 1) or 1)
    if "PALETTE" in str(first.get("PhotometricInterpretation", "")):
        channels = 3
    shape = (int(first.Columns), int(first.Rows), len(stack.places))
    itemsize = max(int(first.get("BitsAllocated", 16) or 16) // 8, 1)
    check_size(name, (*shape, channels), itemsize)
    if any(_is_cut_short(file) for file in files):
        raise cut_short(name, _KIND)
    return Header(
        shape=shape,
        affine=check_affine(stack.affine, name),
        modality=str(first.get("Modality", "") or "unknown"),
        frames=len(stack.places[0]),
        channels=3 if channels > 1 else 1,
        warnings=tuple(stack.notes),
        patient=_text(first, "PatientName") or _text(first, "PatientID"),
        study=_text(first, "StudyDescription"),
        description=_text(first, "SeriesDescription"),
        date=_date(_text(first, "SeriesDate") or _text(first, "StudyDate")),
    )


def _is_cut_short(file: DicomFile) -> bool:
    """Whether a file of uncompressed pixels ends before they do."""
    header, syntax = file.header, file.header.file_meta.get("TransferSyntaxUID")
    if syntax is None or syntax.is_encapsulated or syntax.is_deflated:
        return False
    samples = int(header.get("SamplesPerPixel", 1) or 1)
    bits = int(header.get("BitsAllocated", 8) or 8) * samples
    if samples > 1 and "422" in str(header.get("PhotometricInterpretation", "")):
        bits = bits * 2 // 3
    frames = int(header.get("NumberOfFrames", 1) or 1)
    pixels = int(header.Rows) * int(header.Columns) * frames * bits // 8
    return file.path.stat().st_size < file.pixels_at + pixels


def _stack(files: Sequence[DicomFile], name: str) -> _Stack:
    try:
        slices = [piece for file in files for piece in slices_of(file)]
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        if isinstance(error, MedlabError):
            raise
        raise damaged(name, _KIND) from error
    if not slices:
        raise NotAScan(f"{name} must hold at least one DICOM image, got none.")
    notes: list[str] = []
    slices = _largest_group(slices, notes)
    if slices[0].directions is None or slices[0].position is None:
        return _without_place(slices, name, notes)
    if slices[0].spacing is None:
        raise MedlabError(
            f"{name} must give the distance between its pixels (PixelSpacing), got none, "
            "so nothing in it can be measured. Export the series again with it.",
            code="no-spacing",
        )
    return _in_order(slices, name, notes)


def _largest_group(slices: list[DicomSlice], notes: list[str]) -> list[DicomSlice]:
    groups: list[list[DicomSlice]] = []
    for piece in slices:
        group = next((g for g in groups if piece.belongs_with(g[0])), None)
        if group is None:
            groups.append([piece])
        else:
            group.append(piece)
    largest = max(groups, key=len)
    left_out = len(slices) - len(largest)
    if left_out:
        notes.append(
            f"{left_out} of {len(slices)} images have another size or direction "
            "and were left out."
        )
    return largest


def _in_order(slices: list[DicomSlice], name: str, notes: list[str]) -> _Stack:
    directions = slices[0].directions
    assert directions is not None
    normal = np.cross(directions[0], directions[1])
    if not np.isfinite(normal).all() or np.linalg.norm(normal) < 0.5:
        # A check that fails with the sentence about singular or NaN affines.
        check_affine(
            np.diag([np.nan if np.isnan(normal).any() else 0.0] * 3 + [1]), name
        )
    normal /= np.linalg.norm(normal)
    places = _places(slices, normal, name)
    ends = [place[0].position for place in (places[0], places[-1])]
    assert ends[0] is not None
    assert ends[1] is not None
    spacing, first = slices[0].spacing, ends[0]
    assert spacing is not None
    lps = np.eye(4)
    # PixelSpacing is (between rows, between columns); columns run along I.
    lps[:3, 0] = directions[0] * spacing[1]
    lps[:3, 1] = directions[1] * spacing[0]
    if len(places) > 1:
        lps[:3, 2] = (ends[1] - first) / (len(places) - 1)
        _note_gaps(places, normal, notes)
    else:
        lps[:3, 2] = normal * (slices[0].thickness or 1.0)
        notes.append("The scan has only one slice.")
    lps[:3, 3] = first
    return _Stack(places, swap_lps_ras(lps), notes)


def _places(
    slices: list[DicomSlice], normal: NDArray[np.float64], name: str
) -> list[list[DicomSlice]]:
    """Slices by position along the normal; those at one place in acquisition order."""
    along = [float(s.position @ normal) for s in slices if s.position is not None]
    order = sorted(
        range(len(slices)), key=lambda n: (along[n], acquisition_order(slices[n]))
    )
    places: list[list[DicomSlice]] = []
    last = -np.inf
    for n in order:
        if along[n] - last > _POSITION_TOLERANCE_MM:
            places.append([])
            last = along[n]
        places[-1].append(slices[n])
    counts = {len(place) for place in places}
    if len(counts) > 1:
        raise MedlabError(
            f"{name} must have equally many images at each place, got {min(counts)} to "
            f"{max(counts)}. Remove doubled or stray files, or copy the series again.",
            code="uneven-series",
        )
    return [sorted(place, key=acquisition_order) for place in places]


def _note_gaps(
    places: list[list[DicomSlice]], normal: NDArray[np.float64], notes: list[str]
) -> None:
    points = np.array([place[0].position for place in places])
    gaps = np.diff(points @ normal)
    if gaps.max() - gaps.min() > max(0.02 * float(np.median(gaps)), 0.01):
        notes.append(
            f"Slices lie {gaps.min():.4g} to {gaps.max():.4g} mm apart: one may be "
            "missing, and distances across slices are not exact."
        )
    straight = np.linspace(points[0], points[-1], len(points))
    across = points - straight
    across -= np.outer(across @ normal, normal)
    if float(np.abs(across).max()) > 0.1:
        notes.append("Slices do not lie on one line: the scan is not a regular grid.")


def _without_place(slices: list[DicomSlice], name: str, notes: list[str]) -> _Stack:
    if len(slices) > 1 and not len({piece.path for piece in slices}) == 1:
        raise MedlabError(
            f"{name} must say where each image lies in the patient, got {len(slices)} "
            "images without position. Open one of the files by itself.",
            code="no-position",
        )
    notes.append("The file does not say how the picture lies in the patient.")
    spacing = slices[0].spacing
    if spacing is None:
        notes.append("The file gives no pixel size; 1 mm is assumed.")
    down, across = spacing or (1.0, 1.0)
    if len(slices) == 1:
        notes.append("The scan has only one slice.")
    lps = np.diag([across, down, slices[0].thickness or 1.0, 1.0])
    return _Stack([[piece] for piece in slices], swap_lps_ras(lps), notes)


def _decode(slices: list[DicomSlice], name: str) -> list[NDArray]:
    """The picture of each slice, `(rows, columns[, 3])`, rescaled."""
    pictures: list[NDArray] = []
    opened: tuple[Path, Any] | None = None
    for piece in slices:
        if opened is None or opened[0] != piece.path:
            opened = (piece.path, _pixels(piece.path, name))
        pixels = opened[1]
        if int(piece.header.get("NumberOfFrames", 1) or 1) > 1:
            pixels = pixels[piece.frame]
        if pixels.shape[:2] != (int(piece.header.Rows), int(piece.header.Columns)):
            raise damaged(name, _KIND)
        colour = pixels.ndim == 3
        pictures.append(pixels if colour else rescaled(pixels, *piece.rescale))
    return pictures


def _pixels(path: Path, name: str) -> NDArray:
    apply_color_lut = import_module("pydicom.pixels").apply_color_lut
    dataset = read_dicom(path, name, everything=True).header
    if "PixelData" not in dataset:
        raise cut_short(name, _KIND)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels: NDArray = dataset.pixel_array
            if "PALETTE" in str(dataset.get("PhotometricInterpretation", "")):
                pixels = apply_color_lut(pixels, dataset)
    except MemoryError:
        raise
    except Exception as error:
        raise cut_short(name, _KIND) from error
    if pixels.dtype.kind not in "iuf":
        raise damaged(name, _KIND)
    return pixels


def _joined(pictures: list[NDArray], header: Header) -> NDArray:
    kinds = {picture.dtype for picture in pictures}
    dtype = np.result_type(*kinds)
    shape = header.shape
    if pictures[0].ndim == 3:
        voxels = np.empty((3, *shape), dtype, order="F")
        for k, picture in enumerate(pictures):
            voxels[..., k] = picture[..., :3].transpose(2, 1, 0)
        if dtype != np.uint8:
            voxels = (voxels >> 8 if dtype.itemsize > 1 else voxels).astype(np.uint8)
        return np.moveaxis(voxels, 0, -1)
    voxels = np.empty(shape, dtype, order="F")
    for k, picture in enumerate(pictures):
        voxels[:, :, k] = picture.T
    return voxels


def _text(header: Any, keyword: str) -> str:
    text = str(header.get(keyword, "") or "")
    return "".join(c for c in text if c.isprintable()).strip()[:200]


def _date(text: str) -> str:
    """`20240131` as `2024-01-31`; anything else is left out."""
    return (
        f"{text[:4]}-{text[4:6]}-{text[6:]}"
        if len(text) == 8 and text.isdigit()
        else ""
    )
