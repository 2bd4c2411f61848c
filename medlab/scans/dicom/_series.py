"""Reading a DICOM series as one volume, by geometry.

Slices are put in order by where they lie along the normal of the image plane, never by
file name or instance number.

Source:
    DICOM PS3.3, C.7.6.2.1.1 (image plane), C.11.1.1.2 (rescale), C.7.6.16 (multi-frame).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import check_affine
from medlab.scans._header import Header, pick_frame, plain
from medlab.scans._limits import check_size, cut_short, damaged
from medlab.scans._volume import Volume
from medlab.scans.dicom._file import DicomFile
from medlab.scans.dicom._pixels import Range, decode, join, padding_of
from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.dicom._stack import Stack, stack_slices

_KIND = "DICOM"


def read_header(files: Sequence[DicomFile], name: str) -> Header:
    """Put the series together without its pixels.

    Raises:
        MedlabError: If the slices do not make up a volume.
    """
    return _header(_stack(files, name), name)


def read(files: Sequence[DicomFile], name: str, frame: int | None = None) -> Volume:
    """Decode a series.

    Args:
        files: All files of the volume, in any order.
        name: What to call the series in messages.
        frame: Which volume of a series with several at each place.

    Returns:
        Voxels `(I, J, K[, C])`: I along the rows of the pictures, J down them, K along
        the normal. Rescaled, so in HU for CT.

    Raises:
        MedlabError: If a slice cannot be read or the slices do not make up a volume.
    """
    stack = _stack(files, name)
    header = _header(stack, name)
    chosen = stack.frames.volumes[pick_frame(name, header.frames, frame)]
    voxels = join(decode(chosen, name), header.shape)
    return _volume(voxels, chosen, header)


def read_one(
    files: Sequence[DicomFile],
    name: str,
    k: int | None = None,
    frame: int | None = None,
) -> Volume:
    """Decode one slice: as `read`, with one voxel along K, in the place of that slice.

    Args:
        files: All files of the volume, in any order.
        name: What to call the series in messages.
        k: Index of the slice; the one in the middle when not given.
        frame: Which volume of a series with several at each place.

    Raises:
        MedlabError: As `read`, or if there is no slice `k`.
    """
    stack = _stack(files, name)
    header = _header(stack, name)
    volume = stack.frames.volumes[pick_frame(name, header.frames, frame)]
    index = len(volume) // 2 if k is None else k
    if not 0 <= index < len(volume):
        raise MedlabError(
            f"{name} has slices 0 to {len(volume) - 1}, got slice {index}. "
            "Ask for one of these.",
            code="no-slice",
        )
    piece = volume[index]
    voxels = join(decode([piece], name), (*header.shape[:2], 1))
    affine = header.affine.copy()
    affine[:3, 3] += index * affine[:3, 2]
    return replace(_volume(voxels, [piece], header), affine=affine)


def middle_picture(files: Sequence[DicomFile], name: str) -> Volume:
    """Decode only the slice in the middle, as a volume of one slice."""
    return read_one(files, name, frame=0)


def slices_in_order(
    files: Sequence[DicomFile], name: str, frame: int = 0
) -> list[DicomSlice]:
    """The slice at each index along K, without its pixels.

    Raises:
        MedlabError: If the slices do not make up a volume.
    """
    volumes = _stack(files, name).frames.volumes
    return list(volumes[pick_frame(name, len(volumes), frame)])


def _volume(
    voxels: NDArray[Any], slices: Sequence[DicomSlice], header: Header
) -> Volume:
    first, notes = slices[0], []
    padding = padding_of(first) if voxels.ndim == 3 else None
    if padding is not None:
        padded = [padding_of(piece) for piece in slices]
        count = _unite_padding(voxels, padded, padding)
        if count:
            percent = 100 * count / voxels.size
            notes.append(
                f"{percent:.2g} % of the voxels are padding ({_told(padding)}): nothing was "
                "measured there. They are left out of windows and statistics."
            )
        else:
            padding = None
    return Volume(
        voxels,
        header.affine,
        header.modality,
        (*header.warnings, *notes),
        window=first.window,
        spacing_unit=header.spacing_unit,
        is_inverted=_is_inverted(first.header),
        padding=padding,
    )


def _unite_padding(
    voxels: NDArray[Any], padded: Sequence[Range | None], padding: Range
) -> int:
    """Give padding the same value in all slices; returns how many voxels are padding."""
    count = 0
    for k, told in enumerate(padded):
        if told is None:
            continue
        picture = voxels[:, :, k]
        is_padding = (picture >= told.low) & (picture <= told.high)
        here = int(np.count_nonzero(is_padding))
        count += here
        if (
            here
            and told != padding
            and np.can_cast(np.min_scalar_type(padding.low), voxels.dtype)
        ):
            picture[is_padding] = padding.low
    return count


def _told(padding: Range) -> str:
    low, high = padding
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _is_inverted(header: Any) -> bool:
    kind = str(header.get("PhotometricInterpretation", ""))
    shape = str(header.get("PresentationLUTShape", ""))
    return kind == "MONOCHROME1" or (kind == "MONOCHROME2" and shape == "INVERSE")


def _stack(files: Sequence[DicomFile], name: str) -> Stack:
    try:
        is_cut = any(_is_cut_short(file) for file in files)
    except (TypeError, ValueError, AttributeError) as error:
        raise damaged(name, _KIND) from error
    if is_cut:
        raise cut_short(name, _KIND)
    return stack_slices(files, name)


def _header(stack: Stack, name: str) -> Header:
    piece, frames = stack.first, stack.frames
    first = piece.header
    channels = piece.samples
    if "PALETTE" in str(first.get("PhotometricInterpretation", "")):
        channels = 3
    rows, columns = piece.size
    shape = (columns, rows, len(frames.volumes[0]))
    itemsize = max(int(first.get("BitsAllocated", 16) or 16) // 8, 1)
    check_size(name, (*shape, channels), itemsize)
    count = len(frames.volumes)
    return Header(
        shape=shape,
        affine=check_affine(stack.affine, name),
        modality=plain(first.get("Modality")) or "unknown",
        frames=count,
        channels=3 if channels > 1 else 1,
        warnings=tuple(stack.notes),
        patient=plain(first.get("PatientName")) or plain(first.get("PatientID")),
        study=plain(first.get("StudyDescription")),
        description=plain(first.get("SeriesDescription")),
        date=_date(plain(first.get("SeriesDate")) or plain(first.get("StudyDate"))),
        spacing_unit=stack.unit,
        body_part=plain(first.get("BodyPartExamined")),
        patient_id=plain(first.get("PatientID")),
        series_number=plain(first.get("SeriesNumber")),
        study_uid=plain(first.get("StudyInstanceUID")),
        frame_kind=frames.kind if count > 1 else "",
        frame_values=frames.values if count > 1 else (),
    )


def _is_cut_short(file: DicomFile) -> bool:
    """Whether a file of uncompressed pixels ends before they do."""
    header = file.header
    if file.syntax not in (
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
    ):
        return False
    samples = int(header.get("SamplesPerPixel", 1) or 1)
    bits = int(header.get("BitsAllocated", 8) or 8) * samples
    if samples > 1 and "422" in str(header.get("PhotometricInterpretation", "")):
        bits = bits * 2 // 3
    frames = int(header.get("NumberOfFrames", 1) or 1)
    pixels = int(header.Rows) * int(header.Columns) * frames * bits // 8
    return file.path.stat().st_size < file.pixels_at + pixels


def _date(text: str) -> str:
    """`20240131` as `2024-01-31`; anything else is left out."""
    return (
        f"{text[:4]}-{text[4:6]}-{text[6:]}"
        if len(text) == 8 and text.isdigit()
        else ""
    )
