"""Scans over HTTP: listed as in the contract, found by id, seen as a picture."""

import io
import json
from pathlib import Path

from PIL import Image

from tests.support.scans import make_volume, write_nifti_by_nibabel

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/scans.json").read_text())


async def test_the_list_has_the_fields_of_the_contract(ask, scan, broken):
    reply = await ask("scans")

    assert set(reply) == set(CONTRACT)
    assert reply["root"] == ""
    assert [one["path"] for one in reply["scans"]] == [broken.path, scan.path]
    for one in reply["scans"]:
        assert list(one) == list(CONTRACT["scans"][0])


async def test_a_broken_scan_is_listed_with_the_reason(ask, broken):
    (listed,) = (await ask("scans"))["scans"]

    assert listed["error"].startswith("letter.nii.gz must be a NIfTI file")


async def test_a_scan_is_found_by_its_id_before_any_list_was_made(ask, scan):
    found = await ask("scans", scan.scan_id)

    assert (found["path"], found["shape"]) == (scan.path, [7, 8, 9])
    assert found == (await ask("scans"))["scans"][0]


async def test_only_the_folder_asked_for_is_listed(ask, scan, home, volume):
    write_nifti_by_nibabel(home.root / "b/head.nii", volume.voxels, volume.affine)

    reply = await ask("scans", folder="b")

    assert [one["path"] for one in reply["scans"]] == ["b/head.nii"]


async def test_a_new_scan_appears_at_the_next_look(ask, scan, home):
    await ask("scans")
    more = make_volume((5, 6, 7))
    write_nifti_by_nibabel(home.root / "scans/a.nii", more.voxels, more.affine)

    reply = await ask("scans", refresh=1)

    assert [one["shape"] for one in reply["scans"]] == [[5, 6, 7], [7, 8, 9]]


async def test_a_layer_shows_in_the_list(ask, scan):
    path = ("labels", scan.scan_id, "lungs")
    await ask(*path, method="POST", body={"segments": []})

    (listed,) = (await ask("scans"))["scans"]

    assert (listed["labels"], listed["layers"]) == (True, ["lungs"])


async def test_the_thumbnail_is_a_small_picture(jp_fetch, scan):
    reply = await jp_fetch("medlab", "scans", scan.scan_id, "thumbnail")

    assert reply.headers["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(reply.body)) as picture:
        assert max(picture.size) == 96


async def test_a_thumbnail_of_a_broken_scan_says_why(refused, broken):
    status, reply = await refused("scans", broken.scan_id, "thumbnail")

    assert (status, reply["code"]) == (422, "not-a-scan")


async def test_the_root_gets_a_home_that_kernels_find(jp_serverapp, home):
    assert home.folder.is_dir()
