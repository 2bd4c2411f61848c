"""Who may ask, and that no address leads out of the root."""

import logging

import pytest
from tornado.httpclient import HTTPClientError

from tests.support.scans import PATIENT, make_volume, write_dicom_series

SCAN = "0123456789abcdef"
RUN = "20261121T013000Z-0a1b2c"
READS = [
    ["scans"],
    ["scans", SCAN],
    ["scans", SCAN, "thumbnail"],
    ["volumes", SCAN],
    ["volumes", SCAN, "slab"],
    ["labels", SCAN],
    ["labels", SCAN, "labels"],
    ["labels", SCAN, "labels", "snapshot"],
    ["labels", SCAN, "labels", "ops"],
    ["runs"],
    ["runs", RUN],
    ["runs", RUN, "metrics"],
    ["runs", RUN, "log"],
    ["runs", RUN, "preview", "a.png"],
]
WRITES = [
    ["labels", SCAN, "labels"],
    ["labels", SCAN, "labels", "ops"],
    ["labels", SCAN, "labels", "export"],
    ["runs", RUN, "control"],
]


async def _status(http, url, **rest):
    try:
        return (await http.fetch(url, **rest)).code
    except HTTPClientError as error:
        return error.code


@pytest.mark.parametrize("path", READS)
async def test_reading_without_a_token_is_refused(
    jp_serverapp, http_server_client, path
):
    url = jp_serverapp.base_url + "medlab/" + "/".join(path)

    assert await _status(http_server_client, url) == 403


@pytest.mark.parametrize("path", WRITES)
async def test_writing_without_a_token_is_refused(
    jp_serverapp, http_server_client, path
):
    url = jp_serverapp.base_url + "medlab/" + "/".join(path)

    assert await _status(http_server_client, url, method="POST", body="{}") == 403


async def _log_in(jp_serverapp, http_server_client):
    """The cookies of somebody who logged in with a browser."""
    url = jp_serverapp.base_url
    page = await http_server_client.fetch(url + "login", raise_error=False)
    first = _cookies(page)
    body = f"password={jp_serverapp.identity_provider.token}&_xsrf={first['_xsrf']}"
    answer = await http_server_client.fetch(
        url + "login?next=%2F",
        method="POST",
        body=body,
        headers={"Cookie": _join(first)},
        follow_redirects=False,
        raise_error=False,
    )
    return {**first, **_cookies(answer)}


def _cookies(response):
    pairs = (
        line.split(";")[0].split("=", 1)
        for line in response.headers.get_list("Set-Cookie")
    )
    return dict(pairs)


def _join(cookies):
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_another_sites_page_cannot_read_with_the_users_cookies(
    jp_serverapp, http_server_client
):
    cookie = await _log_in(jp_serverapp, http_server_client)
    url = jp_serverapp.base_url + "medlab/scans"
    headers = {"Cookie": _join(cookie), "Referer": "https://evil.example/"}

    assert await _status(http_server_client, url, headers=headers) == 403


async def test_a_jupyter_page_reads_with_cookies_and_its_xsrf_token(
    jp_serverapp, http_server_client
):
    cookie = await _log_in(jp_serverapp, http_server_client)
    url = jp_serverapp.base_url + "medlab/scans"
    headers = {"Cookie": _join(cookie), "X-XSRFToken": cookie["_xsrf"]}

    assert await _status(http_server_client, url, headers=headers) == 200


async def test_replies_are_neither_kept_nor_guessed_at(jp_fetch):
    reply = await jp_fetch("medlab", "scans")

    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Etag" not in reply.headers


HOSTILE = [
    "..",
    "%2e%2e%2f%2e%2e%2fetc",
    "..%2f..",
    "0123456789ABCDEF",
    "0123456789abcde",
    "%00",
    "a%0d%0ab",
    "%3Cscript%3E",
    "%F0%9F%92%A9",
]


@pytest.mark.parametrize("room", ["scans", "volumes", "labels", "runs"])
@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_hostile_id_is_not_found(
    jp_serverapp, http_server_client, jp_auth_header, room, hostile
):
    url = f"{jp_serverapp.base_url}medlab/{room}/{hostile}"

    status = await _status(http_server_client, url, headers=jp_auth_header)

    assert status in (400, 404)


@pytest.mark.parametrize("hostile", ["..%2f..", "%2e%2e", ".hidden", "a%2fb", "x" * 65])
async def test_a_hostile_layer_name_makes_no_folder(
    jp_serverapp, http_server_client, jp_auth_header, scan, home, hostile
):
    url = f"{jp_serverapp.base_url}medlab/labels/{scan.scan_id}/{hostile}"

    status = await _status(
        http_server_client, url, headers=jp_auth_header, method="POST", body="{}"
    )

    assert status in (404, 422)
    assert not home.labels.exists() or not list(home.labels.rglob("*"))


@pytest.mark.parametrize("folder", ["..", "../..", "/etc", "scans/../../", "a\0b"])
async def test_a_folder_outside_the_root_is_not_found(refused, folder):
    status, reply = await refused("scans", folder=folder)

    assert status in (400, 404)
    assert "/etc" not in reply["message"]


async def test_a_link_out_of_the_root_is_not_followed(refused, jp_root_dir, tmp_path):
    (tmp_path / "outside").mkdir()
    (jp_root_dir / "link").symlink_to(tmp_path / "outside")

    status, _ = await refused("scans", folder="link")

    assert status == 404


async def test_no_patient_is_named_in_the_log(
    ask, refused, jp_root_dir, caplog, jp_serverapp
):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("ServerApp").addHandler(caplog.handler)
    series = write_dicom_series(jp_root_dir / "visit", make_volume())
    (jp_root_dir / "Doe^Jane.nii.gz").write_text("not a scan")

    scans = (await ask("scans"))["scans"]
    for scan in scans:
        if scan["error"] is None:
            await ask("volumes", scan["id"])
        else:
            await refused("volumes", scan["id"])

    assert {scan["patient"] for scan in scans} >= {PATIENT}
    assert series in {scan["series"] for scan in scans}
    assert "Doe" not in caplog.text


async def test_an_unknown_address_below_medlab_is_not_found(refused):
    status, _ = await refused("nothing")

    assert status == 404


async def test_a_body_that_is_no_json_is_refused(refused, scan):
    status, reply = await refused(
        "labels", scan.scan_id, "labels", method="POST", body="{not json"
    )

    assert (status, reply["code"]) == (400, "bad-request")
    assert reply["message"].count("JSON object") == 1
