"""An Orthanc with a small CT and the real chest CT, and the table that allows it."""

import json

import pytest

from medlab.dicomweb import read_table
from medlab.scans import Home
from tests.support.orthanc import PASSWORD, USER, Orthanc, why_not
from tests.support.scans import make_volume, write_dicom_series


@pytest.fixture(autouse=True)
def no_table_of_the_machine(monkeypatch):
    for name in ("MEDLAB_DICOMWEB", "MEDLAB_HOME"):
        monkeypatch.delenv(name, raising=False)
    # Servers that would answer in the archive's place, were they asked.
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    """A running Orthanc for all tests; each brings series of its own."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def table(orthanc, monkeypatch):
    """What an administrator writes."""
    monkeypatch.setenv("ORTHANC_PASSWORD", PASSWORD)
    return {
        "orthanc": {
            "url": orthanc.url,
            "title": "Test archive",
            "user": USER,
            "password_env": "ORTHANC_PASSWORD",
        }
    }


@pytest.fixture
def table_file(table, tmp_path, monkeypatch):
    path = tmp_path / "servers.json"
    path.write_text(json.dumps(table))
    monkeypatch.setenv("MEDLAB_DICOMWEB", str(path))
    return path


@pytest.fixture
def server(table):
    return read_table(table)["orthanc"]


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    return Home(root, root / ".medlab")


@pytest.fixture
def volume():
    return make_volume(oblique=True)


@pytest.fixture
def pushed(orthanc, tmp_path, volume):
    """A made series of 9 images in Orthanc: its folder, and its SeriesInstanceUID."""
    folder = tmp_path / "made"
    series = write_dicom_series(folder, volume, number=41)
    orthanc.push(sorted(folder.iterdir()))
    return folder, series
