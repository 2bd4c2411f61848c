"""A plan fits the data and the machine, tells why, and follows when it is edited."""

import html
import math
import time

import pytest

import medlab
from medlab.errors import MedlabError
from medlab.models import size_multiples
from medlab.train import Recipe
from tests.support.training import write_case

GPU = {"device": "gpu", "speed": 2e13}
PLACES = {(2, "axial"): (0, 1), (2, "coronal"): (0, 2), (2, "sagittal"): (1, 2)}


def test_a_large_gpu_gets_nnunets_network_and_schedule(planned):
    recipe = planned(**GPU).recipe
    assert recipe.plane is None
    assert recipe.template_args["widths"][0] == 32
    assert max(recipe.template_args["widths"]) <= 320
    assert recipe.template_args["deep_supervision"]
    assert (recipe.optimizer, recipe.learning_rate) == ("sgd", 1e-2)
    assert recipe.schedule == "poly"
    assert recipe.precision == "mixed_bfloat16"
    assert recipe.steps_per_epoch == 250
    assert recipe.epochs <= 1000


def test_a_slow_machine_gets_a_network_that_it_can_train_in_time(planned):
    fast, slow = (planned(speed=s, configuration="3d") for s in (1e12, 3e10))
    widths = [p.recipe.template_args["widths"][0] for p in (fast, slow)]
    assert widths[1] < widths[0]
    for plan in (fast, slow):
        told = plan.configurations[plan.name]
        steps = plan.recipe.steps_per_epoch * plan.recipe.epochs
        assert steps >= 900
        assert 1800 < steps * told.step_s <= 3600
    assert slow.recipe.optimizer == "adamw"


@pytest.mark.parametrize("memory_gb", [0.3, 1.0, 4.0, 9.0])
@pytest.mark.parametrize("configuration", ["2d", "3d"])
def test_a_step_fits_the_memory_and_sides_are_multiples_of_the_strides(
    planned, memory_gb, configuration
):
    plan = planned(memory_gb=memory_gb, configuration=configuration, **GPU)
    recipe = plan.recipe
    assert plan.configurations[plan.name].cost.memory_bytes <= memory_gb * 1e9
    rank = len(recipe.patch)
    wanted = size_multiples(
        rank,
        widths=recipe.template_args["widths"],
        strides=recipe.template_args["strides"],
    )
    assert not any(p % m for p, m in zip(recipe.patch, wanted, strict=True))


