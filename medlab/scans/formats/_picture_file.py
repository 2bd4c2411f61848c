"""Reading PNG and JPEG: one picture, as a volume of one slice.

I runs along the rows, J down the columns. A picture turned by its EXIF orientation is turned;
colours become RGB, 8 bits each (16 where the file has them).
"""

import contextlib
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import affine_without_patient
from medlab.scans._header import Header, modality_from_name, pick_frame
from medlab.scans._limits import NotAScan, TooLarge, check_size, cut_short, damaged
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume
from medlab.scans.formats._resolution import (
    ONE_SLICE,
    UNPLACED,
    PixelSize,
    from_resolution,
)

_GREY = {"1": 1, "L": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2, "I": 4, "F": 4}
_COLOURS = {"P", "PA", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"}
_TURNED = {5, 6, 7, 8}
_ORIENTATION, _MAKE, _GPS = 0x0112, 0x010F, 0x8825
_INCH, _CENTIMETRE = 2, 3


def read_header(path: Path, name: str) -> Header:
    """Read what a picture says about itself.

    Raises:
        MedlabError: If it is not a PNG or JPEG file, or is too large.
    """
    with _opened(path, name) as picture:
        return _header(picture, path, name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a PNG or JPEG file.

    Raises:
        MedlabError: If it cannot be read.
    """
    from PIL import ImageOps

    with _opened(path, name) as picture:
        header = _header(picture, path, name)
        pick_frame(name, header.frames, frame)
        deep = _bits(path) == 16 and header.channels == 3
        exif = _exif(picture)
        try:
            picture.load()
            if deep:
                array = _deep_colours(path)
            else:
                array = _array(
                    ImageOps.exif_transpose(picture) if exif else picture,
                    header.channels,
                )
        except OSError as error:
            short = "truncated" in str(error) or "Truncated" in str(error)
            raise (cut_short if short else damaged)(name, picture.format) from error
        except (SyntaxError, ValueError, RuntimeError, EOFError) as error:
            raise damaged(name, str(picture.format)) from error
    voxels = np.swapaxes(array, 0, 1)[:, :, np.newaxis]
    return header.volume(voxels)


def tags(path: Path, name: str) -> list[TagRow]:
    """Size, mode, text fields and EXIF, a row a field."""
    from PIL import ExifTags

    with _opened(path, name) as picture:
        rows = [
            tag_row("Format", picture.format),
            tag_row("Size", picture.size),
            tag_row("Mode", picture.mode),
        ]
        for key, value in picture.info.items():
            if isinstance(value, str | int | float | tuple):
                rows.append(tag_row(str(key), value, identifies=isinstance(value, str)))
        for number, value in _exif(picture).items():
            word = ExifTags.TAGS.get(number, f"0x{number:04x}")
            text = not isinstance(value, int | float)
            rows.append(tag_row(f"EXIF {word}", value, identifies=text))
    return rows


def looks_made_by_a_program(path: Path, name: str) -> bool:
    """Whether it is a plot, a personal photo or an icon rather than a picture to work on.

    Plots say so (Matplotlib and others sign them), phones note where a photo was taken.
    """
    with _opened(path, name) as picture:
        software = str(picture.info.get("Software", "")).lower()
        signed = any(word in software for word in _PLOTTERS)
        return signed or _GPS in _exif(picture) or min(picture.size) < ICON_PIXELS


ICON_PIXELS = 64
"""A picture with a shorter side is taken for an icon."""

_PLOTTERS = ("matplotlib", "gnuplot", "plotly", "ggplot", "screenshot", "graphviz")


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    PIL: Any = import_module("PIL.Image")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = PIL.open(path, formats=("PNG", "JPEG"))
        except PIL.DecompressionBombError as error:
            raise TooLarge(
                f"{name} has more than {2 * PIL.MAX_IMAGE_PIXELS / 1e6:.0f} million "
                "pixels, more than one picture may have. Save it as OME-Zarr or a tiled "
                "TIFF, which are read in part."
            ) from error
        except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
            if isinstance(error, PermissionError | FileNotFoundError):
                raise
            raise NotAScan(
                f"{name} must be a PNG or JPEG picture, got something else under that "
                "name. Look what it really is; perhaps only its ending is wrong."
            ) from error
        with picture:
            yield picture


def _header(picture: Any, path: Path, name: str) -> Header:
    mode = picture.mode
    if mode not in _GREY and mode not in _COLOURS:
        raise NotAScan(
            f"{name} must hold grey values or colours, got the mode {mode!r}. "
            "Save it as a PNG picture first."
        )
    width, height = picture.size
    channels = 1 if mode in _GREY or mode == "LA" else 3
    itemsize = _GREY.get(mode, 1) if channels == 1 else (_bits(path) + 7) // 8
    orientation = int(_exif(picture).get(_ORIENTATION, 1) or 1)
    turned = orientation in _TURNED
    shape = (height, width, 1) if turned else (width, height, 1)
    check_size(name, (*shape, channels), itemsize)
    size = _pixel_size(picture)
    spacing = (size.j, size.i, 1.0) if turned else (size.i, size.j, 1.0)
    notes = [size.note, UNPLACED, ONE_SLICE]
    if 2 <= orientation <= 8:
        notes.append("The picture was turned as its EXIF orientation says.")
    if mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        notes.append("Transparency was left out.")
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("Only the first of several pictures in the file is shown.")
    return Header(
        shape=shape,
        affine=affine_without_patient(spacing),
        modality=modality_from_name(path.name),
        channels=channels,
        warnings=tuple(notes),
        spacing_unit=size.unit,
    )


def _exif(picture: Any) -> dict[int, Any]:
    if picture.format == "PNG" and "exif" not in picture.info:
        return {}  # Pillow would decode the picture to look behind it.
    try:
        return dict(picture.getexif())
    except Exception:  # EXIF is read by hand in Pillow and fails in many ways.
        return {}


def _pixel_size(picture: Any) -> PixelSize:
    exif = _exif(picture)
    if exif.get(_MAKE):
        return PixelSize(
            note="A camera took the picture, so its resolution tag is no pixel size; "
            "distances are in pixels."
        )
    try:
        per_i, per_j = (float(n) for n in picture.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return PixelSize()
    return from_resolution(per_i, per_j, 25.4)


def _bits(path: Path) -> int:
    """Bits a sample of a PNG file; 8 for others.

    Source:
        PNG (ISO/IEC 15948), 11.2.2: IHDR holds width, height, then the bit depth.
    """
    with path.open("rb") as handle:
        start = handle.read(26)
    return start[24] if start.startswith(b"\x89PNG") and len(start) > 24 else 8


def _array(picture: Any, channels: int) -> NDArray[Any]:
    mode = "L" if picture.mode in ("1", "LA") else picture.mode
    if channels == 3:
        mode = "RGB"
    array = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _deep_colours(path: Path) -> NDArray[Any]:
    """Colours of 16 bits, which Pillow would cut to 8."""
    SimpleITK: Any = import_module("SimpleITK")
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return np.asarray(
        SimpleITK.GetArrayFromImage(
            SimpleITK.ReadImage(str(path), imageIO="PNGImageIO")
        )
    )[..., :3]
