"""`medlab index` and `medlab info`, as a terminal sees them."""

import json
import subprocess
import sys

import pytest

from medlab.__main__ import main
from tests.support.scans import (
    PATIENT,
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
    write_text_as,
)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".medlab").mkdir()
    volume = make_volume()
    write_nifti_by_nibabel(tmp_path / "a_ct.nii", volume.voxels, volume.affine)
    write_dicom_series(tmp_path / "chest", volume)
    write_text_as(tmp_path / "b.nii.gz")
    return tmp_path


def test_index_lists_scans_and_what_cannot_be_read(workplace, capsys):
    assert main(["index"]) == 0

    told = capsys.readouterr().out
    assert "a_ct.nii  CT  7 x 8 x 9  0.7 x 1.3 x 2.5 mm  LPS" in told
    assert "b.nii.gz: b.nii.gz must be a NIfTI file" in told
    assert told.endswith("3 scans, 1 cannot be read\n")
    assert PATIENT not in told


def test_index_as_json_is_the_list(workplace, capsys):
    assert main(["index", "--json"]) == 0

    scans = json.loads(capsys.readouterr().out)["scans"]
    assert [scan["path"] for scan in scans] == ["a_ct.nii", "b.nii.gz", "chest"]


def test_info_tells_the_geometry_and_not_the_patient(workplace, capsys):
    assert main(["info", "chest"]) == 0

    told = capsys.readouterr().out
    assert "voxels       7 x 8 x 9 int16" in told
    assert "range        -1024 to 1999 HU" in told
    assert "orientation  LPS" in told
    assert "Doe" not in told


def test_what_can_be_mended_is_one_line_and_status_2(workplace, capsys):
    assert main(["info", "b.nii.gz"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("medlab: b.nii.gz must be a NIfTI file")
    assert told.err.count("\n") == 1


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    assert caught.value.code == 0
    told = capsys.readouterr().out
    for command in ("index", "info", "samples", "train", "predict"):
        assert f"    {command}" in told


def test_the_terminal_command_starts_no_jax(workplace):
    probe = (
        "import sys; from medlab.__main__ import main; main(['index']);"
        "sys.exit(bool({'jax', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
