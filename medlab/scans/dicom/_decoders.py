"""Decoders that pydicom lacks, from libraries that are there: HTJ2K and 12-bit JPEG.

Source:
    DICOM PS3.5, A.4.4 to A.4.12. OpenJPEG 2.5 decodes high-throughput JPEG 2000; GDCM's
    libjpeg decodes 12-bit JPEG, equal to DCMTK's bit for bit.
"""

import struct
from functools import cache
from importlib import import_module
from typing import Any

HTJ2K = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))
JPEG_12_BIT = "1.2.840.10008.1.2.4.51"
_BY_OTHERS = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (80, 81, 90, 91))
"""JPEG-LS and JPEG 2000."""
_LABEL = "medlab"
# What pydicom asks of the module of a decoder.
DECODER_DEPENDENCIES = {
    **dict.fromkeys(HTJ2K, ("pylibjpeg-openjpeg>=2.0",)),
    JPEG_12_BIT: ("gdcm>=3.0.10",),
}


@cache
def register() -> None:
    """Make the decoders known to pydicom; once a process."""
    get_decoder = import_module("pydicom.pixels").get_decoder
    for syntax in HTJ2K:
        get_decoder(syntax).add_plugin(_LABEL, (__name__, "decode_htj2k"))
    get_decoder(JPEG_12_BIT).add_plugin(_LABEL, (__name__, "decode_jpeg_12_bit"))
    for syntax in _BY_OTHERS:
        decoder = get_decoder(syntax)
        if len(decoder.available_plugins) > 1 and "gdcm" in decoder.available_plugins:
            # What others refuse as damaged GDCM can end the whole process over.
            decoder.remove_plugin("gdcm")


def is_available(uid: str) -> bool:
    """Whether the library for that transfer syntax is installed. Called by pydicom."""
    try:
        import_module("gdcm" if uid == JPEG_12_BIT else "openjpeg")
    except ImportError:
        return False
    return True


def decode_htj2k(source: bytes, runner: Any) -> bytearray:
    """One frame of high-throughput JPEG 2000. Called by pydicom."""
    openjpeg = import_module("openjpeg")
    frame: bytearray = openjpeg.decode_pixel_data(
        bytes(source), version=2, **runner.options
    )
    if str(runner.photometric_interpretation) in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    runner.set_option("planar_configuration", 0)
    bits = runner.get_option("j2k_precision", runner.bits_stored)
    runner.set_option("bits_allocated", 8 if bits <= 8 else 16 if bits <= 16 else 32)
    return frame


def decode_jpeg_12_bit(source: bytes, runner: Any) -> bytes:
    """One frame of JPEG with 12 bits a pixel. Called by pydicom."""
    _check_jpeg(bytes(source), runner)
    gdcm = import_module("gdcm")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(bytes(source))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((runner.columns, runner.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(
        str(runner.photometric_interpretation)
    )
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    syntax = gdcm.TransferSyntax.GetTSType(JPEG_12_BIT)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    bits = int(runner.bits_stored)
    image.SetPixelFormat(
        gdcm.PixelFormat(
            runner.samples_per_pixel,
            runner.bits_allocated,
            bits,
            bits - 1,
            runner.pixel_representation,
        )
    )
    buffer = image.GetBuffer()
    if buffer is None:
        raise ValueError("GDCM could not decode the frame")
    # GDCM returns bytes as text.
    decoded: bytes = buffer.encode("utf-8", "surrogateescape")
    return decoded


def _check_jpeg(data: bytes, runner: Any) -> None:
    """Refuse what GDCM would end the whole process over: an error of C++ that nobody catches.

    Raises:
        ValueError: If the tables before the first scan are damaged or say something other
            than the header of the DICOM file.

    Source:
        ITU-T T.81, B.2: markers, frame header, scan header.
    """
    at, frame = 2, b""
    while data[:2] == b"\xff\xd8" and data[at : at + 1] == b"\xff":
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            break
        if marker == _SOS:
            parts = runner.samples_per_pixel
            size = (runner.rows, runner.columns, parts)
            told = (
                struct.unpack(">BHHB", frame[:6]) if len(frame) == 6 + 3 * parts else ()
            )
            whole = len(body) == 4 + 2 * parts and body[0] == parts
            if told == (12, *size) and whole:
                return
            break
        if marker == _SOF1:
            frame = body
        elif marker not in _TABLES:
            break
        at += 2 + length
    raise ValueError("the JPEG tables are damaged")


_SOF1, _SOS = 0xC1, 0xDA
_TABLES = frozenset((0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)))
"""Huffman and quantisation tables, restart interval, comments, data of applications."""
