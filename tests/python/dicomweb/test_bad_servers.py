"""A DICOMweb server that fails or means harm ends in one sentence, soon, and within limits."""

import gzip
import io
import json
import re
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from medlab.dicomweb import LIMITS, fetch_series, find_series, read_table, send
from medlab.errors import MedlabError
from tests.support.bad_archive import always, bad_archive, reply

STUDY, SERIES, INSTANCE = "1.2.3", "1.2.3.4", "1.2.3.4.5"
QUICK = replace(LIMITS, connect_s=2, silence_s=1, reply_s=1, attempts=2)
SECRET = "Doe^Jane"


def server_at(archive, **entry):
    return read_table({"bad": {"url": archive.url, **entry}})["bad"]


def fault_of(answer, ask=find_series, limits=QUICK, **entry):
    """The error that an answer ends in; it must name no patient and no address."""
    with bad_archive(answer) as archive, pytest.raises(MedlabError) as raised:
        ask(server_at(archive, **entry), limits=limits)
    text = str(raised.value)
    assert not re.search(rf"{SECRET}|127\.0\.0\.1|http|/tmp", text), text
    return raised.value


def instances(*uids):
    return json.dumps(
        [{"00080018": {"vr": "UI", "Value": [uid]}} for uid in uids]
    ).encode()


def image(instance=INSTANCE, series=SERIES):
    """A DICOM file, small."""
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    one.file_meta.MediaStorageSOPInstanceUID = instance
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID = SecondaryCaptureImageStorage, instance
    one.StudyInstanceUID, one.SeriesInstanceUID = STUDY, series
    one.Modality, one.PatientName = "OT", SECRET
    one.Rows = one.Columns = 2
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 8
    one.HighBit, one.PixelRepresentation = 7, 0
    one.PixelData = b"\1\2\3\4"
    out = io.BytesIO()
    one.save_as(out, enforce_file_format=True)
    return out.getvalue()


def part(content, boundary=b"x", end=b"\r\n--x--"):
    return (
        b"--"
        + boundary
        + b"\r\nContent-Type: application/dicom\r\n\r\n"
        + content
        + end
    )


MULTIPART = 'multipart/related; type="application/dicom"; boundary=x'


def archive_of(answer_of_instance, uids=(INSTANCE,)):
    """Lists the instances, and answers for each as the test wants."""

    def answer(connection, address):
        if "/instances/" in address:
            answer_of_instance(connection, address)
        else:
            connection.sendall(reply(instances(*uids)))

    return answer


