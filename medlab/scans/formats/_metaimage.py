"""Reading MetaImage: `.mha`, and `.mhd` with its data files beside it."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._header import (
    Header,
    modality_from_name,
    named_by_intensity,
    pick_frame,
    plain,
)
from medlab.scans._limits import check_size, damaged
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import FrameKind, SpacingUnit, Volume
from medlab.scans.formats._metaimage_data import (
    Fields,
    check_fields,
    fields_of,
    read_stored,
)
from medlab.scans.formats._resolution import NO_PIXEL_SIZE, ONE_SLICE, UNPLACED, mm_per

_KIND = "MetaImage"
_PLAIN = {
    "ObjectType", "ObjectSubType", "NDims", "DimSize", "BinaryData", "HeaderSize",
    "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData", "Modality",
    "CompressedDataSize", "TransformMatrix", "Orientation", "Offset", "Position", "Origin",
    "CenterOfRotation", "AnatomicalOrientation", "ElementSpacing", "ElementSize",
    "ElementType", "ElementNumberOfChannels", "ElementMin", "ElementMax", "Color",
    "DistanceUnits",
}  # fmt: skip


def read_header(path: Path, name: str) -> Header:
    """Read what a MetaImage file says about itself.

    Raises:
        MedlabError: If it is not MetaImage, has no usable affine, or is too large.
    """
    return _header(_reader(path, name), fields_of(path), path, name)[0]


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a MetaImage file.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    fields = fields_of(path)
    header, colour = _header(_reader(path, name), fields, path, name)
    chosen = pick_frame(name, header.frames, frame)
    stored = read_stored(path, name, fields)
    components = stored.shape[0] if stored.ndim > int(fields["NDims"]) else 1
    if stored.ndim == 4 + (components > 1):
        stored = stored[..., chosen // (1 if colour else components)]
    if colour:
        voxels = np.moveaxis(stored[:3], 0, -1)
        voxels = voxels.reshape((*header.shape, 3), order="F")
    else:
        voxels = stored[chosen % components] if components > 1 else stored
        voxels = voxels.reshape(header.shape, order="F")
    return named_by_intensity(header.volume(voxels))


def _reader(path: Path, name: str) -> Any:
    SimpleITK: Any = import_module("SimpleITK")
    check_fields(path, name, fields_of(path))
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("MetaImageIO")
    try:
        reader.ReadImageInformation()
    except Exception as error:
        raise damaged(name, _KIND) from error
    return reader


def tags(path: Path, name: str) -> list[TagRow]:
    """The fields of the header, in their order."""
    fields = fields_of(path)
    check_fields(path, name, fields)
    return [
        tag_row(key, value, identifies=key not in _PLAIN, is_private=key not in _PLAIN)
        for key, value in fields.items()
    ]


def _header(reader: Any, fields: Fields, path: Path, name: str) -> tuple[Header, bool]:
    """The header, and whether the components of a voxel are colours."""
    sizes, components = list(reader.GetSize()), int(reader.GetNumberOfComponents())
    check_size(name, [*sizes, components], 1)
    colour = components in (3, 4) and fields.get("ElementType") == "MET_UCHAR"
    count, size = len(sizes), min(len(sizes), 3)
    direction = np.array(reader.GetDirection()).reshape(count, count)
    lps = np.eye(4)
    lps[:size, :size] = direction[:size, :size] * np.array(reader.GetSpacing())[:size]
    lps[:size, 3] = np.array(reader.GetOrigin())[:size]
    i, j, k = (*sizes, 1)[:3]
    unit, scale, notes = _length(fields)
    lps[:3] *= scale
    if not {"TransformMatrix", "Rotation", "Orientation"} & set(fields):
        notes.append(UNPLACED.replace("picture", "scan"))
    if min(i, j, k) == 1:
        notes.append(ONE_SLICE)
    if components == 4 and colour:
        notes.append("Transparency was left out.")
    kind, values = _frame_names(1 if colour else components, (*sizes, 1)[3:4])
    times = sizes[3] if count == 4 else 1
    header = Header(
        shape=(i, j, k),
        affine=check_affine(swap_lps_ras(lps), name),
        modality=_modality(fields) or modality_from_name(path.name),
        frames=times * (1 if colour else components),
        channels=3 if colour else 1,
        warnings=tuple(notes),
        spacing_unit=unit,
        frame_kind=kind,
        frame_values=values,
    )
    return header, colour


def _length(fields: Fields) -> tuple[SpacingUnit, float, list[str]]:
    """The unit of length, how many mm it is, and what is doubtful about it."""
    if not {"ElementSpacing", "ElementSize"} & set(fields):
        return "pixels", 1.0, [NO_PIXEL_SIZE]
    word = fields.get("DistanceUnits", "mm")
    scale = mm_per(word)
    if scale is None or word.strip() == "?":
        return "mm", 1.0, ["The file names no unit of length; millimetres are assumed."]
    return "mm", scale, [] if scale == 1 else [f"Lengths were given in {plain(word)}."]


def _frame_names(
    components: int, times: tuple[int, ...]
) -> tuple[FrameKind, tuple[float | str, ...]]:
    count = times[0] if times else 1
    if components == 1:
        return ("volume" if count > 1 else ""), ()
    if count > 1:
        return "volume", tuple(
            f"{n // components}, component {n % components}"
            for n in range(count * components)
        )
    return "component", tuple("xyz"[:components]) if components <= 3 else ()


def _modality(fields: Fields) -> str:
    word = fields.get("Modality", "").removeprefix("MET_MOD_")
    return word if word in ("CT", "MR", "US", "NM") else ""
