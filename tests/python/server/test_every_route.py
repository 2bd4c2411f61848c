"""What holds for every route of the server, asked over a real socket.

The rows come from `routes_table.py`, the routes from the server: a route without a row fails.
"""

import itertools
import json
import os
import re
import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from medlab.scans import ScanSource
from medlab.server._base import MedlabHandler
from medlab.server._routes import ROUTES, methods_of
from tests.python.server.routes_table import JSON, OCTETS, ROWS, RUN
from tests.python.server.test_run_routes import PICTURE, contract
from tests.support.faulty_work import FAULTS
from tests.support.hostile_text import INJECTIONS, as_file_name, as_person_name
from tests.support.scans import (
    make_labels,
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
    write_text_as,
)
from tests.support.served import TOKEN, Served, join_cookies

PRIVATE = ("Zzyzx^Quentin", "PID-777-secret", "19370412", "Dr^Strangeways")
"""Name, number, birthday and physician of a patient, as nothing else has them."""

ASKED = "Mxyzptlk^Vera"
"""What somebody asks for: the reply may repeat it, the log must not."""

SECRET = np.int16(31337)
"""The value of each voxel of a scan that lies outside the root."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with good, broken and hostile scans, a run, and things beside the root."""
    around = tmp_path_factory.mktemp("around")
    root = around / "data"
    outside = np.full((7, 8, 9), SECRET)
    for place in (around / "data2", around / "elsewhere"):
        write_nifti_by_nibabel(place / "secret.nii.gz", outside, np.eye(4))
    volume = make_volume()
    write_nifti_by_nibabel(root / "thorax.nii.gz", volume.voxels, volume.affine)
    write_nifti_by_nibabel(root / "beside.nii.gz", make_labels(), volume.affine)
    write_nifti_by_nibabel(root / ".hidden/x.nii.gz", make_labels(), volume.affine)
    write_text_as(root / "Doe^Jane.nii.gz")
    write_dicom_series(root / "visit", make_volume())
    _name_patient(root / "visit")
    shutil.copytree(root / "visit", root / "cut")
    for path in (root / "cut").iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    (root / "link.nii.gz").symlink_to(around / "elsewhere/secret.nii.gz")
    (root / "twin").symlink_to(around / "data2")
    folder = root / ".medlab/runs" / RUN
    (folder / "preview").mkdir(parents=True)
    told = contract("runs.json")["runs"][0]
    about = {key: told[key] for key in ("name", "template", "created", "host", "where")}
    (folder / "run.json").write_text(json.dumps({**about, "recipe": {}}))
    kept = ("state", "epoch", "epochs", "step", "steps_per_epoch", "eta_s")
    status = {key: told[key] for key in (*kept, "loss", "val_loss", "metrics")}
    status |= {"heartbeat": time.time(), "host": socket.gethostname()}
    status |= {"pid": os.getpid(), "ack_seq": 0, "message": ""}
    (folder / "status.json").write_text(json.dumps(status))
    shutil.copy(Path(__file__).parents[2] / "contract/metrics.jsonl", folder)
    (folder / "preview/epoch-0001.png").write_bytes(PICTURE)
    return root


def _name_patient(folder):
    import pydicom

    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientName, dataset.PatientID, birthday, physician = PRIVATE
        dataset.PatientBirthDate, dataset.ReferringPhysicianName = birthday, physician
        dataset.save_as(path)


