"""How far augmentation may go, and how often."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from medlab.errors import MedlabError

Each = float | tuple[float, ...]
"""One number for all axes, or one for each."""


@dataclass(frozen=True)
class Augmentation:
    """How far augmentation may go, and how often.

    A limit of 0 switches its transform off. Strengths are drawn evenly up to the
    limit. What ends in `_p` is a chance between 0 and 1: how many of the samples get
    that transform at all. Intensities are normalised: spread about 1, around 0. The
    channels of a sample are treated alike.

    No mirror images unless asked for: left and right are different organs.

    Args:
        turn_deg: Rotation to either side, in degrees; in 3D about each axis, or one
            number for each axis. In mm where the voxels' spacing is told.
        scale: Growth or shrinkage, as a share.
        shift: Movement along each axis, as a share of the patch.
        bend: Elastic displacement, as a share of the patch. At most 0.04, so that
            nothing folds over.
        gamma: Curve of brightness: exponent between `exp(-gamma)` and `exp(gamma)`.
        contrast: Spread of the intensities, as a share.
        brightness: Added to the intensities.
        noise: Largest standard deviation of Gaussian noise.
        shear_deg: Largest angle by which axes lean towards one another, in degrees.
        crop: Share of each side that a random crop may cut off; what is left is
            resized to the whole patch.
        blur: Largest standard deviation of a Gaussian blur, in voxels.
        low_resolution: Share of the resolution that may be lost: 0.5 goes down to
            half the voxels a side, and back up.
        anisotropy: Largest thickness of slices along one axis, in voxels; more than 1.
        bias_field: Smooth shading: the distance from the darkest voxel is multiplied
            by between `exp(-bias_field)` and `exp(bias_field)`.
        motion: Largest movement of the body during the scan, as a share of the patch.
        ghosting: Largest loss of the lines of k-space that make ghosts, as a share.
        spike: Largest height of the stripes that a spike in k-space makes, as a share
            of the range of intensities.
        cutout: Largest side of a box that is blanked out, as a share of the patch.
            The labels stay.
        flip_p: Chance of a mirror image along an axis, or one chance for each axis.
        quarter_turn_p: Chance of a turn by 90, 180 or 270 degrees in a plane whose
            two sides are equal.
        turn_p, scale_p, shift_p, bend_p, gamma_p, contrast_p, brightness_p, noise_p,
            shear_p, crop_p, blur_p, low_resolution_p, anisotropy_p, bias_field_p,
            motion_p, ghosting_p, spike_p, cutout_p: Chance of each of the others.

    Raises:
        MedlabError: If a number is out of its range.

    Example:
        >>> Augmentation.of({"turn_deg": 30, "flip_p": [0, 0, 0.5]}).flip_p
        (0.0, 0.0, 0.5)
    """

    turn_deg: Each = 12.0
    scale: float = 0.15
    shift: float = 0.08
    bend: float = 0.03
    gamma: float = 0.25
    contrast: float = 0.15
    brightness: float = 0.1
    noise: float = 0.06
    shear_deg: float = 0.0
    crop: float = 0.0
    blur: float = 0.0
    low_resolution: float = 0.0
    anisotropy: float = 0.0
    bias_field: float = 0.0
    motion: float = 0.0
    ghosting: float = 0.0
    spike: float = 0.0
    cutout: float = 0.0
    flip_p: Each = 0.0
    quarter_turn_p: float = 0.0
    turn_p: float = 1.0
    scale_p: float = 1.0
    shift_p: float = 1.0
    bend_p: float = 1.0
    gamma_p: float = 1.0
    contrast_p: float = 1.0
    brightness_p: float = 1.0
    noise_p: float = 1.0
    shear_p: float = 0.5
    crop_p: float = 0.3
    blur_p: float = 0.15
    low_resolution_p: float = 0.15
    anisotropy_p: float = 0.15
    bias_field_p: float = 0.2
    motion_p: float = 0.1
    ghosting_p: float = 0.1
    spike_p: float = 0.1
    cutout_p: float = 0.2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _plain(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @classmethod
    def of(
        cls, choice: "str | Mapping[str, Any] | Augmentation | None"
    ) -> "Augmentation":
        """Read `default`, `none`, `strong`, or limits that differ from the default.

        Args:
            choice: A name, or a mapping of limits; its entry `preset` may name what
                the limits differ from, `default` unless told.

        Raises:
            MedlabError: If a name is unknown or a number out of its range.

        Example:
            >>> Augmentation.of({"preset": "none", "noise": 0.1}).turn_deg
            0.0
        """
        if isinstance(choice, Augmentation):
            return choice
        if choice is None:
            return _NONE
        if isinstance(choice, str) and choice in PRESETS:
            return PRESETS[choice]
        names = [field.name for field in fields(cls)]
        if isinstance(choice, Mapping) and set(choice) <= {"preset", *names}:
            changes = {name: choice[name] for name in choice if name != "preset"}
            return replace(cls.of(choice.get("preset", "default")), **changes)
        raise MedlabError(
            f"augmentation is {', '.join(map(repr, PRESETS))} or limits for some of "
            f"{', '.join(names)}, got {choice!r}.",
            code="unknown-augmentation",
        )

    def is_on(self, name: str) -> bool:
        """Whether any sample can get this transform."""
        limit = getattr(self, _LIMITS.get(name, name), 1.0)
        floor = 1.0 if name == "anisotropy" else 0.0
        return _largest(limit) > floor and _largest(getattr(self, f"{name}_p")) > 0


_LIMITS = {"turn": "turn_deg", "shear": "shear_deg"}
_RANGES = {
    "turn_deg": (0, 180),
    "scale": (0, 0.9),
    "shift": (0, 1),
    "bend": (0, 0.04),
    "gamma": (0, 3),
    "contrast": (0, 1),
    "shear_deg": (0, 45),
    "crop": (0, 0.9),
    "blur": (0, 10),
    "low_resolution": (0, 0.9),
    "anisotropy": (0, 20),
    "bias_field": (0, 3),
    "motion": (0, 0.5),
    "ghosting": (0, 1),
    "cutout": (0, 1),
}
_PER_AXIS = ("turn_deg", "flip_p")


def _plain(name: str, value: Any) -> Each:
    low, high = (0, 1) if name.endswith("_p") else _RANGES.get(name, (0, math.inf))
    several = isinstance(value, list | tuple) and name in _PER_AXIS
    try:
        numbers = tuple(map(float, value)) if several else (float(value),)
    except (TypeError, ValueError):
        numbers = ()
    if name == "turn_deg" and several and len(numbers) != 3:
        numbers = ()
    if not numbers or not all(low <= n <= high and n < math.inf for n in numbers):
        kind = "a number or one for each axis," if name in _PER_AXIS else "a number"
        limits = f"between {low} and {high}" if high < math.inf else "of 0 or more"
        raise MedlabError(
            f"The augmentation's {name} is {kind} {limits}, got {value!r}. "
            "Change it, or leave it out for the default.",
            code="wrong-augmentation",
        )
    return numbers if several else numbers[0]


def _largest(value: Each) -> float:
    return max(value) if isinstance(value, tuple) else value


_NONE = Augmentation(
    turn_deg=0.0,
    scale=0.0,
    shift=0.0,
    bend=0.0,
    gamma=0.0,
    contrast=0.0,
    brightness=0.0,
    noise=0.0,
    blur=0.0,
    low_resolution=0.0,
)

PRESETS = {
    "default": Augmentation(),
    "none": _NONE,
    "strong": Augmentation(
        turn_deg=30.0,
        scale=0.3,
        shift=0.1,
        bend=0.04,
        gamma=0.5,
        contrast=0.3,
        brightness=0.3,
        noise=0.15,
        shear_deg=10.0,
        crop=0.3,
        blur=1.5,
        low_resolution=0.6,
        anisotropy=4.0,
        bias_field=0.5,
        motion=0.04,
        ghosting=0.6,
        spike=0.15,
        cutout=0.3,
        noise_p=0.5,
    ),
}
