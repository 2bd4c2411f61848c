"""A Jupyter server with medlab, a CT and a broken scan below its root."""

import asyncio
import json
import time

import pytest
from tornado.httpclient import HTTPClientError

from medlab.scans import Home, ScanSource
from medlab.server._indexing import close_all
from tests.support.scans import make_volume, write_nifti_by_nibabel, write_text_as


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"medlab.server": True}}}


@pytest.fixture(autouse=True)
def no_home_named(monkeypatch):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def scan(jp_root_dir, volume):
    """A scan of 7 x 8 x 9 voxels, written by nibabel."""
    write_nifti_by_nibabel(
        jp_root_dir / "scans" / "thorax.nii.gz", volume.voxels, volume.affine
    )
    return ScanSource("scans/thorax.nii.gz", None)


@pytest.fixture
def broken(jp_root_dir):
    write_text_as(jp_root_dir / "scans" / "letter.nii.gz")
    return ScanSource("scans/letter.nii.gz", None)


@pytest.fixture
def home(jp_root_dir):
    root = jp_root_dir.resolve()
    return Home(root, root / ".medlab")


@pytest.fixture
def ask(jp_fetch):
    """Send a request below `medlab/`; returns the reply's JSON, or its bytes."""

    async def ask(*path, method="GET", body=None, **params):
        if isinstance(body, dict):
            body = json.dumps(body)
        reply = await jp_fetch("medlab", *path, method=method, body=body, params=params)
        if reply.headers["Content-Type"].startswith("application/json"):
            return json.loads(reply.body)
        return reply.body

    return ask


@pytest.fixture(autouse=True)
def no_process_left():
    yield
    close_all()


@pytest.fixture
def listed(ask):
    """The rows of the list once everything on disk is in it."""

    async def listed(refresh=False, **query):
        await ask(
            *("scans", "index"),
            method="POST",
            body={"cmd": "refresh" if refresh else "start"},
        )
        until = time.monotonic() + 60
        while (state := await ask("scans", "index"))["state"] == "running":
            assert time.monotonic() < until, state
            await asyncio.sleep(0.02)
        assert state["state"] == "idle", state
        page = await ask("scans", "search", method="POST", body=query)
        return page["scans"]

    return listed


@pytest.fixture
def refused(ask):
    """Send a request that is refused; returns the status and the reply's JSON or bytes."""

    async def refused(*path, **rest):
        with pytest.raises(HTTPClientError) as refusal:
            await ask(*path, **rest)
        response = refusal.value.response
        try:
            return response.code, json.loads(response.body)
        except ValueError:
            return response.code, response.body

    return refused