@pytest.fixture(scope="module")
def served(root, tmp_path_factory):
    options = ("--ServerApp.allow_unauthenticated_access=False",)
    served = Served(
        *(root, tmp_path_factory.mktemp("settings")),
        options=options,
        extensions=("medlab.server", "tests.support.faulty_work"),
        environment={"PYTHONPATH": str(Path(__file__).parents[3])},
    ).start()
    served.wait_indexed()
    ask(served, find("POST", "labels/{scan}/{layer}"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def cookies(served):
    return served.cookies()


def find(method, template):
    return next(row for row in ROWS if (row.method, row.template) == (method, template))


def address_of(served, row):
    series = next(p for p in (served.root / "visit").iterdir())
    import pydicom

    uid = pydicom.dcmread(series, stop_before_pixels=True).SeriesInstanceUID
    ids = {
        "{scan}": ScanSource("thorax.nii.gz").scan_id,
        "{series}": ScanSource("visit", str(uid)).scan_id,
    }
    return _filled(row.path, ids), _filled(row.body, ids)


def _filled(what, ids):
    if callable(what):
        return what()
    if isinstance(what, dict):
        return {key: _filled(value, ids) for key, value in what.items()}
    for name, value in ids.items():
        what = what.replace(name, value) if isinstance(what, str) else what
    return what


def ask(served, row, **rest):
    path, body = address_of(served, row)
    return served.ask(row.method, path, body, **rest)


each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def test_every_route_and_method_has_a_row():
    live = {
        (method, template)
        for template, handler in ROUTES
        for method in methods_of(handler)
    }

    assert {(row.method, row.template) for row in ROWS} == live


def test_no_handler_takes_websockets_or_leaves_the_family():
    from tornado.websocket import WebSocketHandler

    for _, handler in ROUTES:
        assert issubclass(handler, MedlabHandler)
        assert not issubclass(handler, WebSocketHandler)


@each_row
def test_asked_well_it_answers(served, row):
    reply = ask(served, row)

    assert reply.status == row.status, reply.body[:300]
    assert reply.headers["Content-Type"].split(";")[0] == row.kind
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in reply.headers or (
        reply.headers["Access-Control-Allow-Origin"] == ""
    )


@each_row
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "0"])
def test_nobody_unknown_is_answered(served, row, token):
    reply = ask(served, row, token=token)

    assert reply.status == 403
    assert set(reply.json) == {"message", "code", "title", "detail", "hint"}


@each_row
def test_a_page_of_another_site_is_refused(served, cookies, row):
    """Its requests carry the cookies of whoever is logged in, and not the XSRF token."""
    cookie = {"Cookie": join_cookies(cookies)}
    foreign = {"Origin": "https://evil.example", "Referer": "https://evil.example/a"}
    own = f"http://127.0.0.1:{served.port}"
    hostile = [
        {**cookie, **foreign},
        {**cookie, "Referer": "https://evil.example/a"},
        {**cookie, "Origin": "null"},
        cookie,
        {**cookie, **foreign, "X-XSRFToken": "0" * len(cookies["_xsrf"])},
        {
            **cookie,
            "Origin": own.replace("127", "128"),
            "Referer": own + ".evil.example",
        },
    ]

    for headers in hostile:
        reply = ask(served, row, token=None, headers=headers)

        assert reply.status in (403, 404), headers
        assert reply.json["code"].startswith("http-"), headers


@each_row
def test_a_page_of_jupyter_is_answered(served, cookies, row):
    own = f"http://127.0.0.1:{served.port}"
    headers = {
        "Cookie": join_cookies(cookies),
        "X-XSRFToken": cookies["_xsrf"],
        **{"Origin": own, "Referer": f"{own}{served.base_url}lab"},
    }

    assert ask(served, row, token=None, headers=headers).status == row.status


@each_row
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_no_websocket_opens(served, cookies, row, origin):
    path, _ = address_of(served, row)
    headers = {
        **{"Connection": "Upgrade", "Upgrade": "websocket"},
        **{"Sec-WebSocket-Version": "13", "Cookie": join_cookies(cookies)},
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **({} if origin is None else {"Origin": origin}),
    }

    reply = served.ask("GET", path, token=None, headers=headers)

    assert reply.status in (403, 404, 405)


@each_row
def test_other_methods_are_refused(served, row):
    known = {other.method for other in ROWS if other.template == row.template}
    path, _ = address_of(served, row)

    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - known:
        assert served.ask(method, path).status == 405, method
        assert served.ask(method, path, token=None).status in (403, 405), method


@each_row
def test_asking_what_is_allowed_tells_nothing(served, row):
    path, _ = address_of(served, row)

    reply = served.ask("OPTIONS", path, headers={"Origin": "https://evil.example"})

    assert reply.body == b""
    assert reply.headers.get("Access-Control-Allow-Origin", "") in (
        "",
        "https://evil.example",  # Whoever sends the token may be anywhere.
    )
    unknown = {"Origin": "https://evil.example"}
    reply = served.ask("OPTIONS", path, token=None, headers=unknown)
    assert "Access-Control-Allow-Origin" not in reply.headers


LEADS_OUT = [
    "..",
    "../..",
    "....//",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fdata2",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%252e%252e%252fdata2",
    "..%5c..%5cdata2",
    "..%c0%af..%c0%afetc",
    "%2fetc%2fpasswd",
    "%00",
    "a%00.png",
    "%0d%0aX-Evil:1",
    "%ff%fe",
    "%",
    "%zz",
    ".hidden",
    ".medlab",
    "~root",
    "C:%5cwindows",
    "x" * 300,
    "x" * 5000,
    "%F0%9F%92%A9",
    "Mxyzptlk%5EVera",
]


