"""How far apart the pixels of a DICOM picture lie, and how sure that is.

Source:
    DICOM PS3.3, 10.7.1.3 (pixel spacing calibration), C.8.5.5 (ultrasound regions).
"""

from dataclasses import dataclass
from typing import Any

from medlab.scans.dicom._values import Groups, numbers

_CENTIMETRES = 3


@dataclass(frozen=True)
class Spacing:
    """Distances between rows and between columns; None if the file gives none.

    `doubt` is a sentence if they are not distances in the patient.
    """

    mm: tuple[float, float] | None
    doubt: str = ""


def spacing_of(groups: Groups) -> Spacing:
    """What the file says about its pixels' distance, the best that is told."""
    measures = "PixelMeasuresSequence"
    found = _pair(groups, measures, "PixelSpacing")
    if found:
        return Spacing(found)
    found = _pair(groups, measures, "ImagerPixelSpacing")
    if found:
        return Spacing(
            found,
            "The pixel spacing is that at the detector: lengths in the patient are "
            "smaller than measured.",
        )
    found = _pair(groups, "", "NominalScannedPixelSpacing")
    if found:
        return Spacing(
            found,
            "The pixel spacing is that of a scanned film: lengths in the patient may differ.",
        )
    return Spacing(_region(groups[-1]) if groups else None)


def _pair(groups: Groups, sequence: str, keyword: str) -> tuple[float, float] | None:
    try:
        found = numbers(groups, sequence, keyword, 2)
    except (TypeError, ValueError):
        return None
    # 0, negative and NaN are as good as nothing: nothing can be measured with them.
    if found is None or not (found > 0).all() or not (found < 1e6).all():
        return None
    return float(found[0]), float(found[1])


def _region(header: Any) -> tuple[float, float] | None:
    """Ultrasound says it for regions of the picture; of use if there is only one."""
    regions = header.get("SequenceOfUltrasoundRegions")
    if not regions or len(regions) != 1:
        return None
    units = [regions[0].get(f"PhysicalUnits{axis}Direction") for axis in "YX"]
    deltas = [regions[0].get(f"PhysicalDelta{axis}") for axis in "YX"]
    if units != [_CENTIMETRES] * 2 or not all(deltas):
        return None
    down, right = (abs(float(delta)) * 10 for delta in deltas)
    return down, right
