"""Reading MetaImage: `.mha`, and `.mhd` with its data file beside it."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._header import Header, looks_like_ct, modality_from_name, pick_frame
from medlab.scans._limits import NotAScan, check_size, damaged
from medlab.scans._metaimage_data import check_fields, fields_of, read_stored
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume

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
    return _header(_reader(path, name), path, name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a MetaImage file.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    reader = _reader(path, name)
    header = _header(reader, path, name)
    chosen = pick_frame(name, header.frames, frame)
    voxels = read_stored(path, name, fields_of(path))
    if header.frames > 1 or reader.GetDimension() == 4:
        voxels = voxels[..., chosen]
    if header.channels > 1:
        voxels = np.moveaxis(voxels, 0, -1).reshape(
            (*header.shape, header.channels), order="F"
        )
    else:
        voxels = voxels.reshape(header.shape, order="F")
    modality = header.modality
    if modality == "unknown" and header.channels == 1 and voxels.dtype.kind in "if":
        ct = looks_like_ct(float(voxels.min()), float(voxels.max()))
        modality = "CT" if ct else "unknown"
    return Volume(voxels, header.affine, modality, header.warnings)


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


def _header(reader: Any, path: Path, name: str) -> Header:
    sizes, channels = list(reader.GetSize()), int(reader.GetNumberOfComponents())
    check_size(name, [*sizes, channels], 8)
    if len(sizes) not in (2, 3, 4) or channels not in (1, 3):
        raise NotAScan(
            f"{name} must have three axes (four with time) and 1 or 3 channels, got "
            f"{len(sizes)} axes and {channels} channels. Split it into 3D files first."
        )
    count = len(sizes)
    direction = np.array(reader.GetDirection()).reshape(count, count)
    size = min(count, 3)
    lps = np.eye(4)
    lps[:size, :size] = direction[:size, :size] * np.array(reader.GetSpacing())[:size]
    lps[:size, 3] = np.array(reader.GetOrigin())[:size]
    i, j, k = (*sizes, 1)[:3]
    return Header(
        shape=(i, j, k),
        affine=check_affine(swap_lps_ras(lps), name),
        modality=modality_from_name(path.name),
        frames=sizes[3] if count == 4 else 1,
        channels=channels,
        warnings=("The scan has only one slice.",) if min(i, j, k) == 1 else (),
    )