@pytest.fixture
def fetching(home):
    def fetch(server, limits=QUICK, **rest):
        return fetch_series(server, STUDY, SERIES, home, limits=limits, **rest)

    return fetch


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(status="401 Unauthorized"), "server-login"),
        (reply(status="403 Forbidden"), "server-login"),
        (reply(status="404 Not Found"), "not-found"),
        (reply(status="500 Oops"), "server-refused"),
        (reply(status="503 Busy"), "server-refused"),
        (reply(b"<html>", kind="text/html"), "server-reply"),
        (reply(b"not json"), "server-reply"),
        (reply(b'{"a": 1'), "server-reply"),
        (reply(b"[" * 200_000), "server-reply"),
        (reply(b"[" + b"9" * 100_000 + b"]"), "server-reply"),
        (reply(b'"a text"'), "server-reply"),
        (reply(b"\xff\xfe\x00"), "server-reply"),
        (reply(gzip.compress(b"[]"), Content_Encoding="gzip"), "server-reply"),
        (b"not http at all\r\n\r\n", "server-unreachable"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n", "server-unreachable"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "server-unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nContent-Type: application/dicom+json"
         b"\r\n\r\n[]", "server-unreachable"),
        (b"", "server-unreachable"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_one_sentence(answer, code):
    assert fault_of(always(answer)).code == code


def test_items_without_uids_or_of_odd_types_are_left_out():
    text = "a\x00\x1b[31m\u202eb" + "c" * 999
    body = json.dumps([{}, 5, None, [], {"0020000D": 7}, {"0020000D": {"Value": {}}},
                       {"0020000D": {"Value": ["../x"]}, "0020000E": {"Value": ["1.2"]}},
                       {"0020000D": {"Value": ["1.2"]}, "0020000E": {"Value": ["1.3"]},
                        "00201209": {"Value": ["many"]}, "00080060": {"Value": [None]},
                        "0008103E": {"Value": [text]}}])  # fmt: skip
    with bad_archive(always(reply(body.encode()))) as archive:
        found = find_series(server_at(archive), limits=QUICK)

    assert [(one.study, one.series, one.instances) for one in found] == [
        ("1.2", "1.3", 0)
    ]
    assert found[0].description.startswith("a[31mb")
    assert len(found[0].description) <= 200


def test_a_list_without_end_is_cut():
    def endless(connection, _):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["
        )
        while True:
            connection.sendall(b" " * 65536)

    tracemalloc.start()
    fault = fault_of(endless, limits=replace(QUICK, json_bytes=4 << 20, reply_s=20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert fault.code == "too-large"
    assert peak < 24 << 20


def test_more_series_than_asked_for_are_not_believed():
    body = json.dumps([{}] * 3000).encode()

    assert fault_of(always(reply(body))).code == "too-large"


@pytest.mark.parametrize("where", ["status line", "header", "body"])
def test_a_server_that_drips_is_left(where):
    before = {
        "status line": b"",
        "header": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
    }[where]

    def drip(connection, _):
        connection.sendall(before)
        while True:
            connection.sendall(b"H")
            time.sleep(0.1)

    began = time.monotonic()
    fault = fault_of(drip)

    assert fault.code == "server-slow"
    assert time.monotonic() - began < 4


def test_a_silent_server_is_left():
    fault = fault_of(lambda connection, _: time.sleep(5))

    assert fault.code == "server-slow"


def test_a_server_that_is_not_there_is_told():
    server = read_table({"gone": {"url": "http://127.0.0.1:9/dicom-web"}})["gone"]

    with pytest.raises(MedlabError, match="'gone' must be reachable") as raised:
        find_series(server, limits=QUICK)

    assert raised.value.code == "server-unreachable"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temp", "308 Perm"])
def test_no_redirect_is_followed_and_no_login_leaves(status, monkeypatch):
    monkeypatch.setenv("BAD_PASSWORD", "the password")
    with bad_archive(always(reply())) as elsewhere:
        away = reply(status=status, Location=f"{elsewhere.url}/series")
        login = {"user": "a", "password_env": "BAD_PASSWORD"}
        fault = fault_of(always(away), **login)

    assert fault.code == "server-refused"
    assert elsewhere.asked == []


def test_no_cookie_of_a_server_is_kept(monkeypatch):
    with bad_archive(always(reply(Set_Cookie="a=b; Path=/"))) as archive:
        find_series(server_at(archive), "word", limits=QUICK)

    assert len(archive.heads) > 1
    assert not any("Cookie:" in head for head in archive.heads)


def test_an_untrusted_certificate_is_refused(tmp_path):
    import ssl
    import subprocess

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", certificate],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    server = read_table({"tls": {"url": _serve_tls(context)}})["tls"]
    with pytest.raises(MedlabError) as raised:
        find_series(server, limits=QUICK)
    trusting = replace(server, ca_file=str(certificate))
    assert find_series(trusting, limits=QUICK) == []

    assert raised.value.code == "server-certificate"


def _serve_tls(context):
    import socket

    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            plain, _ = listening.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(reply())
            except OSError:
                continue
        listening.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"https://localhost:{listening.getsockname()[1]}/dicom-web"


@pytest.mark.parametrize(
    "answer",
    [
        reply(part(image()), kind="text/plain"),
        reply(part(image()), kind="multipart/related"),
        reply(part(image(), end=b""), kind=MULTIPART),
        reply(part(image(), end=b"\r\n--x\r\n\r\nmore\r\n--x--"), kind=MULTIPART),
        reply(b"--x--", kind=MULTIPART),
        reply(b"a" * 300_000, kind=MULTIPART),
        reply(b"", kind=MULTIPART),
    ],
)
def test_a_file_that_is_not_one_whole_part_is_refused(fetching, home, answer):
    fault = fault_of(archive_of(always(answer)), fetching)

    assert fault.code == "server-reply"
    assert list(home.fetched.rglob("*.dcm")) == []


@pytest.mark.parametrize(
    "content",
    [image(instance="1.2.3.4.6"), image(series="1.2.9")],
    ids=["another instance", "of another series"],
)
def test_another_image_than_asked_for_is_not_kept(fetching, home, content):
    answer = archive_of(always(reply(part(content), kind=MULTIPART)))

    fault = fault_of(answer, fetching)

    assert fault.code == "another-instance"
    assert fault.told == {"done": 0, "total": 1}
    assert list(home.fetched.rglob("*.dcm")) == []


def test_what_is_no_dicom_is_not_kept(fetching, home):
    fault_of(archive_of(always(reply(part(b"MZ" * 500), kind=MULTIPART))), fetching)

    assert list(home.fetched.rglob("*.dcm")) == []


def test_a_deflate_bomb_is_refused_before_it_unpacks(fetching, home):
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Blocks that look at nothing before them, so the same one can be repeated.
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * 600 + packer.flush()
    meta = b"\2\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99"
    length = b"\2\0\0\0UL\4\0" + len(meta).to_bytes(4, "little")
    bomb = bytes(128) + b"DICM" + length + meta + packed

    fault_of(archive_of(always(reply(part(bomb), kind=MULTIPART))), fetching)

    assert list(home.fetched.rglob("*.dcm")) == []


def test_a_file_without_end_is_cut_and_leaves_nothing(fetching, home):
    def endless(connection, _):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {MULTIPART}\r\n\r\n--x\r\n\r\n"
        connection.sendall(head.encode())
        while True:
            connection.sendall(b"a" * 65536)

    limits = replace(QUICK, instance_bytes=3 << 20, reply_s=20)
    fault = fault_of(archive_of(endless), lambda s, limits: fetching(s, limits), limits)

    assert fault.code == "too-large"
    assert [
        p for p in home.fetched.rglob("*") if p.is_file() and p.stat().st_size
    ] == []


def test_more_instances_than_a_series_has_are_not_believed(fetching):
    many = [f"1.2.{n}" for n in range(1, 1501)]
    limits = replace(QUICK, instances=1200)

    fault = fault_of(archive_of(None, many), fetching, limits)

    assert fault.code == "too-large"


def test_a_server_that_knows_no_pages_does_not_turn_in_circles(fetching, home):
    many = [f"1.2.3.{n}" for n in range(1, 1001)]

    def answer(connection, address):
        if "/instances/" in address:
            uid = address.rpartition("/")[2]
            connection.sendall(reply(part(image(uid)), kind=MULTIPART))
        else:
            connection.sendall(reply(instances(*many)))

    with bad_archive(answer) as archive:
        server = server_at(archive)
        with pytest.raises(MedlabError, match="Cancelled"):
            fetching(server, cancelled=lambda: len(archive.asked) > 4)

    assert sum("/instances/" not in address for address in archive.asked) == 2


@pytest.mark.parametrize("uid", ["../../etc", "1.2/3", "", "1" * 65, "1.2?x=y"])
def test_an_instance_is_never_asked_for_by_what_is_no_uid(fetching, uid):
    fault = fault_of(archive_of(None, [uid]), fetching)

    assert fault.code == "server-reply"


def test_a_busy_server_is_asked_again(fetching):
    times = []

    def answer(connection, _):
        times.append(1)
        busy = reply(status="503 Busy")
        connection.sendall(
            busy if len(times) == 1 else reply(part(image()), kind=MULTIPART)
        )

    with bad_archive(archive_of(answer)) as archive:
        done = fetching(server_at(archive))

    assert (done.instances, done.kept, len(times)) == (1, 0, 2)


def test_cancelling_ends_a_transfer_that_hangs(fetching):
    began = threading.Event()

    def hang(connection, _):
        began.set()
        time.sleep(20)

    with bad_archive(archive_of(hang)) as archive, pytest.raises(MedlabError) as raised:
        start = time.monotonic()
        fetching(
            server_at(archive), replace(QUICK, silence_s=20, reply_s=20),
            cancelled=began.is_set,
        )  # fmt: skip

    assert raised.value.code == "cancelled"
    assert time.monotonic() - start < 5


def test_two_fetches_of_one_series_do_not_meet(fetching):
    began, release = threading.Event(), threading.Event()

    def slow(connection, _):
        began.set()
        release.wait(10)
        connection.sendall(reply(part(image()), kind=MULTIPART))

    patient = replace(QUICK, silence_s=20, reply_s=20)
    with bad_archive(archive_of(slow)) as archive:
        server = server_at(archive)
        first = threading.Thread(target=fetching, args=(server, patient))
        first.start()
        began.wait(10)
        with pytest.raises(MedlabError, match="once at a time") as raised:
            fetching(server, patient)
        release.set()
        first.join(20)

    assert raised.value.code == "busy"


def _dicom_file(folder):
    path = folder / "one.dcm"
    path.write_bytes(image())
    return path


def test_a_refusal_is_told_by_instance(tmp_path):
    told = {"00081198": {"vr": "SQ", "Value": [
        {"00081155": {"vr": "UI", "Value": [INSTANCE]},
         "00081197": {"vr": "US", "Value": [0xA901]}}]}}  # fmt: skip
    body = json.dumps(told).encode()

    with bad_archive(always(reply(body, status="409 Conflict"))) as archive:
        sent = send(server_at(archive), _dicom_file(tmp_path), limits=QUICK)

    (one,) = sent.instances
    assert (one.instance, one.state, one.status) == (INSTANCE, "refused", 0xA901)
    assert one.reason == (
        "The server refused it: the object does not fit its kind (status A901h)."
    )
    assert (sent.stored, sent.refused) == (0, 1)


def test_an_instance_the_answer_forgets_counts_as_refused(tmp_path):
    with bad_archive(always(reply(b"{}"))) as archive:
        sent = send(server_at(archive), _dicom_file(tmp_path), limits=QUICK)

    assert sent.refused == 1
    assert "did not say" in sent.instances[0].reason


def test_an_xml_answer_is_not_unpacked(tmp_path):
    laughs = (
        b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><NativeDicomModel>&b;</N>'
    )
    path = _dicom_file(tmp_path)
    with (
        bad_archive(always(reply(laughs, kind="application/dicom+xml"))) as archive,
        pytest.raises(MedlabError) as raised,
    ):
        send(server_at(archive), path, limits=QUICK)

    assert raised.value.code == "server-reply"


def test_a_server_that_is_read_only_is_not_sent_to(tmp_path):
    with bad_archive(always(reply())) as archive:
        server = server_at(archive, can_send=False)
        with pytest.raises(MedlabError, match="read only") as raised:
            send(server, _dicom_file(tmp_path), limits=QUICK)

    assert raised.value.code == "not-allowed"
    assert archive.asked == []
