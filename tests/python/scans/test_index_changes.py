"""After any changes to files, an update gives the index that a fresh one would."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlab.scans import Home, list_scans, update_index
from tests.support.scans import (
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
    write_text_as,
)

LONG = os.environ.get("MEDLAB_LONG") == "1"
FOLDERS = ("a", "a/b", "a b", "a/b/c", "é", ".hidden", "x.zarr")
NAMES = (
    "one.nii",
    "two.nii.gz",
    "three.nrrd",
    "IM00000",
    "IM00001",
    "one.json",
    "7.png",
)

changes = st.lists(
    st.tuples(
        st.sampled_from(("scan", "series", "text", "touch", "rename", "remove", "clear",
                         "labels", "environment", "update")),
        st.sampled_from(FOLDERS),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from(FOLDERS),
    ),
    min_size=2,
    max_size=10,
)  # fmt: skip


def change(root, step, clock):
    """Do one thing to the files; every time of a file is another."""
    what, folder, name, other, elsewhere = step
    place, target = root / folder, root / folder / name
    volume = make_volume((3, 3, 3))
    if what == "scan":
        write_nifti_by_nibabel(place / "one.nii", volume.voxels, volume.affine)
        target = place / "one.nii"
    elif what == "series":
        write_dicom_series(place, volume, number=len(name), shuffled=False, skip=[2])
        target = place / "IM00000"
    elif what == "text":
        write_text_as(target)
    elif what == "rename" and target.is_file():
        (root / elsewhere).mkdir(parents=True, exist_ok=True)
        target.replace(root / elsewhere / other)
        return
    elif what == "remove":
        target.unlink(missing_ok=True)
    elif what == "clear":
        shutil.rmtree(place, ignore_errors=True)
    elif what == "labels" and place.is_dir():
        (place / "one.labels.json").write_text("{}")
    elif what == "environment" and place.is_dir():
        with contextlib.suppress(FileExistsError):
            (place / "pyvenv.cfg").touch(exist_ok=False)
            return
        (place / "pyvenv.cfg").unlink()
    if target.is_file():
        os.utime(target, ns=(clock, clock))


@settings(
    max_examples=400 if LONG else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(changes)
def test_an_updated_index_equals_a_fresh_one(steps):
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / "root"
        root.mkdir()
        home = Home(root, root / ".medlab")
        home.folder.mkdir()
        (home.folder / "salt").write_bytes(bytes(16))
        for clock, step in enumerate(steps, 1):
            if step[0] == "update":
                update_index(
                    home, root / step[1] if (root / step[1]).is_dir() else None
                )
            else:
                change(root, step, clock * 10**9)
        updated = list_scans(home=home)

        fresh = Home(root, Path(scratch).resolve() / "fresh")
        fresh.folder.mkdir()
        (fresh.folder / "salt").write_bytes(bytes(16))
        assert updated == list_scans(home=fresh)
