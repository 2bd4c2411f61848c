"""Pixel sizes of pictures: which resolution tags tell a distance, and which are made up.

Programs write 72, 96 or 300 dots per inch into a picture without having measured anything:
the size on paper, not in the patient. Such a tag is not believed; the scan is in pixels.
"""

from typing import NamedTuple

import numpy as np

from medlab.scans._volume import SpacingUnit

UNPLACED = (
    "The file does not say how the picture lies in the patient; "
    "left and right may be swapped."
)
NO_PIXEL_SIZE = "The file gives no pixel size; distances are in pixels."
ONE_SLICE = "The scan has only one slice."

_MM = {
    "nm": 1e-6, "nanometer": 1e-6, "nanometre": 1e-6,
    "um": 1e-3, "\u00b5m": 1e-3, "\u03bcm": 1e-3, "\\u00b5m": 1e-3, "micron": 1e-3,
    "microns": 1e-3, "micrometer": 1e-3, "micrometre": 1e-3, "micrometers": 1e-3,
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "millimeters": 1.0,
    "cm": 10.0, "centimeter": 10.0, "centimetre": 10.0,
    "m": 1e3, "meter": 1e3, "metre": 1e3, "meters": 1e3, "metres": 1e3,
    "in": 25.4, "inch": 25.4, "inches": 25.4, "angstrom": 1e-7, "ångström": 1e-7,
}  # fmt: skip
_PRINTING_DPI = (
    60, 72, 75, 80, 90, 96, 100, 120, 130, 144, 150, 160, 180, 192, 200, 220, 240, 250,
    266, 288, 300, 320, 350, 360, 400, 480, 600, 640, 720, 800, 1000, 1200, 1440, 2400,
    2880, 4000, 4800, 9600,
)  # fmt: skip


class PixelSize(NamedTuple):
    """Distances between pixels along I and J, in mm or 1 "pixels", and a sentence."""

    i: float = 1.0
    j: float = 1.0
    unit: SpacingUnit = "pixels"
    note: str = NO_PIXEL_SIZE


def mm_per(unit: str) -> float | None:
    """How many mm one of that unit of length is; None for a word that is no length.

    Example:
        >>> mm_per("micrometer"), mm_per("pixel")
        (0.001, None)
    """
    return _MM.get(str(unit).strip().lower())


def from_resolution(per_i: float, per_j: float, unit_mm: float | None) -> PixelSize:
    """The pixel size that a resolution tag tells, if it is one of a measurement.

    Args:
        per_i: Pixels per unit along the rows.
        per_j: Pixels per unit down the columns.
        unit_mm: Length of that unit, None if the file names none.

    Example:
        >>> from_resolution(254, 254, 25.4)[:3]
        (0.1, 0.1, 'mm')
        >>> from_resolution(300, 300, 25.4).unit
        'pixels'
    """
    usable = np.isfinite([per_i, per_j]).all() and min(per_i, per_j) > 0
    if unit_mm is None or not usable:
        return PixelSize()
    i, j = round(unit_mm / per_i, 12), round(unit_mm / per_j, 12)
    dpi = [25.4 / mm for mm in (i, j)]
    if any(abs(dots - known) < 0.02 for dots in dpi for known in _PRINTING_DPI):
        return PixelSize(
            note=f"The resolution of {dpi[0]:.4g} dots per inch is one for printing, "
            "not a pixel size; distances are in pixels."
        )
    if not (min(i, j) >= 1e-7 and max(i, j) <= 10):
        return PixelSize(
            note=f"The resolution tag gives pixels of {i:.3g} x {j:.3g} mm, which no "
            "picture has; distances are in pixels."
        )
    return PixelSize(
        i,
        j,
        "mm",
        f"The pixel size of {i:.4g} x {j:.4g} mm is that of the resolution tag.",
    )
