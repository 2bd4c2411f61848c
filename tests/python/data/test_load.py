"""load_cases: prepared once, mapped ever after, right whatever happens to the cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import warnings
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from medlab.data import Case, TrainingBatches, load_case, load_cases, scan_samples
from medlab.data import _cache as cache
from medlab.data import _load as load
from medlab.errors import MedlabError
from medlab.labels import Layer
from medlab.scans import Home, open_scan
from tests.support.scans import PATIENT, make_labels, make_volume, write_dicom_series

SEGMENTS = ("segment 1", "segment 3")
CASE = Case("scan.nii", "labels.nii")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    volume = make_volume(axes="LAS")
    nib.save(nib.Nifti1Image(volume.voxels, volume.affine), tmp_path / "scan.nii")
    nib.save(nib.Nifti1Image(make_labels(), volume.affine), tmp_path / "labels.nii")
    return Home(tmp_path, tmp_path / ".medlab")


def one(home, case=CASE, **changes):
    settings = {"segments": SEGMENTS, "home": home, "say": refuse, **changes}
    return load_cases([case], **settings)[0]


def refuse(sentence):
    raise AssertionError(sentence)


def entries(home):
    return sorted(p for p in (home.cache / "training").iterdir() if p.is_dir())


def preparing(monkeypatch):
    """Counts how often a case is read and prepared anew."""
    seen = []

    def counted(*arguments, **settings):
        seen.append(arguments)
        return load_case(*arguments, **settings)

    monkeypatch.setattr(load, "load_case", counted)
    return seen


def same(first, second):
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.slices == second.slices
    assert first.spacing_mm == second.spacing_mm


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal", None])
@pytest.mark.parametrize("spacing_mm", [None, (1.0, 1.0, 2.0)])
def test_what_comes_from_the_cache_is_what_is_read(
    home, plane, spacing_mm, monkeypatch
):
    settings = {"plane": plane, "spacing_mm": spacing_mm}
    read = load_case(
        CASE, segments=SEGMENTS, home=home, **{**settings, "plane": plane or "axial"}
    )
    seen = preparing(monkeypatch)

    first, again = one(home, **settings), one(home, **settings)

    assert len(seen) == 1
    same(first, read)
    same(again, read)
    assert not again.image.flags.writeable
    for ours, theirs in zip(
        scan_samples(again, plane), scan_samples(read, plane), strict=True
    ):
        np.testing.assert_array_equal(ours.image, theirs.image)
        assert ours.segments == theirs.segments
        assert ours.image.flags.c_contiguous, "what is cut at once lies together"
        assert not ours.image.flags.owndata, "and is mapped, not copied"


def test_training_from_the_cache_and_from_memory_sees_the_same_batches(home):
    settings = {"patch": (4, 4, 4), "batch": 3, "steps": 2, "seed": 1}
    read = load_case(CASE, segments=SEGMENTS, home=home)
    for source in (one(home, plane=None), one(home, plane=None)):
        ours = TrainingBatches(scan_samples(source, None), **settings)
        theirs = TrainingBatches([(read.image, read.labels)], **settings)
        for a, b in zip(ours.raw(1, 1), theirs.raw(1, 1), strict=True):
            np.testing.assert_array_equal(a, b)


def test_whatever_changes_the_content_makes_another_entry(home):
    def again(count, case=CASE, **changes):
        one(home, case, **changes)
        assert len(entries(home)) == count, changes

    again(1)
    again(1)
    again(2, segments=("segment 3", "segment 1"))
    again(3, plane=None)
    again(4, plane="coronal")
    again(5, spacing_mm=(2, 2, 2))
    again(6, normalisation="zscore")
    kind = {"kind": "ct-percentiles", "low": 0, "high": 9, "mean": 1, "std": 2}
    again(7, normalisation=kind)
    again(8, normalisation={**kind, "std": 3})
    again(9, Case("scan.nii", "labels.nii", slices=(2, 3)))
    again(10, extras=[np.zeros((7, 8, 9, 1), np.float32)])
    again(11, extras=[np.ones((7, 8, 9, 1), np.float32)])
    labels = nib.load("labels.nii")
    changed = np.asarray(labels.dataobj).copy()
    changed[3, 3, 3] ^= 1
    nib.save(nib.Nifti1Image(changed, labels.affine), "labels.nii")
    again(12)
    os.utime("scan.nii", ns=(5, 5))
    again(13)


def test_names_beside_the_labels_belong_to_their_content(home):
    one(home)
    (home.root / "labels.ctbl").write_text("1 liver 9 9 9 255\n3 spleen 9 8 9 255\n")
    changed = one(home, segments=("spleen", "liver"))
    read = np.asarray(make_labels())
    assert (changed.labels == 1).sum() == (read == 3).sum()


def test_a_layer_drawn_on_makes_another_entry(home):
    scan = open_scan("scan.nii", home=home)
    layer = Layer.open(home, scan, segments=["lung"])
    mask = np.zeros(scan.shape, bool)
    mask[2, 3, 4] = True
    layer.paint("lung", mask)
    case = Case("scan.nii")
    first = one(home, case, segments=("lung",))
    mask[2, 3, 5] = True
    layer.paint("lung", mask)
    second = one(home, case, segments=("lung",))
    assert ((first.labels == 1).sum(), (second.labels == 1).sum()) == (1, 2)
    assert first.hashes["labels"] != second.hashes["labels"]
    assert first.hashes["scan"] == second.hashes["scan"]


@pytest.mark.parametrize("name", ["image.npy", "labels.npy", "index.npz", "about"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "empty"])
def test_a_damaged_entry_is_made_anew(home, name, damage, monkeypatch):
    whole = one(home)
    image = np.array(whole.image)
    file = entries(home)[0] / name
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    seen = preparing(monkeypatch)

    again = one(home)

    assert len(seen) == 1
    np.testing.assert_array_equal(again.image, image)
    assert len(entries(home)) == 1
    one(home)
    assert len(seen) == 1, "mended for good"


@pytest.mark.parametrize(
    "kind", ["file-in-the-way", "disk-full", "write-fails", "locks"]
)
def test_without_a_cache_cases_stay_in_memory_and_that_is_said(home, kind, monkeypatch):
    seen = preparing(monkeypatch)
    if kind == "file-in-the-way":
        home.folder.mkdir()
        home.cache.write_text("in the way, as a read-only folder would be")
    elif kind == "disk-full":
        full = SimpleNamespace(free=1000)
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: full)
    elif kind == "write-fails":

        def fails(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(cache.np, "savez", fails)
    else:

        class NoLocks:
            def __init__(self, *_, **__):
                raise NotImplementedError

        monkeypatch.setattr(cache, "FileLock", NoLocks)
    said = []

    scan = one(home, say=said.append)

    same(scan, load_case(CASE, segments=SEGMENTS, home=home))
    assert len(seen) == 1, "prepared once, not once more for memory"
    assert (
        scan.hashes["scan"]
        == hashlib.sha256((home.root / "scan.nii").read_bytes()).hexdigest()
    )
    assert len(said) == 1
    assert said[0].startswith("The training cache cannot hold case 1 (")
    assert str(home.root) not in said[0]
    left = home.cache / "training"
    assert not left.is_dir() or not [p for p in left.iterdir() if p.is_dir()]


def test_without_somebody_to_tell_it_is_a_warning(home):
    home.folder.mkdir()
    home.cache.write_text("")
    with pytest.warns(UserWarning, match="case 1 .* stays in memory. Free some disk"):
        load_cases([CASE], segments=SEGMENTS, home=home)


def test_the_least_used_entries_go_when_the_cache_is_full(home, monkeypatch):
    one(home, normalisation="zscore")
    one(home, normalisation="none")
    old, used = entries(home)
    for number, entry in enumerate((old, used)):
        os.utime(entry / "about", (number, number))
    size = sum(file.stat().st_size for file in old.iterdir())
    monkeypatch.setenv("MEDLAB_CACHE_LIMIT_BYTES", str(2 * size + (1 << 20) + 99))
    mapped = np.load(old / "image.npy", mmap_mode="r")
    before = np.array(mapped)

    one(home, plane=None)

    assert used in entries(home)
    assert old not in entries(home)
    np.testing.assert_array_equal(mapped, before)  # whoever has it open keeps it


def test_a_training_never_removes_its_own_cases(home, monkeypatch):
    monkeypatch.setenv("MEDLAB_CACHE_LIMIT_BYTES", "1")
    shutil.copy("scan.nii", "other.nii")
    cases = [CASE, Case("other.nii", "labels.nii")]
    load_cases(cases, segments=SEGMENTS, home=home, say=refuse)
    assert len(entries(home)) == 2


def test_two_processes_prepare_a_case_once(home):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from medlab.data import _load as load, Case\n"
        "from medlab.scans import Home\n"
        "read, seen = load.load_case, []\n"
        "load.load_case = lambda *a, **k: (seen.append(1), read(*a, **k))[1]\n"
        "sys.stdin.readline()\n"
        "root = Path.cwd()\n"
        "cases = [Case('scan.nii', 'labels.nii')]\n"
        "found = load.load_cases(\n"
        "    cases, segments=('segment 1',), home=Home(root, root / '.medlab')\n"
        ")\n"
        "print(len(seen), float(found[0].image.sum()))\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=100)[0].split() for worker in workers]
    assert sorted(line[0] for line in told) == ["0", "1"]
    assert told[0][1] == told[1][1]
    assert len(entries(home)) == 1


def test_a_killed_writers_litter_is_removed(home):
    folder = home.cache / "training"
    litter = folder / ".writing-0123"
    litter.mkdir(parents=True)
    (litter / "image.npy").write_bytes(b"half")
    os.utime(litter, (1, 1))
    one(home)
    assert not litter.exists()


def test_the_cache_names_no_patient(tmp_path, home):
    volume = make_volume(axes="LPS")
    write_dicom_series(tmp_path / "Doe^Jane", volume)
    affine = open_scan(tmp_path / "Doe^Jane", home=home).affine
    nib.save(nib.Nifti1Image(make_labels(), affine), "Jane.nii")
    one(home, Case("Doe^Jane", "Jane.nii", patient=PATIENT))
    told = b""
    for path in home.cache.rglob("*"):
        told += str(path.relative_to(home.cache)).encode()
        told += path.read_bytes() if path.is_file() else b""
    for word in (b"Doe", b"Jane", b"1.2.826"):
        assert word not in told


def test_hashes_are_those_of_sha256sum_and_know_no_names(tmp_path, home):
    scan = one(home)
    for part in ("scan", "labels"):
        told = hashlib.sha256((tmp_path / f"{part}.nii").read_bytes()).hexdigest()
        assert scan.hashes[part] == told
    found = set()
    for folder, seed in (("a", 0), ("b", 1)):
        write_dicom_series(tmp_path / folder, make_volume(), seed=seed)
        affine = open_scan(tmp_path / folder, home=home).affine
        nib.save(nib.Nifti1Image(make_labels(), affine), f"{folder}.nii")
        found.add(one(home, Case(folder, f"{folder}.nii")).hashes["scan"])
    assert len(found) == 1


def test_further_channels_come_turned_with_the_scan(home):
    first = make_labels()
    extra = (first[..., None] == np.arange(1, 4)).astype(np.float32)
    scan = one(home, segments=("segment 1", "segment 2", "segment 3"), extras=[extra])
    assert scan.image.shape[-1] == 4
    for number in (1, 2, 3):
        np.testing.assert_array_equal(scan.image[..., number], scan.labels == number)
    with pytest.raises(MedlabError, match=r"Further channels lie on the grid of their"):
        one(home, extras=[extra[:3]])


def test_labels_that_are_not_there_are_told_by_their_reader(home):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MedlabError, match="nowhere.nii"):
            one(home, Case("scan.nii", "nowhere.nii"))
