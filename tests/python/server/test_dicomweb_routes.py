"""The routes of DICOMweb: what a browser is told, jobs, and sending a layer to Orthanc."""

import asyncio
import json
import time

import pytest

from medlab.labels import Layer
from medlab.scans import open_scan
from tests.support.orthanc import PASSWORD, USER, Orthanc, why_not
from tests.support.scans import PATIENT, make_volume, write_dicom_series

STUDY = "1.2.826.0.1.3680043.8.498.77.0"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def series(orthanc, tmp_path):
    uid = write_dicom_series(tmp_path / "made", make_volume(), number=51)
    orthanc.push(sorted((tmp_path / "made").iterdir()))
    return uid


@pytest.fixture
def jp_server_config(jp_server_config, request, monkeypatch):
    monkeypatch.setenv("ORTHANC_PASSWORD", PASSWORD)
    monkeypatch.delenv("MEDLAB_DICOMWEB", raising=False)
    url = "http://127.0.0.1:9/dicom-web"
    if "orthanc" in request.fixturenames:
        url = request.getfixturevalue("orthanc").url
    login = {"user": USER, "password_env": "ORTHANC_PASSWORD"}
    servers = {
        "archive": {"url": url, "title": "The archive", **login},
        "closed": {"url": url, "can_send": False, **login},
    }
    return {**jp_server_config, "MedlabDicomWeb": {"servers": servers}}


async def _over(ask, job):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = await ask("dicomweb", "jobs", job)
        if told["state"] not in ("waiting", "running"):
            return told
        await asyncio.sleep(0.1)
    raise AssertionError("the job does not end")


async def test_a_browser_is_told_names_and_no_addresses(ask):
    told = await ask("dicomweb", "servers")

    assert told == {
        "servers": [
            {"name": "archive", "title": "The archive", "can_send": True},
            {"name": "closed", "title": "closed", "can_send": False},
        ]
    }


async def test_a_file_of_the_administrator_is_read_too(ask, tmp_path, monkeypatch):
    file = tmp_path / "servers.json"
    entry = {"url": "https://other.example/", "title": "From the file"}
    file.write_text(json.dumps({"other": entry, "archive": entry}))
    monkeypatch.setenv("MEDLAB_DICOMWEB", str(file))

    told = (await ask("dicomweb", "servers"))["servers"]

    titles = {one["name"]: one["title"] for one in told}
    assert titles == {
        "archive": "The archive",
        "closed": "closed",
        "other": "From the file",
    }


@pytest.mark.parametrize("what", ["search", "fetch", "send"])
async def test_a_server_that_is_not_listed_is_not_asked(refused, what):
    status, told = await refused(
        "dicomweb", "elsewhere", what, method="POST", body={"words": ""}
    )

    assert (status, told["code"]) == (404, "no-server")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("search", {"url": "http://evil.example"}),
        ("search", {"words": 5}),
        ("search", {"limit": 100_000}),
        ("search", {"limit": True}),
        ("search", {"date": "soon"}),
        ("search", {"study": "../.."}),
        ("fetch", {"study": "1.2", "series": "../.."}),
        ("fetch", {"study": 1.2, "series": "1.2"}),
        ("fetch", {}),
        ("send", {"scan": 5, "layer": "labels"}),
    ],
)
async def test_a_request_of_another_form_is_refused(refused, what, body):
    status, told = await refused("dicomweb", "archive", what, method="POST", body=body)

    assert (status, told["code"]) == (400, "bad-request")


async def test_a_server_that_is_down_is_a_gateways_status(refused):
    status, told = await refused(
        "dicomweb", "archive", "search", method="POST", body={"words": "doe"}
    )

    assert (status, told["code"]) == (502, "server-unreachable")
    assert "127.0.0.1" not in json.dumps(told)


async def test_a_fetch_that_fails_says_why_in_its_job(ask):
    body = {"study": STUDY, "series": "1.2.3"}
    job = await ask("dicomweb", "archive", "fetch", method="POST", body=body)

    told = await _over(ask, job["id"])

    assert (told["state"], told["scan"]) == ("failed", None)
    assert told["error"]["code"] == "server-unreachable"
    assert {"title", "detail", "hint"} <= told["error"].keys()