def _hostile_addresses(row):
    """The row's address with each of its variable parts replaced by each hostile one."""
    parts = row.path.split("?")[0].split("/")
    wanted = row.template.split("/")
    places = [n for n, part in enumerate(wanted) if part.startswith("{")]
    for place, hostile in itertools.product(places, LEADS_OUT):
        yield "/".join([*parts[:place], hostile, *parts[place + 1 :]])


@each_row
def test_no_address_leads_out(served, root, row):
    _, body = address_of(served, row)
    ids = {"{scan}": ScanSource("thorax.nii.gz").scan_id}
    before = _everything(root.parent)

    for address in _hostile_addresses(row):
        reply = served.ask(row.method, _filled(address, ids), body)

        is_gone = row.id == "DELETE smart/jobs/{job}" and reply.status == 200
        assert 400 <= reply.status < 500 or is_gone, (address, reply.status)
        assert SECRET.tobytes() * 8 not in reply.body

    made = {p for p in _everything(root.parent) - before if ".medlab/cache" not in p}
    assert made <= _MADE, made


_MADE = {"data/saved.nii.gz", "data/saved.nii.gz.labels.json", "data/saved.labels.json"}


def _everything(around):
    return {
        p.relative_to(around).as_posix()
        for p in around.rglob("*")
        if "index" not in p.name
    }


OUTSIDE_PATHS = [
    "../data2/secret.nii.gz",
    "../elsewhere/secret.nii.gz",
    "twin/secret.nii.gz",
    "link.nii.gz",
    "/etc/passwd",
    "x/../../data2/secret.nii.gz",
    ".hidden/x.nii.gz",
    "./.hidden/x.nii.gz",
    ".medlab/salt.nii.gz",
    "a\0b.nii.gz",
    "x" * 5000 + ".nii.gz",
    "/".join(["x" * 200] * 30) + ".nii.gz",
    "file:///etc/passwd",
    "\\\\host\\share\\x.nii.gz",
    "",
    " ",
    "~/x.nii.gz",
    "-rf.nii.gz/",
]


@pytest.mark.parametrize("what", ["read", "save"])
@pytest.mark.parametrize("path", OUTSIDE_PATHS, ids=lambda path: path[:20] or "empty")
def test_no_label_file_lies_outside(served, root, what, path):
    before = _everything(root.parent)
    full = str(root.parent / "data2/secret.nii.gz")
    row = find("POST", f"labels/{{scan}}/{{layer}}/{what}")
    address, _ = address_of(served, row)

    for told in (path, full) if path == "../data2/secret.nii.gz" else (path,):
        reply = served.ask("POST", address, {"path": told})

        if what == "save" and told in ("file:///etc/passwd", "~/x.nii.gz"):
            assert reply.status in (200, 400, 404, 409, 422)  # Names below the root.
        elif what == "save" and told.startswith("\\\\"):
            assert reply.status < 500
        else:
            assert 400 <= reply.status < 500, reply.body[:200]
        assert SECRET.tobytes() * 8 not in reply.body
        _holds_no_path(reply.body.decode("utf-8", "replace"), root)
    new = _everything(root.parent) - before
    assert all(p.startswith("data/") and ".medlab" not in p for p in new), new


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"{}" * 2,
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"words": "\\ud800"}',
    b'{"path": "\\u0000", "cmd": {}, "segments": 7, "scan": [], "params": 3}',
    b'{"path": ["a"], "layers": "b", "replace": 5, "format": "exe", "args": [1]}',
    b'{"limit": 1e400, "offset": "5", "by": [], "cmd": "set", "args": {"epochs": "x"}}',
    b'{"limit": ' + b"9" * 5000 + b"}",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    b"a=1&b=2",
    bytes(range(256)) * 16,
]

with_body = [row for row in ROWS if row.method == "POST"]


@pytest.mark.parametrize("row", with_body, ids=lambda row: row.id)
def test_no_body_makes_a_fault(served, root, row):
    path, _ = address_of(served, row)

    for body in BAD_BODIES:
        reply = served.ask("POST", path, body)

        assert reply.status < 500, (body[:40], reply.body[:200])
        _holds_no_path(reply.body.decode("utf-8", "replace"), root)


