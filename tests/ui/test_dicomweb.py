"""Scans of a real Orthanc, searched and fetched in a real JupyterLab, and labels sent back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydicom.data import get_testdata_file

from medlab.labels import Layer
from medlab.scans import Home, open_scan
from tests.support.lab import Lab, execute, open_browser, running_lab
from tests.support.orthanc import PASSWORD, USER, Orthanc, why_not
from tests.support.scans import make_volume, write_dicom_series

_MADE = "1.2.826.0.1.3680043.8.498.77.61"
_FIND = "medlab:find-on-server"
# Each question to an archive starts a process, which takes its time on a busy machine.
_SOON = 60_000


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("archive")
    server = Orthanc(folder / "orthanc")
    server.start()
    write_dicom_series(folder / "made", make_volume((64, 48, 40)), number=61)
    server.push(sorted((folder / "made").iterdir()))
    real = Path(
        str(get_testdata_file("dicomdirtests/98892001/CT5N/2062", download=False))
    )
    server.push(sorted(real.parent.iterdir()))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lab(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose administrator allows the Orthanc, and an archive that is down."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    login = {"user": USER, "password_env": "ORTHANC_PASSWORD"}
    table = {
        "orthanc": {"url": orthanc.url, "title": "Radiology archive", **login},
        "down": {"url": "http://127.0.0.1:9/dicom-web", "title": "Night archive"},
    }
    (folder / "servers.json").write_text(json.dumps(table))
    told = {
        "MEDLAB_DICOMWEB": str(folder / "servers.json"),
        "ORTHANC_PASSWORD": PASSWORD,
    }
    before = {name: os.environ.get(name) for name in told}
    lab = Lab(folder / "root")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        lab.start()
    assert {name: os.environ.get(name) for name in told} == before
    yield lab
    lab.stop()


def _search(page: Page, words: str) -> None:
    page.get_by_label("Search words").fill(words)
    page.get_by_role("button", name="Search", exact=True).click()


def test_a_series_is_found_fetched_opened_and_its_labels_sent_back(
    lab: Lab, orthanc: Orthanc, page: Page, pictures: Path
) -> None:
    lab.open(page)
    execute(page, "medlab:show-scans")
    page.get_by_role("button", name="Find scans on a server").click()
    panel = page.locator(".medlab-Archive")
    _search(page, "")
    expect(panel.get_by_role("status")).to_contain_text("2 series", timeout=_SOON)
    expect(panel).not_to_contain_text("Doe")
    page.screenshot(path=pictures / "dicomweb-found.png")

    panel.get_by_label("Show patient names").check()
    row = panel.locator("tbody tr", has_text="thin")
    expect(row).to_contain_text("Doe^Jane <b>secret</b>", timeout=_SOON)
    row.get_by_role("button", name="Fetch").click()
    expect(row.get_by_role("button", name="Open")).to_be_visible(timeout=_SOON)
    page.screenshot(path=pictures / "dicomweb-fetched.png")
    rows = page.locator(".medlab-ScanRow")
    expect(rows).to_have_count(1, timeout=_SOON)

    row.get_by_role("button", name="Send labels").click()
    expect(row).to_contain_text("There are no labels yet", timeout=_SOON)
    root = lab.root.resolve()
    home = Home(root, root / ".medlab")
    (folder,) = home.fetched.glob("[0-9a-f]*")
    scan = open_scan(folder, home=home)
    assert (scan.voxels == make_volume((64, 48, 40)).voxels).all()
    layer = Layer.open(home, scan, "labels", segments=[{"id": 1, "name": "Nodule"}])
    labels = layer.labels()
    labels.voxels[20:30, 10:20, 5:9] = 1
    layer.replace(labels)
    row.get_by_role("button", name="Send labels").click()
    expect(row).to_contain_text("Radiology archive has the labels now.", timeout=_SOON)
    page.screenshot(path=pictures / "dicomweb-sent.png")
    found = orthanc.ask("/tools/find", json.dumps(
        {"Level": "Instance", "Query": {"Modality": "SEG"}, "Expand": True}
    ).encode())  # fmt: skip
    tags = orthanc.ask(f"/instances/{found[0]['ID']}/simplified-tags")
    assert tags["ReferencedSeriesSequence"][0]["SeriesInstanceUID"] == _MADE

    row.get_by_role("button", name="Open").click()
    expect(page.locator("#jp-main-dock-panel .medlab-ScanView")).to_be_visible(
        timeout=_SOON
    )


def test_a_server_that_is_down_is_told_in_a_sentence(
    lab: Lab, page: Page, pictures: Path
) -> None:
    lab.open(page)
    page.wait_for_function(
        f"() => window.jupyterapp.commands.isVisible('{_FIND}')", timeout=30_000
    )
    execute(page, _FIND)
    page.get_by_label("Server", exact=True).select_option("down")
    _search(page, "CT")

    alert = page.locator(".medlab-Archive").get_by_role("alert")
    said = "The server 'Night archive' must be reachable from here"
    expect(alert).to_contain_text(said, timeout=_SOON)
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    page.screenshot(path=pictures / "dicomweb-down.png")


def test_without_a_server_nothing_shows(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("bare") / "root"
    root.mkdir()
    with running_lab(root) as bare, open_browser(bare) as page:
        bare.open(page)
        execute(page, "medlab:show-scans")
        expect(page.locator(".medlab-ScanBrowser")).to_be_visible()
        page.wait_for_load_state("networkidle")
        button = page.get_by_role("button", name="Find scans on a server")
        expect(button).to_have_count(0)
        assert not page.evaluate(
            f"() => window.jupyterapp.commands.isVisible('{_FIND}')"
        )
