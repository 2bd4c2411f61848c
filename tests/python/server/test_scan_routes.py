"""Scans over HTTP: listed as in the contract, found by id, seen as a picture."""

import io
import json
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.scans import (
    PATIENT,
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
)

CONTRACT = json.loads(
    (Path(__file__).parents[2] / "contract/scans-search.json").read_text()
)


async def test_a_search_has_the_fields_of_the_contract(ask, listed, scan, broken):
    await listed()
    reply = await ask("scans", "search", method="POST", body={})

    assert list(reply) == list(CONTRACT)
    assert list(reply["indexing"]) == list(CONTRACT["indexing"])
    assert [one["path"] for one in reply["scans"]] == [broken.path, scan.path]
    assert (reply["total"], reply["all"]) == (2, 2)
    whole, failed = CONTRACT["scans"][0], CONTRACT["scans"][2]
    assert [set(one) for one in reply["scans"]] == [set(failed), set(whole)]


async def test_a_broken_scan_is_listed_with_the_reason(listed, broken):
    (found,) = await listed()

    assert found["error"].startswith("letter.nii.gz must be a NIfTI file")
    assert (found["error_code"], found["error_title"]) == (
        *("not-a-scan", "Not a readable scan"),
    )


async def test_a_scan_is_found_by_its_id_before_any_list_was_made(ask, listed, scan):
    found = await ask("scans", scan.scan_id)

    assert (found["path"], found["shape"]) == (scan.path, [7, 8, 9])
    assert found == (await listed())[0]


async def test_the_first_search_of_a_server_starts_the_indexing(ask, scan):
    before = await ask("scans", "index")
    assert (before["state"], before["read_only"]) == ("idle", False)

    found, until = [], time.monotonic() + 60
    while not found and time.monotonic() < until:
        found = (await ask("scans", "search", method="POST", body={}))["scans"]

    assert [one["path"] for one in found] == [scan.path]


async def test_a_new_scan_appears_at_the_next_look(listed, scan, home):
    await listed()
    more = make_volume((5, 6, 7))
    write_nifti_by_nibabel(home.root / "scans/a.nii", more.voxels, more.affine)

    found = await listed(refresh=True)

    assert [one["shape"] for one in found] == [[5, 6, 7], [7, 8, 9]]


async def test_a_search_pages_sorts_and_filters(listed, scan, broken):
    assert [one["name"] for one in await listed(words="THORAX nii")] == [scan.name]
    assert [one["name"] for one in await listed(problems="errors")] == [broken.name]
    assert [one["name"] for one in await listed(descending=True, limit=1)] == [
        scan.name
    ]
    assert [one["name"] for one in await listed(offset=1)] == [scan.name]
    assert await listed(limit=0) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"limit": 1001}, "limit to be a whole number from 0 to 1000, got 1001"),
        ({"offset": -1}, "offset to be a whole number from 0 to 1000000000, got -1"),
        ({"limit": True}, "limit to be a whole number from 0 to 1000, got True"),
        ({"words": 7}, "words to be text of up to 1000 characters, got int"),
        ({"labels": "yes"}, "labels to be true or false, got str"),
        ({"who": "Doe"}, "got 1 others"),
        ({"private": 1}, "private to be true or false, got int"),
    ],
)
async def test_a_search_that_cannot_be_understood_says_why(refused, body, sentence):
    status, reply = await refused("scans", "search", method="POST", body=body)

    assert (status, reply["code"]) == (400, "bad-request")
    assert sentence in reply["message"]
    assert set(reply) == {"message", "code", "title", "detail", "hint"}


async def test_patients_are_named_only_on_demand(ask, listed, jp_root_dir):
    write_dicom_series(jp_root_dir / "visit", make_volume())

    (row,) = await listed()
    (named,) = await listed(private=True)
    one = await ask("scans", row["id"])
    groups = ("scans", "groups")
    (group,) = (await ask(*groups, method="POST", body={}))["groups"]
    body = {"by": "patient", "private": True}
    (told,) = (await ask(*groups, method="POST", body=body))["groups"]
    study = {"by": "study"}
    (visit,) = (await ask(*groups, method="POST", body=study))["groups"]

    assert (row["patient"], row["patient_id"]) == ("", "")
    assert (one["patient"], one["patient_id"]) == ("", "")
    assert named["patient"] == PATIENT
    assert (group["label"], group["detail"], group["scans"]) == ("Patient 1", "", 1)
    assert told["label"] == PATIENT
    assert group["key"] == told["key"] == row["patient_key"]
    assert visit["detail"] == ""
    assert await listed(patient=row["patient_key"], words="visit") == [row]
    assert await listed(patient="0" * 12) == []


async def test_an_unknown_command_to_the_index_is_refused(refused):
    status, reply = await refused("scans", "index", method="POST", body={"cmd": "stop"})

    assert (status, reply["code"]) == (400, "bad-request")
    assert reply["hint"] == "Send {'cmd': 'start'}."


async def test_a_layer_shows_in_the_list(ask, listed, scan):
    path = ("labels", scan.scan_id, "lungs")
    await ask(*path, method="POST", body={"segments": []})

    (found,) = await listed()

    assert (found["labels"], found["layers"]) == (True, ["lungs"])


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
