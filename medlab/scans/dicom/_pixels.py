"""Decoding DICOM pictures: every transfer syntax, as values the file means.

Uncompressed pixels are read straight from the file, one frame at a time. Others go through
pydicom and its decoders. Colour becomes RGB of 8 bits whatever it was stored as (YBR, palette,
16 bits); colour profiles (ICC) are not applied. Bits that are not stored are cleared.

MONOCHROME1 pictures keep their values: low ones are bright on a screen
(`Volume.is_inverted`), and a measured value stays what the file says.

Source:
    DICOM PS3.5, 8 and A.4 (encoding), PS3.3, C.7.6.3 (image pixel), C.11.1 (modality LUT),
    C.7.5.1.1.2 (pixel padding).
"""

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._header import rescaled
from medlab.scans._limits import NotAScan, cut_short, damaged
from medlab.scans.dicom._decoders import register
from medlab.scans.dicom._file import read_dicom
from medlab.scans.dicom._mosaic import cut
from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.dicom._values import number

_KIND = "DICOM"
_NATIVE = {"1.2.840.10008.1.2": 4, "1.2.840.10008.1.2.1": 8}
"""Bytes of tag, VR and padding before the length of the pixels, little-endian."""
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_PIXELS = bytes.fromhex("e07f1000")


class Range(NamedTuple):
    """Lowest and highest value, both included."""

    low: float
    high: float


def decode(slices: Sequence[DicomSlice], name: str) -> Iterator[NDArray[Any]]:
    """The picture of each slice, `(rows, columns[, 3])`, rescaled; 3 is RGB of 8 bits.

    Raises:
        MedlabError: If one cannot be decoded.
    """
    together = [list(pieces) for _, pieces in groupby(slices, key=lambda s: s.path)]
    if len(together) < 3:
        for pieces in together:
            yield from _pictures(pieces, name)
        return
    # Reading and some decoders let other threads run; two hide the wait for the disk.
    with ThreadPoolExecutor(2) as pool:
        waiting = []
        for pieces in together:
            waiting.append(pool.submit(lambda p: list(_pictures(p, name)), pieces))
            if len(waiting) > 8:
                yield from waiting.pop(0).result()
        for done in waiting:
            yield from done.result()


