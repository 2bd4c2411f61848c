"""Data sets in figures, as `medlab.data.fingerprint` gives them, and a machine."""

import pytest

from medlab.data import CaseFigures, Fingerprint, Intensities
from medlab.planning import Machine, Plan
from medlab.planning._resources import Resources

BRIGHT = Intensities(50.0, 100.0, -200.0, 60.0, 300.0, -900.0, 1200.0, 10_000)


def case(**changes):
    shape = changes.get("shape", (256, 256, 120))
    usual = {
        "shape": shape,
        "spacing_mm": (1.0, 1.0, 1.5),
        "modality": "MR",
        "channels": 1,
        "patient": 0,
        "slices": shape[2],
        "labelled_slices": shape[2],
        "is_sparse": False,
        "nonzero_share": 1.0,
        "voxels": {"liver": 400_000},
        "volume_mm3": {"liver": 6e5},
        "foreground": (BRIGHT,),
        "by_segment": {"liver": (BRIGHT,)},
    }
    return CaseFigures(**{**usual, **changes})


def figures(*cases, segments=("liver",)):
    cases = cases or (case(),)
    return Fingerprint(
        segments, tuple(cases), (BRIGHT,), dict.fromkeys(segments, (BRIGHT,))
    )


@pytest.fixture
def planned():
    """Make a plan from figures alone."""

    def make(
        *cases,
        device="cpu",
        speed=1e11,
        memory_gb=None,
        budget_s=None,
        segments=("liver",),
        configuration=None,
        **fixed,
    ):
        machine = Machine(device, f"a {device}", 16 << 30, speed)
        named = [{"scan": f"{place}.nii"} for place in range(max(1, len(cases)))]
        resources = Resources.of(machine, memory_gb, budget_s)
        found = figures(*cases, segments=segments)
        return Plan(found, named, resources, fixed, configuration)

    return make


@pytest.fixture
def a_case():
    return case