@each_row
def test_a_body_that_is_too_long_is_not_taken(served, row):
    """By every method, as JSON and as bytes, its length told before or in chunks."""
    path, _ = address_of(served, row)
    for kind, part in ((JSON, b'{"a": "b"} '), (OCTETS, bytes(11))):
        told = {"Content-Type": kind}
        huge = {**told, "Content-Length": str(row.limit + (64 << 20))}

        _told_too_long(served.ask(row.method, path, b"", headers=huge), row)
        unknown = served.ask(row.method, path, b"", headers=huge, token=None)
        assert unknown.status == 403
        if row.limit <= 1 << 20:
            body = (part * (row.limit // len(part) + 1))[: row.limit + 1]
            sent = served.ask(row.method, path, body, headers=told)
            parts = iter([body[:99_999], body[99_999:]])
            chunks = served.ask(row.method, path, parts, headers=told)
            _told_too_long(sent, row)
            _told_too_long(chunks, row)


def test_many_edits_at_once_are_refused_when_they_turn_out_too_long(served):
    """In chunks, the largest limit of all: known only once so much has come."""
    row = find("POST", "labels/{scan}/{layer}/ops")
    path, _ = address_of(served, row)
    part = bytes(4 << 20)
    parts = itertools.chain([b"1"], itertools.repeat(part, row.limit // len(part)))

    _told_too_long(served.ask("POST", path, parts), row)


def test_who_sends_without_end_is_hung_up_on(served):
    path, _ = address_of(served, find("POST", "scans/search"))

    with pytest.raises(ConnectionError):
        served.ask("POST", path, itertools.repeat(bytes(1 << 20), 2000))


def _told_too_long(reply, row):
    assert (reply.status, reply.json["code"]) == (413, "body-too-large")
    assert f"at most {row.limit} bytes" in reply.json["message"]
    assert reply.json["title"]


@each_row
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_program_or_the_disk_tells_nothing(served, root, row, fault):
    """Neither the reply nor its headers; what is logged is looked at last in this file."""
    before = len(served.log)

    reply = ask(served, row, headers={"X-Fault": fault})

    assert reply.status == (507 if fault == "disk" else 500)
    assert set(reply.json) == {"message", "code", "title", "detail", "hint"} or (
        set(reply.json) == {"message", "code"}
    )
    _tells_nothing(reply, root)
    said = served.log[before:]
    if fault != "disk":
        assert f"medlab: {row.method} {row.template} failed: " in said
        assert re.search(r"< server/_base\.py:\d+", said)
    assert "Zzyzx" not in said


@each_row
def test_words_of_a_request_are_not_logged(served, root, row):
    """Those of its address, its headers and its body, answered or refused."""
    path, body = address_of(served, row)
    before = len(served.log)
    joint = "&" if "?" in path else "?"
    told = {"Referer": f"http://127.0.0.1/{ASKED}", "User-Agent": ASKED}
    sent = {"words": ASKED, ASKED: ASKED} if row.method == "POST" else body

    reply = served.ask(row.method, f"{path}{joint}by={ASKED}", sent, headers=told)
    unknown = served.ask(row.method, f"{path}{joint}by={ASKED}", sent, token="")

    assert (reply.status < 500, unknown.status) == (True, 403)
    assert "Mxyzptlk" not in served.log[before:]


def test_an_address_that_is_not_there_is_told_as_any_error(served):
    for path in ("", "nothing", "scans/0/1/2/3", "../medlab2", "scans/search/x"):
        reply = served.ask("GET", path)
        if reply.headers["Content-Type"] == "application/json":
            assert set(reply.json) == {"message", "code", "title", "detail", "hint"}
        assert reply.status in (404, 405)
        assert served.ask("GET", path, token=None).status in (403, 404, 302)


def test_a_link_that_is_swapped_while_it_is_read_shows_nothing_outside(served, root):
    path, spare = root / "swapped.nii.gz", root / ".spare"
    volume = make_volume(seed=3)
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)
    served.wait_indexed()
    scan = ScanSource("swapped.nii.gz").scan_id
    good, outside = path.read_bytes(), root.parent / "elsewhere/secret.nii.gz"
    until, seen = time.monotonic() + 3, set()

    while time.monotonic() < until:
        spare.symlink_to(outside)
        spare.replace(path)
        for address in (f"volumes/{scan}", f"volumes/{scan}/slab?k0=0&k1=9"):
            reply = served.ask("GET", address)
            seen.add(reply.status)
            assert SECRET.tobytes() * 8 not in reply.body
            assert b"31337" not in reply.body
        spare.write_bytes(good)
        os.utime(spare, ns=(time.time_ns(), time.time_ns()))
        spare.replace(path)
        seen.add(served.ask("GET", f"volumes/{scan}").status)

    assert 200 in seen
    assert seen <= {200, 404, 422, 507}
    path.unlink()


def test_hostile_text_is_sent_as_json_and_nothing_else(served, root):
    folder = root / "hostile"
    for number, text in enumerate(INJECTIONS):
        place = folder / f"{number:02d}"
        write_dicom_series(place, make_volume((2, 3, 2)), number=100 + number)
        _rename(place, as_person_name(text))
        write_text_as(folder / f"{as_file_name(text)}.nii.gz")
    served.wait_indexed()

    reply = served.ask("POST", "scans/search", {"limit": 1000, "private": True})
    served.replies.remove(reply)  # Patients were asked for.

    assert reply.headers["Content-Type"] == "application/json"
    rows = reply.json["scans"]
    # White space of a person's name means nothing in DICOM, and is not all kept.
    names = {_squeezed(row["patient"]) for row in rows}
    assert {_squeezed(as_person_name(text)) for text in INJECTIONS} <= names
    assert {f"{as_file_name(text)}.nii.gz" for text in INJECTIONS} <= {
        row["name"] for row in rows
    }
    for text in INJECTIONS:
        found = served.ask("POST", "scans/search", {"words": text[:60]})
        assert found.status == 200
        assert found.headers["Content-Type"] == "application/json"
    shutil.rmtree(folder)
    served.wait_indexed()


def _squeezed(text):
    return re.sub(r"\s+", "", "".join(c for c in text if c.isprintable()))[:60]


def _rename(folder, text):
    import pydicom

    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName = dataset.StudyDescription = text[:64]
        dataset.SeriesDescription = text[:64]
        dataset.save_as(path)


def test_no_reply_and_no_log_tells_a_path_a_trace_or_a_patient(served, root):
    """Last in this file: it looks at everything that was said before, and asks more."""
    scans = served.ask("POST", "scans/search", {"limit": 1000}).json["scans"]
    for scan in scans:
        for address in (
            *(f"scans/{scan['id']}", f"scans/{scan['id']}/thumbnail"),
            *(f"volumes/{scan['id']}", f"labels/{scan['id']}/files"),
        ):
            assert served.ask("GET", address).status < 500, (scan["path"], address)
        served.ask("POST", f"scans/{scan['id']}/tags", {"limit": 1000})
    for by in ("patient", "study"):
        served.ask("POST", "scans/groups", {"by": by, "words": PRIVATE[0]})
    served.ask("POST", "scans/search", {"words": PRIVATE[0], "sort": "patient"})

    assert len(served.replies) > 20 * len(ROWS)
    for reply in served.replies:
        _tells_nothing(reply, root)
    said = _own_lines(served.log)
    assert len(said) > 100
    _holds_no_path("\n".join(said), root)
    for word in (
        *PRIVATE,
        "Mxyz",
        "Doe",
        "thorax",
        "Chest <i>study",
        "Traceback",
        "__hostile",
    ):
        assert not [line for line in said if word in line], word


def _tells_nothing(reply, root):
    """No path, no trace and no patient, in the headers and in the body."""
    text = "\n".join(f"{name}: {value}" for name, value in reply.headers.items())
    if b"\x89PNG" not in reply.body[:8] and b"MLD1" not in reply.body[:12]:
        text += "\n" + reply.body.decode("utf-8", "replace")
    _holds_no_path(text, root)
    assert not [word for word in PRIVATE if word in text], text[:500]
    assert b"Traceback" not in reply.body


def _own_lines(log):
    """What was logged after the start, without Jupyter's own account of it."""
    lines = log.splitlines()
    first = next(n for n, line in enumerate(lines) if "medlab/runs" in line)
    # Jupyter's log-in page tells where its own style sheets lie.
    return [line for line in lines[first:] if " served from " not in line]


def _holds_no_path(text, root):
    for hint in (str(root.parent), str(Path(np.__file__).parents[1]), "site-packages"):
        assert hint not in text, text[max(0, text.find(hint) - 200) :][:400]
    assert 'File "' not in text