def padding_of(piece: DicomSlice) -> Range | None:
    """Values that mark pixels nothing was measured for, rescaled; None without."""
    header = piece.header
    value = _stored(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = _stored(header, "PixelPaddingRangeLimit")
    slope, intercept = piece.rescale
    ends = [
        slope * one + intercept for one in (value, value if limit is None else limit)
    ]
    return Range(min(ends), max(ends))


def _stored(header: Any, keyword: str) -> int | None:
    value = header.get(keyword)
    is_signed = number([header], "", "PixelRepresentation") == 1
    if isinstance(
        value, bytes
    ):  # A file without VRs does not say whether it is signed.
        value = int.from_bytes(value[:2], "little") if len(value) >= 2 else None
    if not isinstance(value, int):
        return None
    bits = int(number([header], "", "BitsAllocated") or 16)
    if is_signed and value >= 1 << (bits - 1):
        return value - (1 << bits)
    return value


def _pictures(pieces: Sequence[DicomSlice], name: str) -> Iterator[NDArray[Any]]:
    """The pictures of the slices of one file."""
    read = _NativeFile(pieces[0], name) if _is_native(pieces[0]) else None
    decoded = None if read is not None and read.is_usable else _Decoded(pieces, name)
    for piece in pieces:
        if decoded is not None:
            pixels = decoded.frame(piece)
        else:
            assert read is not None
            pixels = read.frame(piece)
        whole = (int(piece.header.Rows), int(piece.header.Columns))
        if pixels.shape[:2] != whole or pixels.dtype.kind not in "iuf":
            raise damaged(name, _KIND)
        if piece.corner is not None:
            pixels = cut(pixels, piece.corner, piece.size)
        if pixels.ndim == 3 or (decoded is not None and decoded.is_transformed):
            yield pixels
        else:
            yield rescaled(pixels, *piece.rescale)


def _is_native(piece: DicomSlice) -> bool:
    header, file = piece.header, piece.file
    if file is None or not file.pixels_at or file.syntax not in _NATIVE:
        return False
    grey = str(header.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
    bits = header.get("BitsAllocated")
    return (
        grey
        and piece.samples == 1
        and bits in (8, 16, 32)
        and not header.get("ModalityLUTSequence")
    )


class _NativeFile:
    """Frames straight from a file of uncompressed grey pixels."""

    def __init__(self, piece: DicomSlice, name: str) -> None:
        assert piece.file is not None
        header, self._name, self._path = piece.header, name, piece.path
        signed = header.get("PixelRepresentation") == 1
        bits = int(header.BitsAllocated)
        self._dtype = np.dtype(f"<{'i' if signed else 'u'}{bits // 8}")
        self._shape = (int(header.Rows), int(header.Columns))
        self._start = 0
        before = _NATIVE[piece.file.syntax]
        with piece.path.open("rb") as handle:
            handle.seek(piece.file.pixels_at)
            told = handle.read(before + 4)
        length = int.from_bytes(told[before:], "little")
        frames = int(header.get("NumberOfFrames", 1) or 1)
        size = frames * self._dtype.itemsize * self._shape[0] * self._shape[1]
        self.is_usable = (
            told[:4] == _PIXELS
            and len(told) == before + 4
            and size <= length < 0xFFFFFFFF
            and (before == 4 or told[4:6] in (b"OW", b"OB"))
        )
        self._start = piece.file.pixels_at + before + 4

    def frame(self, piece: DicomSlice) -> NDArray[Any]:
        count = self._shape[0] * self._shape[1]
        at = self._start + piece.frame * count * self._dtype.itemsize
        pixels = np.fromfile(self._path, self._dtype, count, offset=at)
        if pixels.size != count:
            raise cut_short(self._name, _KIND)
        return _only_stored_bits(pixels.reshape(self._shape), piece.header)


class _Decoded:
    """Frames of one file as pydicom decodes them."""

    def __init__(self, pieces: Sequence[DicomSlice], name: str) -> None:
        self._name, self._header = name, pieces[0].header
        self._dataset = read_dicom(pieces[0].path, name, everything=True).header
        self.is_transformed = False
        register()
        frames = int(self._header.get("NumberOfFrames", 1) or 1)
        wanted = {piece.frame for piece in pieces}
        self._is_whole = frames == 1 or len(wanted) * 2 > frames
        self._is_many = frames > 1
        self._pixels = self._decoded(None) if self._is_whole else None

    def frame(self, piece: DicomSlice) -> NDArray[Any]:
        if self._pixels is None:
            return self._finished(self._decoded(piece.frame))
        pixels = self._pixels[piece.frame] if self._is_many else self._pixels
        return self._finished(pixels)

    def _decoded(self, frame: int | None) -> NDArray[Any]:
        dataset, name = self._dataset, self._name
        if not any(
            keyword in dataset
            for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
        ):
            raise cut_short(name, _KIND)
        pixel_array = import_module("pydicom.pixels").pixel_array
        _check_syntax(dataset, name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels: NDArray[Any] = pixel_array(dataset, index=frame)
        except MemoryError:
            raise
        except Exception as error:
            raise cut_short(name, _KIND) from error
        return pixels

    def _finished(self, pixels: NDArray[Any]) -> NDArray[Any]:
        dataset = self._dataset
        if "PALETTE" in str(dataset.get("PhotometricInterpretation", "")):
            coloured: NDArray[Any] = import_module("pydicom.pixels").apply_color_lut(
                pixels, dataset
            )
            bits = 8 * coloured.dtype.itemsize
            syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
            if syntax == _BIG_ENDIAN and "RedPaletteColorLookupTableData" in dataset:
                # pydicom reads the table as if it were little-endian.
                coloured = coloured.byteswap()
            return (coloured[..., :3] >> (bits - 8)).astype(np.uint8)
        if pixels.ndim == 3:
            bits = int(dataset.get("BitsStored", 8) or 8)
            return (pixels[..., :3] >> max(bits - 8, 0)).astype(np.uint8)
        if dataset.get("ModalityLUTSequence"):
            self.is_transformed = True
            shown: NDArray[Any] = import_module("pydicom.pixels").apply_modality_lut(
                pixels, dataset
            )
            return shown
        if pixels.dtype.kind == "f":
            return pixels
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        return _only_stored_bits(pixels, dataset)


def _only_stored_bits(pixels: NDArray[Any], header: Any) -> NDArray[Any]:
    """Clear the bits that hold something else, such as an overlay."""
    allocated = 8 * pixels.dtype.itemsize
    stored = int(header.get("BitsStored", allocated) or allocated)
    high = int(header.get("HighBit", stored - 1) or stored - 1)
    if not 1 <= stored < allocated or not stored - 1 <= high < allocated:
        return pixels
    low_end = -(1 << (stored - 1)) if pixels.dtype.kind == "i" else 0
    high_end = low_end + (1 << stored) - 1
    if high == stored - 1 and low_end <= pixels.min() and pixels.max() <= high_end:
        return pixels
    # Shifted up and down again, so that the sign bit of signed pixels goes along.
    return (pixels << (allocated - 1 - high)) >> (allocated - stored)


def _check_syntax(dataset: Any, name: str) -> None:
    """Say so if no decoder is there for the file's transfer syntax."""
    syntax = dataset.file_meta.get("TransferSyntaxUID") if dataset.file_meta else None
    if syntax is None:
        raise damaged(name, _KIND)
    try:
        decoder = import_module("pydicom.pixels").get_decoder(syntax)
        if decoder.is_available:
            return
    except NotImplementedError:
        pass
    raise NotAScan(
        f"{name} must be in a compression that medlab can decode, got "
        f"{getattr(syntax, 'name', syntax)}. Export it uncompressed, or convert it with "
        "dcmtk or gdcmconv.",
        code="compression",
    )


def join(pictures: Iterator[NDArray[Any]], shape: tuple[int, int, int]) -> NDArray[Any]:
    """Pictures as one volume.

    Args:
        pictures: One a slice, `(rows, columns[, 3])`.
        shape: `(I, J, K)`.

    Returns:
        `(I, J, K)`, or `(I, J, K, 3)`; with I fastest in memory.
    """
    voxels: NDArray[Any] | None = None
    for k, picture in enumerate(pictures):
        is_colour = picture.ndim == 3
        if voxels is None:
            size = (3, *shape) if is_colour else shape
            voxels = np.empty(size, picture.dtype, order="F")
        if is_colour != (voxels.ndim == 4):
            raise MedlabError(
                "A volume must hold grey or colour pictures, got both. Choose one file.",
                code="mixed-colour",
            )
        kind = np.result_type(voxels.dtype, picture.dtype)
        if kind != voxels.dtype:
            voxels = voxels.astype(kind, order="F")
        voxels[..., k] = picture.transpose(2, 1, 0) if is_colour else picture.T
    assert voxels is not None
    return np.moveaxis(voxels, 0, -1) if voxels.ndim == 4 else voxels