def test_more_memory_never_means_a_smaller_patch(planned):
    sizes = [
        math.prod(planned(memory_gb=gb, **GPU).recipe.patch) for gb in (2, 4, 8, 16)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_ct_is_scaled_by_the_percentiles_inside_the_segments(planned, a_case):
    recipe = planned(a_case(modality="CT")).recipe
    assert recipe.normalise == {
        "kind": "ct-percentiles",
        **{"low": -200.0, "high": 300.0, "mean": 50.0, "std": 100.0},
    }


def test_other_scans_are_scaled_each_by_itself_and_only_inside_if_much_is_empty(
    planned, a_case
):
    assert planned(a_case()).recipe.normalise == "zscore"
    stripped = planned(a_case(nonzero_share=0.5)).recipe
    assert stripped.normalise == "zscore-nonzero"
    assert planned(a_case(modality="unknown")).recipe.normalise == "auto"


def test_a_few_labelled_slices_are_learnt_slice_by_slice(planned, a_case):
    plan = planned(a_case(shape=(128, 128, 34), labelled_slices=5, is_sparse=True))
    usual = Recipe()
    assert list(plan.recipes) == ["2d"]
    assert plan.recipe.plane == "axial"
    assert plan.recipe.template_args == usual.template_args
    assert plan.recipe.patch == [128, 128]
    assert (plan.recipe.batch, plan.recipe.epochs) == (4, usual.epochs)
    assert plan.recipe.optimizer == "adamw"


@pytest.mark.parametrize(
    ("spacing_mm", "plane"),
    [
        ((1.0, 1.0, 5.0), "axial"),
        ((1.0, 5.0, 1.0), "coronal"),
        ((5.0, 1.0, 1.0), "sagittal"),
        ((1.0, 1.0, 1.0), "axial"),
    ],
)
def test_slices_are_taken_across_the_axis_with_the_largest_voxels(
    planned, a_case, spacing_mm, plane
):
    plan = planned(a_case(shape=(96, 80, 64), slices=64, spacing_mm=spacing_mm))
    assert plan.recipes["2d"].plane == plane
    sides = [(96, 80, 64)[axis] for axis in PLACES[2, plane]]
    assert all(
        p >= s or p > s - 32
        for p, s in zip(plan.recipes["2d"].patch, sides, strict=True)
    )


def test_thin_stacks_are_learnt_in_2d(planned, a_case):
    plan = planned(a_case(shape=(320, 320, 9), slices=9, spacing_mm=(0.6, 0.6, 8.0)))
    assert plan.name == "2d"
    assert "9 slices" in plan.reasons[0].reason


def test_a_machine_too_slow_for_3d_learns_slices(planned, a_case):
    slow = planned(a_case(), speed=2e10)
    assert slow.recipes["3d"].template_args["widths"][0] < 16
    assert slow.name == "2d"
    assert "8 channels only in 3D" in slow.reasons[0].reason
    assert slow.replace(configuration="3d").recipe.plane is None


def test_large_scans_get_a_low_resolution_whose_patch_shows_a_quarter(planned, a_case):
    plan = planned(a_case(shape=(512, 512, 400), spacing_mm=(0.8, 0.8, 1.0)), **GPU)
    low, full = plan.configurations["3d_low"], plan.configurations["3d"]
    assert full.seen < 0.25 <= low.seen * 1.2
    assert min(low.recipe.spacing_mm) > min(full.recipe.spacing_mm)


def test_small_scans_need_no_low_resolution(planned, a_case):
    small = a_case(shape=(67, 68, 52), slices=52, spacing_mm=(1.5, 1.5, 1.5))
    assert list(planned(small, **GPU).recipes) == ["2d", "3d"]


def test_what_is_edited_stays_and_the_rest_follows(planned):
    plan = planned(**GPU)
    edited = plan.replace(patch=[64, 64, 32], loss="dice")
    assert edited.recipe.patch == [64, 64, 32]
    assert edited.recipe.loss == "dice"
    wanted = size_multiples(
        3,
        widths=edited.recipe.template_args["widths"],
        strides=edited.recipe.template_args["strides"],
    )
    assert not any(p % m for p, m in zip((64, 64, 32), wanted, strict=True))
    old, new = (p.configurations["3d"].step_s for p in (plan, edited))
    assert new < old
    why = {reason.field: reason.reason for reason in edited.reasons}
    assert why["patch"] == why["loss"] == "As you said."
    assert edited.replace(patch=None, loss=None).recipe == plan.recipe


def test_less_time_means_fewer_steps_or_a_smaller_network(planned):
    plan = planned()
    short = plan.replace(budget_s=300)
    assert "min" in {r.field: r.value for r in short.reasons}["time"]
    told = short.configurations[short.name]
    total = short.recipe.steps_per_epoch * short.recipe.epochs
    assert total * told.step_s <= 300


def test_a_network_of_ones_own_keeps_its_widths(planned):
    plan = planned(template_args={"widths": [4, 8, 16]}, **GPU)
    assert plan.recipe.template_args == {"widths": [4, 8, 16]}
    assert not any(side % 4 for side in plan.recipe.patch)


def test_the_plane_none_leaves_3d_alone(planned):
    assert set(planned(plane=None).recipes) <= {"3d", "3d_low"}
    assert list(planned(plane="coronal").recipes) == ["2d"]


def test_a_patch_says_whether_it_is_2d_or_3d(planned):
    assert list(planned(patch=[64, 64]).recipes) == ["2d"]
    assert "2d" not in planned(patch=[64, 64, 32]).recipes
    with pytest.raises(
        MedlabError, match=r"2 sides in a plane.*got the patch \[64, 64\]"
    ):
        planned(patch=[64, 64], plane=None)


def test_left_and_right_are_not_mirrored(planned, a_case):
    sided = planned(a_case(), segments=("left kidney", "liver"), **GPU)
    assert sided.recipe.augmentation == "default"
    assert planned(a_case(), **GPU).recipe.augmentation == {"flip_p": 0.5}


def test_every_field_a_plan_decides_has_a_reason(planned):
    plan = planned()
    usual = Recipe().to_dict()
    told = {reason.field for reason in plan.reasons}
    changed = {
        name
        for name, value in plan.recipe.to_dict().items()
        if value != usual[name] and name not in ("cases", "segments")
    }
    assert changed <= told
    assert all(reason.reason.endswith(".") for reason in plan.reasons)


def test_a_notebook_and_a_terminal_show_every_reason(planned, a_case):
    plan = planned(a_case(), segments=("<b>liver</b> left",))
    shown, text = plan._repr_html_(), " ".join(repr(plan).split())
    assert "<b>liver" not in shown
    for reason in plan.reasons:
        assert html.escape(reason.reason) in shown
        assert " ".join(reason.reason.split()) in text


def test_patients_decide_how_many_folds(planned, a_case):
    three = [a_case(patient=number) for number in (0, 1, 2, 2)]
    assert planned(*three).recipe.folds == 3
    assert planned(*[a_case(patient=n) for n in range(9)]).recipe.folds == 5


def test_planning_takes_no_time(planned, a_case):
    began = time.process_time()
    planned(a_case(shape=(512, 512, 700), spacing_mm=(0.6, 0.6, 0.6)), **GPU)
    assert time.process_time() - began < 2


def test_an_unknown_wish_is_refused(planned):
    with pytest.raises(MedlabError, match=r"fields of a recipe, got colour"):
        planned().replace(colour="red")
    with pytest.raises(MedlabError, match=r"memory_gb is a number above 0, got -1"):
        planned().replace(memory_gb=-1)
    with pytest.raises(MedlabError, match=r"are 2d, 3d.*got '4d'.*one of them"):
        planned().replace(configuration="4d")


def test_a_cascade_needs_a_low_resolution(planned, a_case):
    small = a_case(shape=(67, 68, 52), slices=52)
    with pytest.raises(MedlabError, match=r"only 2d, 3d: a patch shows enough"):
        planned(small, **GPU).cascade("20261121T013000Z-0a1b2c")


def test_bad_cases_and_devices_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)
    with pytest.raises(MedlabError, match=r"names its scan"):
        medlab.plan([{"labels": "labels.nii"}])
    with pytest.raises(MedlabError, match=r"device is one of cpu, gpu, got 'tpu'"):
        medlab.plan([{"scan": "scan.nii", "labels": "labels.nii"}], device="tpu")