async def test_an_unknown_job_is_not_found(refused):
    for method in ("GET", "DELETE"):
        status, told = await refused("dicomweb", "jobs", "a" * 16, method=method)
        assert (status, told["code"]) == (404, "no-job")


async def test_patients_are_named_only_when_asked_for(ask, orthanc, series):
    body = {"words": "doe thin"}
    hidden = await ask("dicomweb", "archive", "search", method="POST", body=body)
    body["private"] = True
    shown = await ask("dicomweb", "archive", "search", method="POST", body=body)

    assert series in {one["series"] for one in hidden["series"]}
    assert "Doe" not in json.dumps(hidden)
    assert {one["patient"] for one in shown["series"]} == {PATIENT}
    assert not shown["more"]


async def test_a_series_is_fetched_labelled_and_its_labels_sent(
    ask, refused, orthanc, series, home
):
    body = {"study": STUDY, "series": series}
    job = await ask("dicomweb", "archive", "fetch", method="POST", body=body)
    assert job["state"] in ("waiting", "running", "finished")
    told = await _over(ask, job["id"])
    assert (told["state"], told["done"], told["total"]) == ("finished", 9, 9), told
    assert (await ask("dicomweb", "jobs"))["jobs"] == [told]

    found = await ask("dicomweb", "archive", "search", method="POST", body={})
    (one,) = [row for row in found["series"] if row["series"] == series]
    assert (one["scan"], one["path"]) == (told["scan"], told["path"])
    row = await ask("scans", told["scan"])
    assert (row["source"], row["path"]) == ("dicomweb", told["path"])
    scan = open_scan(home.locate(told["path"]), home=home)
    assert (scan.voxels == make_volume().voxels).all()

    layer = Layer.open(home, scan, "labels", segments=[{"id": 1, "name": "Nodule"}])
    labels = layer.labels()
    labels.voxels[1:4, 2:5, 3:6] = 1
    layer.replace(labels)
    body = {"scan": told["scan"], "layer": "labels"}
    status, error = await refused(
        "dicomweb", "closed", "send", method="POST", body=body
    )
    assert (status, error["code"]) == (405, "not-allowed")
    sent = await ask("dicomweb", "archive", "send", method="POST", body=body)

    (instance,) = sent["instances"]
    assert instance["state"] == "stored"
    (there,) = orthanc.ask("/tools/lookup", instance["instance"].encode())
    tags = orthanc.ask(f"/instances/{there['ID']}/simplified-tags")
    assert tags["Modality"] == "SEG"
    assert tags["SegmentSequence"][0]["SegmentLabel"] == "Nodule"
    assert tags["ReferencedSeriesSequence"][0]["SeriesInstanceUID"] == series
    assert not list(home.folder.glob(".sending-*"))


async def test_a_job_is_cancelled(ask, orthanc, series):
    body = {"study": STUDY, "series": series}
    job = await ask("dicomweb", "archive", "fetch", method="POST", body=body)

    await ask("dicomweb", "jobs", job["id"], method="DELETE")

    # It may have been quicker.
    assert (await _over(ask, job["id"]))["state"] in ("cancelled", "finished")


async def test_the_same_series_is_fetched_once(ask, orthanc, series):
    body = {"study": STUDY, "series": series}

    jobs = await asyncio.gather(
        *(
            ask("dicomweb", "archive", "fetch", method="POST", body=body)
            for _ in range(3)
        )
    )

    assert len({job["id"] for job in jobs}) == 1
    await _over(ask, jobs[0]["id"])


async def test_labels_of_another_format_than_dicom_are_not_sent(refused, scan, home):
    opened = open_scan(home.locate(scan.path), home=home)
    Layer.open(home, opened, "labels", segments=[{"id": 1, "name": "Nodule"}])
    body = {"scan": scan.scan_id, "layer": "labels"}

    status, told = await refused(
        "dicomweb", "archive", "send", method="POST", body=body
    )

    assert (status, told["code"]) == (422, "no-dicom-scan")
