"""Colours as DICOM stores them: CIELab of sRGB under D65, as three 16-bit numbers.

Source:
    IEC 61966-2-1 (sRGB); CIE 15 (L*a*b*); DICOM PS3.3, C.10.7.1.1 (how it is stored).
    The white of PS3.3 is D50; PixelMed, dcmqi and highdicom all use D65, and so does this.
"""

from collections.abc import Iterable

import numpy as np

from medlab.labels._plain_text import hex_color, rgb

_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
_WHITE = np.array([0.9505, 1.0, 1.0889])
_EDGE = 6 / 29
# L* is stored from 0 to 100, a* and b* from -128 to 127.
_SHIFT, _REACH = np.array([0.0, 128.0, 128.0]), np.array([100.0, 255.0, 255.0])
_SCALE = 65535


def to_cielab(color: str) -> tuple[int, int, int]:
    """`#rrggbb` as DICOM's L*, a* and b*, 0 to 65535.

    Example:
        >>> to_cielab("#ffa500")
        (49107, 39046, 53188)
    """
    parts = np.array(rgb(color)) / 255
    linear = np.where(parts > 0.04045, ((parts + 0.055) / 1.055) ** 2.4, parts / 12.92)
    x, y, z = (
        t ** (1 / 3) if t > _EDGE**3 else t / (3 * _EDGE**2) + 4 / 29
        for t in _XYZ @ linear / _WHITE
    )
    lab = np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
    stored = np.rint((lab + _SHIFT) / _REACH * _SCALE)
    low, a, b = (int(part) for part in np.clip(stored, 0, _SCALE))
    return low, a, b


def from_cielab(stored: Iterable[int]) -> str:
    """The colour of three stored numbers; one that no screen has is brought nearer.

    Example:
        >>> from_cielab((49107, 39048, 53188))
        '#ffa500'
    """
    lab = np.array([float(part) for part in stored]) / _SCALE * _REACH - _SHIFT
    y = (lab[0] + 16) / 116
    roots = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = np.where(roots > _EDGE, roots**3, 3 * _EDGE**2 * (roots - 4 / 29)) * _WHITE
    linear = np.clip(np.linalg.solve(_XYZ, xyz), 0, 1)
    parts = np.where(
        linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear
    )
    return hex_color(*(255 * parts))
