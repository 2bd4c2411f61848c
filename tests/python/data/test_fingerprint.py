"""fingerprint: the figures of a data set are those that numpy counts on the files."""

import json

import nibabel as nib
import numpy as np
import pytest

from medlab.data import Case, Fingerprint, Intensities, fingerprint
from medlab.errors import MedlabError
from medlab.scans import Home
from tests.support.scans import PATIENT, make_affine, make_labels, make_volume

NAMES = ("1", "2", "3")


def write(folder, name, *, axes="PIR", seed=0, labels=None, voxels=None):
    """A scan and its labels; the voxels and labels that are in the files."""
    volume = make_volume(axes=axes, seed=seed)
    voxels = volume.voxels if voxels is None else voxels
    labels = make_labels(voxels.shape[:3], seed) if labels is None else labels
    affine = make_affine(axes)
    nib.save(nib.Nifti1Image(voxels, affine), folder / f"{name}_ct.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / f"{name}-labels.nii")
    return voxels, labels


def case(name, **more):
    return Case(f"{name}_ct.nii", f"{name}-labels.nii", **more)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_shape_spacing_and_volumes_are_those_of_the_file(tmp_path, home):
    _, labels = write(tmp_path, "a")

    found = fingerprint([case("a")], home).cases[0]

    image = nib.as_closest_canonical(nib.load("a_ct.nii"))
    assert found.shape == image.shape == (9, 7, 8)
    np.testing.assert_allclose(found.spacing_mm, image.header.get_zooms())
    assert (found.modality, found.channels) == ("CT", 1)
    assert (found.slices, found.labelled_slices, found.is_sparse) == (8, 8, False)
    for number, count in enumerate(found.voxels.values(), start=1):
        assert count == (labels == number).sum()
    np.testing.assert_allclose(
        list(found.volume_mm3.values()),
        [(labels == n).sum() * 0.7 * 1.3 * 2.5 for n in (1, 2, 3)],
        rtol=1e-6,
    )


def test_intensities_by_label_are_numpys(tmp_path, home):
    voxels, labels = write(tmp_path, "a")
    found = fingerprint([case("a")], home)
    by_name = {**found.cases[0].by_segment, "all": found.cases[0].foreground}
    masks = {
        **{s: labels == n for n, s in enumerate(found.segments, 1)},
        "all": labels > 0,
    }
    for name, (figures,) in by_name.items():
        values = voxels[masks[name]].astype(float)
        expected = [
            values.mean(),
            values.std(),
            *np.percentile(values, [0.5, 50, 99.5]),
            values.min(),
            values.max(),
        ]
        got = [
            figures.mean,
            figures.sd,
            figures.low,
            figures.median,
            figures.high,
            figures.minimum,
            figures.maximum,
        ]
        np.testing.assert_allclose(got, expected, rtol=1e-6)
        assert figures.count == values.size


def test_the_foreground_of_all_cases_is_taken_together(tmp_path, home):
    pairs = [write(tmp_path, name, seed=seed) for seed, name in enumerate("ab")]
    found = fingerprint([case("a"), case("b")], home)
    pooled = np.concatenate([v[m > 0] for v, m in pairs]).astype(float)
    np.testing.assert_allclose(found.foreground[0].mean, pooled.mean(), rtol=1e-6)
    np.testing.assert_allclose(
        found.foreground[0].high, np.percentile(pooled, 99.5), rtol=1e-6
    )


def test_of_a_large_organ_ten_thousand_voxels_tell_nearly_as_much(tmp_path, home):
    random = np.random.default_rng(0)
    voxels = random.normal(100, 20, (50, 50, 50)).astype(np.float32)
    write(tmp_path, "a", voxels=voxels, labels=np.ones(voxels.shape, np.uint8))

    found = fingerprint([case("a")], home).foreground[0]

    assert found.count == 10_000
    # Three standard errors of a mean, and of these quantiles, of 10,000 voxels.
    assert abs(found.mean - 100) < 0.6
    assert abs(found.low - (100 - 2.576 * 20)) < 4.2
    assert abs(found.high - (100 + 2.576 * 20)) < 4.2


def test_the_same_cases_give_the_same_fingerprint_through_json_too(tmp_path, home):
    write(tmp_path, "a")
    write(tmp_path, "b", seed=1)
    first = fingerprint([case("a"), case("b")], home)
    again = fingerprint([case("a"), case("b")], home)
    assert first == again
    assert Fingerprint.from_dict(json.loads(json.dumps(first.to_dict()))) == first


def test_a_few_labelled_slices_are_counted_and_called_sparse(tmp_path, home):
    labels = make_labels()
    labels[:, [1, 2, 5, 6, 7]] = 0  # PIR: slices from head to foot along axis 1
    write(tmp_path, "a", labels=labels)
    found = fingerprint([case("a")], home).cases[0]
    assert (found.slices, found.labelled_slices, found.is_sparse) == (8, 3, True)


def test_what_is_empty_around_a_brain_shows(tmp_path, home):
    voxels = np.zeros((10, 10, 10), np.int16)
    voxels[2:7, 3:9, 4:8] = 5
    write(tmp_path, "a", voxels=voxels, labels=np.ones(voxels.shape, np.uint8))
    found = fingerprint([case("a")], home).cases[0]
    np.testing.assert_allclose(found.nonzero_share, 5 * 6 * 4 / 1000)


def test_channels_have_figures_of_their_own(tmp_path, home):
    random = np.random.default_rng(0)
    colours = random.integers(1, 255, (7, 8, 9, 3)).astype(np.uint8)
    stored = np.zeros((7, 8, 9), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for channel, name in enumerate("RGB"):
        stored[name] = colours[..., channel]
    write(tmp_path, "a", voxels=make_volume().voxels)
    nib.save(nib.Nifti1Image(stored, make_affine("PIR")), "a_ct.nii")
    found = fingerprint([case("a")], home)
    means = [figures.mean for figures in found.foreground]
    inside = colours[make_labels() > 0].astype(float)
    np.testing.assert_allclose(means, inside.mean(axis=0), rtol=1e-6)


def test_patients_are_numbers_and_nothing_names_them(tmp_path, home):
    for name in "abc":
        write(tmp_path, name)
    cases = [case("a", patient=PATIENT), case("b"), case("c", patient=PATIENT)]
    told = fingerprint(cases, home)
    assert [c.patient for c in told.cases] == [0, 1, 0]
    text = json.dumps(told.to_dict())
    assert "Doe" not in text
    assert "_ct" not in text


def test_progress_is_told_and_segments_can_be_chosen(tmp_path, home):
    write(tmp_path, "a")
    write(tmp_path, "b", seed=1)
    seen = []
    everything = fingerprint([case("a")], home)
    name = everything.segments[2]
    found = fingerprint(
        [case("a"), case("b")], home, lambda *p: seen.append(p), segments=[name]
    )
    assert seen == [(1, 2), (2, 2)]
    assert found.segments == (name,)
    assert found.cases[0].voxels == {name: everything.cases[0].voxels[name]}
    assert found.cases[0].foreground == everything.cases[0].by_segment[name]


def test_what_makes_no_fingerprint_is_refused(home):
    with pytest.raises(MedlabError, match=r"at least one case, got none"):
        fingerprint([], home)
    with pytest.raises(MedlabError, match=r"holds segments, cases.*Take one anew"):
        Fingerprint.from_dict({"segments": []})


def test_figures_of_a_known_sample():
    figures = Intensities.of(np.array([[1, 2], [3, 4]], np.int16))
    assert (figures.mean, figures.median, figures.minimum) == (2.5, 2.5, 1.0)
    assert figures.sd == pytest.approx(1.25**0.5)
