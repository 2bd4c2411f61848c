"""Index, conversion and prediction on a cluster come to what one machine comes to."""

import hashlib
import json
import shutil

import nibabel
import numpy as np
import pytest

from medlab.__main__ import main
from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.scans import convert_scans, find_home, list_scans
from medlab.train import Recipe, Run
from medlab.train._checkpoint import Snapshot, copy_state, write_checkpoint
from medlab.train._log import new_run_folder
from tests.support.scans import make_volume, write_dicom_series, write_nifti_by_nibabel


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A folder of scans: a DICOM series and two NIfTI files, one broken."""
    root = tmp_path_factory.mktemp("disk")
    write_dicom_series(root / "chest", make_volume(oblique=True))
    volume = make_volume(axes="PIR")
    write_nifti_by_nibabel(root / "a_ct.nii", volume.voxels, volume.affine)
    (root / "b.nii.gz").write_bytes(b"no scan")
    return root


@pytest.fixture
def at(disk, tmp_path, monkeypatch):
    """The folder as the working folder, with a new workplace."""
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    root = tmp_path / "scans"
    shutil.copytree(disk, root)
    monkeypatch.chdir(tmp_path)
    return find_home()


def test_the_index_command_lists_the_same_from_a_cluster(at, scheduler, capsys):
    assert main(["index", "scans", "--dask", scheduler]) == 0
    over_dask = capsys.readouterr().out

    shutil.rmtree(at.folder)
    assert main(["index", "scans"]) == 0

    assert capsys.readouterr().out == over_dask
    assert over_dask.endswith("3 scans, 1 cannot be read\n")


def test_the_convert_command_writes_the_same_files_from_a_cluster(
    at, scheduler, capsys
):
    assert main(["convert", "scans", "--to", "dask", "--dask", scheduler]) == 1
    assert main(["convert", "scans", "--to", "here", "--workers", "1"]) == 1

    assert capsys.readouterr().out.count("2 scans converted, 1 failed") == 2
    told = [
        json.loads((at.root / name / "manifest.json").read_text())
        for name in ("dask", "here")
    ]
    for entries in told:
        for entry in entries["scans"]:
            entry.pop("sha256", None)  # gzip notes the time.
            entry.pop("size_bytes", None)
    assert told[0] == told[1]


def test_workers_that_do_not_see_the_folder_say_so(at, scheduler, monkeypatch):
    from medlab.scans import _batch

    elsewhere = _batch.Job.to_plain
    monkeypatch.setattr(
        _batch.Job,
        "to_plain",
        lambda job: {**elsewhere(job), "root": "/not/here"},
    )

    report = convert_scans("scans", "out", home=at, scheduler=scheduler)

    sentences = {s for s in report.failed.values() if "Workers must see" in s}
    (sentence,) = sentences
    assert "Put both on a disk that all of them mount." in sentence
    assert "/not/here" not in sentence


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose model labels what is brighter than 0: known for every voxel."""
    image = keras.Input((None, None, 1))
    layer = keras.layers.Conv2D(2, 1, kernel_initializer="zeros")
    model = keras.Model(image, layer(image))
    model.compile("sgd", "mse")
    layer.kernel.assign(np.array([0.0, 1.0]).reshape(1, 1, 1, 2))
    recipe = Recipe(cases=[{"scan": "s.nii"}], normalise="ct", segments=["bright"])
    root = tmp_path_factory.mktemp("learnt") / "runs"
    folder = new_run_folder(root, {"name": "bright", "recipe": recipe.to_dict()})
    position = {"step": 1, "epoch": 0, "epoch_step": 1}
    snapshot = Snapshot(copy_state(model), position)
    write_checkpoint(folder / "checkpoints", snapshot)
    (folder / "model.json").write_text(model.to_json())
    return Run(folder)


def test_the_predict_command_labels_a_folder_on_a_cluster_as_one_scan_at_a_time(
    at, run, scheduler, capsys
):
    folder = str(run.folder)
    many = ["predict", folder, "scans", "--to", "dask", "--dask", scheduler]

    assert main(many) == 1
    assert capsys.readouterr().out.endswith("2 scans labelled, 1 failed\n")
    assert main(["predict", folder, "scans/a_ct.nii", "one.nii.gz"]) == 0
    capsys.readouterr()

    files = sorted((at.root / "dask").glob("*.nii.gz"))
    assert len(files) == 2
    (scan,) = [s for s in list_scans("scans", home=at) if s.name == "a_ct.nii"]
    many_times = nibabel.load(at.root / "dask" / f"ct-{scan.id}.nii.gz")
    theirs = nibabel.load(at.root / "scans" / "a_ct.nii")
    for labels in (many_times, nibabel.load("one.nii.gz")):
        bright = np.asanyarray(theirs.dataobj) > 0
        np.testing.assert_array_equal(np.asanyarray(labels.dataobj) == 1, bright)
        np.testing.assert_allclose(labels.affine, theirs.affine, atol=1e-4)
    told = (at.root / "dask" / "manifest.json").read_text()
    assert run.id in told
    assert str(run.folder) not in told

    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert main(many) == 1
    words = "0 scans labelled, 2 there already, 1 failed\n"
    assert capsys.readouterr().out.endswith(words)
    assert [hashlib.sha256(p.read_bytes()).hexdigest() for p in files] == before


def test_one_scan_needs_one_file_to_write(capsys):
    assert main(["predict", "RUN", "scan.nii"]) == 2
    assert (
        "takes one scan and one file to write, got 1 paths" in capsys.readouterr().err
    )

    assert main(["predict", "RUN", "a", "b", "--dask", "h:1"]) == 2
    assert "got 2 paths and a cluster" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_told_before_any_work(at):
    from medlab.infer import predict_scans

    with pytest.raises(MedlabError):
        predict_scans("no-such-run", "scans", "out", home=at)
    assert not (at.root / "out").exists()
