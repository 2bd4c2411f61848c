"""Where a NIfTI file puts its voxels: sform, qform or neither, and in which unit.

A file may place the scan twice. The sform is used where it can be, as nibabel and others do;
what disagrees is told in millimetres and degrees.

Source:
    https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h, "3D IMAGE (VOLUME)
    ORIENTATION AND LOCATION IN SPACE" and "SPATIAL AND TEMPORAL UNITS".
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import apart, check_affine, spacing_mm
from medlab.scans._volume import SpacingUnit
from medlab.scans.formats._resolution import NO_PIXEL_SIZE

_LENGTHS = {1: (1000.0, "metres"), 2: (1.0, "millimetres"), 3: (1e-3, "micrometres")}
_VOXEL_SHARE = 0.1
_LEAST_MM = 1e-2


class Place(NamedTuple):
    """Affine of the voxels to RAS, its unit, and sentences about what is doubtful."""

    affine: NDArray[np.float64]
    unit: SpacingUnit
    notes: tuple[str, ...]


def place(raw: Any, shape: tuple[int, int, int], name: str) -> Place:
    """Where the voxels lie.

    Args:
        raw: A nibabel NIfTI header.
        shape: `(I, J, K)`, to tell how far corners lie apart.
        name: What to call the scan in messages.

    Raises:
        MedlabError: If sform and qform are given and neither can be used.
    """
    forms = {kind: _form(raw, kind) for kind in ("sform", "qform") if _code(raw, kind)}
    if not forms:
        return without_forms(raw, shape)
    usable = {kind: form for kind, form in forms.items() if _is_usable(form)}
    if not usable:
        kind = next(iter(forms))
        check_affine(forms[kind], name)
    kind = next(iter(usable))
    affine, notes = usable[kind], []
    if len(usable) < len(forms):
        other = next(bad for bad in forms if bad not in usable)
        notes.append(
            f"The {other} is not usable (not finite, or two axes coincide); "
            f"the {kind} is used."
        )
    if len(usable) == 2:
        notes += _disagreement(usable["sform"], usable["qform"], shape)
    elif kind == "sform":
        notes += _other_spacing(raw, affine)
    scale, unit_notes = _length(raw)
    affine[:3] *= scale
    return Place(affine, "mm", (*notes, *unit_notes))


def _code(raw: Any, kind: str) -> int:
    return int(raw[f"{kind}_code"])


def _form(raw: Any, kind: str) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        if kind == "sform":
            return np.asarray(raw.get_sform(), np.float64)
        whole = raw.copy()
        if whole["pixdim"][0] == 0:
            whole["pixdim"][0] = 1  # As the standard says.
        try:
            return np.asarray(whole.get_qform(), np.float64)
        except Exception:  # No rotation, or a length below zero.
            return np.full((4, 4), np.nan)


def _is_usable(form: NDArray[np.float64]) -> bool:
    try:
        check_affine(form, "it")
    except MedlabError:
        return False
    return True


def _disagreement(
    sform: NDArray[np.float64], qform: NDArray[np.float64], shape: tuple[int, int, int]
) -> list[str]:
    furthest, degrees = apart(sform, qform, shape)
    if furthest <= max(_VOXEL_SHARE * min(spacing_mm(sform)), _LEAST_MM):
        return []
    turn = "and one is the mirror image of the other"
    if degrees is not None:
        turn = f"and are turned by {degrees:.3g} degrees"
    return [
        f"qform and sform put the voxels up to {furthest:.4g} mm apart {turn}; "
        "the sform is used."
    ]


def _other_spacing(raw: Any, affine: NDArray[np.float64]) -> list[str]:
    told = _sizes(raw)
    used = np.asarray(spacing_mm(affine))
    if not np.isfinite(told).all() or (told == 0).any():
        return []
    if (np.abs(told - used) <= 0.01 * used).all():
        return []
    return [
        f"The header gives voxels of {_by(told)} mm, but places them {_by(used)} mm apart "
        "(sform); the sform is used."
    ]


def without_forms(raw: Any, shape: tuple[int, int, int]) -> Place:
    """Place by the sizes alone, unless they are the ones that every header begins with.

    Args:
        raw: A nibabel NIfTI or Analyze header.
        shape: `(I, J, K)`; the middle of the scan is put at 0.
    """
    notes = [
        "The file does not say how the scan lies in the patient; "
        "left and right may be swapped."
    ]
    sizes = _sizes(raw)
    known = np.isfinite(sizes).all() and (sizes > 0).all()
    named = "xyzt_units" in raw and int(raw["xyzt_units"]) & 7 in _LENGTHS
    if not known or (not named and (sizes == 1).all()):
        sizes, unit, scale = np.ones(3), "pixels", 1.0
        notes.append(NO_PIXEL_SIZE)
    else:
        unit = "mm"
        scale, unit_notes = _length(raw)
        notes += unit_notes
    affine = np.diag([*(sizes * scale), 1.0])
    affine[0, 0] *= -1  # As in Analyze, and as nibabel does: I runs to the left.
    affine[:3, 3] = -affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return Place(affine, "mm" if unit == "mm" else "pixels", tuple(notes))


def _sizes(raw: Any) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return np.abs(np.asarray(raw["pixdim"][1:4], np.float64))


def _length(raw: Any) -> tuple[float, list[str]]:
    """How many mm one unit of length is."""
    if "xyzt_units" not in raw:  # Analyze knows only millimetres.
        return 1.0, []
    code = int(raw["xyzt_units"]) & 7
    if code not in _LENGTHS:
        return 1.0, ["The file names no unit of length; millimetres are assumed."]
    scale, word = _LENGTHS[code]
    return scale, [] if scale == 1 else [f"Lengths were given in {word}."]


def _by(numbers: NDArray[np.float64]) -> str:
    return " x ".join(f"{n:.4g}" for n in numbers)
