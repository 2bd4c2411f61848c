"""Siemens mosaics: all slices of a volume as tiles of one picture.

The tiles lie row by row in a square of n x n, where n is the smallest number whose square
holds all slices; tiles left over are empty. ImagePositionPatient tells where the corner of a
single picture as large as the whole mosaic would lie; how many slices there are and which
way they follow one another stands in Siemens' own header (CSA) alone.

Source:
    DICOM standard extension of Siemens ("CSA header"), as written down in nibabel's
    documentation, "Siemens mosaic format" and "Siemens format DICOM with CSA header".
"""

import math
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_FIELDS, _MOST_SLICES = 1000, 1024
_CREATOR = "SIEMENS CSA HEADER"


@dataclass(frozen=True, eq=False)
class Mosaic:
    """How a mosaic is cut.

    Attributes:
        slices: Number of slices.
        normal: The way from one slice to the next, LPS, of length 1; None if not told.
        b_value: In s/mm2, None if not told.
        direction: Of the diffusion gradient, LPS; None if there is none.
    """

    slices: int
    normal: NDArray[np.float64] | None
    b_value: float | None = None
    direction: tuple[float, ...] | None = None

    @property
    def across(self) -> int:
        """Tiles in a row, and in a column.

        Example:
            >>> [Mosaic(n, None).across for n in (1, 4, 5, 48)]
            [1, 2, 3, 7]
        """
        return math.isqrt(self.slices - 1) + 1

    def size(self, rows: int, columns: int) -> tuple[int, int]:
        """Rows and columns of a tile; (0, 0) if the picture cannot be cut evenly."""
        if rows % self.across or columns % self.across:
            return 0, 0
        return rows // self.across, columns // self.across

    def corner(self, index: int, size: tuple[int, int]) -> tuple[int, int]:
        """Row and column of the mosaic where the tile of slice `index` begins."""
        down, right = divmod(index, self.across)
        return down * size[0], right * size[1]

    def origin(
        self,
        position: NDArray[np.float64],
        steps: NDArray[np.float64],
        size: tuple[int, int],
    ) -> NDArray[np.float64]:
        """Where the first voxel of the first slice lies, in mm.

        Args:
            position: ImagePositionPatient.
            steps: `(2, 3)`: the way to the next column and to the next row, in mm.
            size: Rows and columns of a tile.
        """
        rows, columns = ((self.across - 1) * n / 2 for n in size)
        moved: NDArray[np.float64] = position + columns * steps[0] + rows * steps[1]
        return moved


def read_mosaic(path: Path) -> Mosaic | None:
    """How the file is cut, from its CSA header; None if it does not tell."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True)
            block = header.private_block(0x0029, _CREATOR)
            fields = dict(csa_fields(bytes(block[0x10].value)))
    except Exception:
        return None
    return _mosaic(fields)


def _mosaic(fields: dict[str, list[str]]) -> Mosaic | None:
    count = _floats(fields, "NumberOfImagesInMosaic")
    if not count or not 1 <= count[0] <= _MOST_SLICES:
        return None
    normal = np.array(_floats(fields, "SliceNormalVector"))
    usable = normal.shape == (3,) and np.isfinite(normal).all() and normal.any()
    b_value = _floats(fields, "B_value")
    direction = _floats(fields, "DiffusionGradientDirection")
    return Mosaic(
        int(count[0]),
        normal / np.linalg.norm(normal) if usable else None,
        b_value[0] if b_value else None,
        tuple(direction) if len(direction) == 3 else None,
    )


def csa_fields(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """The fields of a CSA header, each with its values as text.

    Raises:
        ValueError: If it is damaged.
    """
    is_second = content[:4] == b"SV10"
    at = 8 if is_second else 0
    try:
        count, _ = struct.unpack_from("<2I", content, at)
        if not 0 < count <= _MOST_FIELDS:
            raise ValueError("an impossible number of fields")
        at += 8
        base = 0
        for number in range(count):
            name, _, _, _, items, _ = struct.unpack_from("<64si4s3i", content, at)
            at += 84
            if number == 0:
                base = items
            if not 0 <= items <= _MOST_FIELDS:
                raise ValueError("an impossible number of values")
            values = []
            for _ in range(items):
                first, second, _, _ = struct.unpack_from("<4i", content, at)
                at += 16
                # The older kind adds the number of the first field's items to each length.
                length = second if is_second else first - base
                if not 0 <= length <= len(content) - at:
                    if is_second:
                        raise ValueError("a value longer than the header")
                    break
                if length:
                    values.append(_text(content[at : at + length]))
                at += length + -length % 4
            yield _text(name), values
    except struct.error as error:
        raise ValueError("a header cut short") from error


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("latin-1").strip()


def _floats(fields: dict[str, list[str]], name: str) -> list[float]:
    found: list[float] = []
    for value in fields.get(name, []):
        try:
            found.append(float(value))
        except ValueError:
            break
    return found


def cut(picture: NDArray[Any], corner: tuple[int, int], size: tuple[int, int]) -> Any:
    """The tile of a picture `(rows, columns)` that begins at `corner`."""
    return picture[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
