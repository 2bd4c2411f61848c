"""The scan panel over real series: keys, order, patients, labels, drags, a new index.

The series are pydicom's, as hospitals sent them, and the chest CT of the samples written as
DICOM with a segmentation and a structure set that refer to it.
"""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from playwright.sync_api import Page, expect

from medlab.labels import Labels, Layer, save_labels
from medlab.samples import open_sample
from medlab.scans import Home, open_scan
from tests.support.lab import Lab, execute, find_chromium, open_browser, running_lab
from tests.support.scans import write_dicom_series
from tests.support.structures import square, write_rtstruct

_ROW = ".medlab-ScanRow"
_LIST = ".medlab-ScanBrowser-list"
_COUNT = ".medlab-ScanBrowser-count"
_ACTIVE = f"{_ROW}.medlab-mod-active"
_SENT = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
_PATIENTS = ("77654033", "98892001", "98892003")
_EMPTY = (
    '{"cells": [{"cell_type": "code", "id": "a", "execution_count": null, '
    '"metadata": {}, "outputs": [], "source": "x = 1"}], "metadata": {"kernelspec": '
    '{"display_name": "Python 3", "language": "python", "name": "python3"}}, '
    '"nbformat": 4, "nbformat_minor": 5}'
)
_SOURCES = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .map(cell => cell.sharedModel.getSource())"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("panel") / "root"
    root.mkdir()
    for patient in _PATIENTS:
        shutil.copytree(_SENT / patient, root / "sent" / patient)
    _write_chest(root)
    with running_lab(root) as lab:
        lab.scans()
        yield lab


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Iterator[Page]:
    if find_chromium() is None:
        pytest.fail("No Chromium: install it, or set MEDLAB_CHROMIUM to its path.")
    with open_browser(lab) as page:
        lab.open(page)
        execute(page, "medlab:show-scans")
        yield page


@pytest.fixture
def page(opened: Page) -> Page:
    """One page for all: each test leaves the panel as it found it."""
    return opened


def _write_chest(root: Path) -> None:
    """The chest CT as a DICOM series, with both lungs as SEG and a square as RTSTRUCT."""
    volume, labels = open_sample("ct-chest-small")
    folder = root / "chest"
    series = write_dicom_series(folder, volume, intercept=-8192)
    home = Home(root, root / ".medlab")
    save_labels(root / "lungs.dcm", labels, open_scan(folder, home=home), home=home)
    contours = [square(volume.affine, k) for k in (10, 11, 12)]
    target = ("Target 1", (230, 159, 0), contours)
    write_rtstruct(root / "square.dcm", [target], series=series)


def _headers() -> list[pydicom.Dataset]:
    files = (p for name in _PATIENTS for p in (_SENT / name).rglob("*") if p.is_file())
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in files]


def _show(page: Page, words: str = "") -> None:
    expect(page.locator(f"{_ROW}:not(.medlab-mod-waiting)").first).to_be_visible()
    page.get_by_label("Filter scans").fill(words)
    of = re.compile(" of " if words else r"^\d+ scans$")
    expect(page.locator(_COUNT)).to_have_text(of)
    expect(page.get_by_label("Look for scans again")).to_have_attribute(
        "aria-busy", "false"
    )


def test_keys_move_through_the_list(page: Page) -> None:
    _show(page)
    page.locator(_LIST).focus()
    active = page.locator(_ACTIVE)

    def press(key: str, place: str) -> None:
        page.keyboard.press(key)
        expect(active).to_have_attribute("aria-posinset", place)
        # All of it: what is below the list is as high as the scan has to say.
        expect(active).to_be_in_viewport(ratio=0.99)

    press("Home", "1")
    size = active.get_attribute("aria-setsize") or ""
    press("ArrowDown", "2")
    page.keyboard.press("PageDown")
    expect(active).not_to_have_attribute("aria-posinset", "2")
    assert 3 < int(active.get_attribute("aria-posinset") or 0) < int(size)
    paged = active.get_attribute("aria-posinset") or ""
    page.keyboard.press("PageUp")
    expect(active).not_to_have_attribute("aria-posinset", paged)
    assert int(active.get_attribute("aria-posinset") or 0) < int(paged)
    press("End", size)
    press("ArrowDown", size)
    press("Home", "1")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("2 scans selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("2 scans selected")).to_have_count(0)


def test_typed_letters_go_to_the_series_they_begin(page: Page) -> None:
    _show(page)
    page.locator(_LIST).focus()
    name = page.locator(f"{_ACTIVE} .medlab-ScanRow-name")

    page.keyboard.type("fas")
    expect(name).to_have_text("FAST LOCALIZER")
    page.wait_for_timeout(800)
    page.keyboard.type("smart")
    expect(name).to_have_text(re.compile("^SmartScore"))


def test_the_menu_key_opens_the_menu_of_the_active_scan(page: Page) -> None:
    _show(page, "smartscore")
    page.locator(_LIST).focus()
    expect(page.locator(f"{_ROW}.medlab-mod-selected")).to_have_count(1)
    page.keyboard.press("ContextMenu")
    page.get_by_role("menuitem", name="Show Header").click()

    expect(page.locator(".medlab-Tags-row:visible").first).to_be_visible()
    expect(page.locator(".medlab-Tags:visible")).to_contain_text("SeriesDescription")


def test_scans_are_sorted_by_the_dates_of_their_headers(page: Page) -> None:
    dates = sorted({h.StudyDate for h in _headers()})
    first, last = (f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in (dates[0], dates[-1]))
    assert first < last
    _show(page, "sent/")
    top = page.locator(f"{_ROW}[aria-posinset='1'] .medlab-ScanRow-origin")

    page.get_by_label("Sort by").select_option("date")
    expect(top).to_contain_text(first)
    page.get_by_label("Ascending: press for descending").click()
    expect(top).to_contain_text(last)
    page.get_by_label("Descending: press for ascending").click()
    page.get_by_label("Sort by").select_option("path")


def test_the_tree_has_the_patients_studies_and_series_of_the_headers(
    page: Page,
) -> None:
    headers = _headers()
    patients = {h.PatientID for h in headers}
    one = str(headers[0].PatientID)
    studies = {h.StudyInstanceUID for h in headers if h.PatientID == one}
    series = {h.SeriesInstanceUID for h in headers if h.PatientID == one}
    _show(page, f"sent/{_PATIENTS[0]}")
    page.get_by_label("Group by patient and study").click()

    rows = page.locator(_ROW)
    expect(page.locator(f"{_ROW}[aria-level='3']").first).to_be_visible()
    levels = [rows.nth(n).get_attribute("aria-level") for n in range(rows.count())]
    assert levels.count("1") == 1
    assert levels.count("2") == len(studies)
    assert levels.count("3") == len(series)
    assert "Doe" not in (page.locator(_LIST).text_content() or "")

    page.get_by_label("Filter scans").fill("sent/")
    expect(page.locator(f"{_ROW}[aria-level='1']").first).to_have_attribute(
        "aria-setsize", str(len(patients))
    )
    page.get_by_label("Group by patient and study").click()
    expect(page.locator(f"{_LIST}[role=listbox]")).to_be_visible()


def test_who_the_patients_are_is_asked_for_and_never_in_an_address(page: Page) -> None:
    names = {str(h.PatientName) for h in _headers()}
    shown = next(name for name in names if name)
    words = {part for name in names for part in re.split(r"[\^ ]", name) if part}
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _show(page, "sent/")
    panel = page.locator("#medlab-scan-browser")
    switch = panel.get_by_role("switch", name="Show patient names")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert not [name for name in names if name in (panel.text_content() or "")]

    switch.click()
    page.get_by_label("Filter scans").fill(shown)
    first = page.locator(_ROW).first
    expect(first).to_contain_text(shown)
    first.click()
    page.get_by_role("button", name="Header").click()
    expect(page.locator(".medlab-Tags:visible")).to_contain_text(shown)
    first.dblclick()
    expect(page.locator("#jp-main-dock-panel .medlab-ScanView")).to_be_visible()

    switch = panel.get_by_role("switch", name="Show patient names")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert len(asked) > 5
    assert not [url for url in asked if any(word in url for word in words)]


def test_segmentations_and_structures_are_shown_on_their_series(
    lab: Lab, page: Page, pictures: Path
) -> None:
    _show(page, "chest")
    page.locator(_ROW, has_text="thin").click()
    files = page.locator(".medlab-ScanDetails-attachments li")
    expect(files).to_have_count(2)
    seg = files.filter(has_text="Segmentation")
    seg.get_by_role("button", name="Show the labels of").click()
    view = page.locator("#jp-main-dock-panel .medlab-ScanView:visible")
    expect(view).to_contain_text("lungs.dcm is read into: labels.", timeout=60_000)
    square = files.filter(has_text="Structures")
    square.get_by_role("button", name="Show the labels of").click()
    expect(view).to_contain_text("square.dcm is read into: labels-2.", timeout=60_000)
    page.screenshot(path=pictures / "scan-labels.png")

    home = Home(lab.root, lab.root / ".medlab")
    scan = open_scan(lab.root / "chest", home=home)
    drawn = {
        name: Layer.open(home, scan.source, name) for name in ("labels", "labels-2")
    }
    _, labels = open_sample("ct-chest-small")
    for name in ("right lung", "left lung"):
        assert _size(drawn["labels"], name) == _size(labels, name)
    # 20 x 20 voxels on three slices; its edge runs through the centres of voxels.
    assert 19 * 19 * 3 <= _size(drawn["labels-2"], "Target 1") <= 21 * 21 * 3


def _size(labels: Labels | Layer, name: str) -> int:
    """Voxels of a segment."""
    number = next(s.id for s in labels.segments if s.name == name)
    return int((np.asarray(labels.voxels) == number).sum())


def test_several_scans_dragged_into_a_notebook_become_one_cell(
    lab: Lab, page: Page
) -> None:
    (lab.root / "look.ipynb").write_text(_EMPTY)
    execute(page, "docmanager:open", {"path": "look.ipynb"})
    cell = page.locator(".jp-Notebook .jp-Cell").first
    expect(cell).to_be_visible()
    _show(page, "localizer")
    rows = page.locator(_ROW)
    expect(rows).to_have_count(4)
    rows.nth(0).click()
    rows.nth(2).click(modifiers=["Control"])
    expect(page.get_by_text("2 scans selected")).to_be_visible()

    start, target = rows.nth(2).bounding_box(), cell.bounding_box()
    assert start is not None
    assert target is not None
    page.mouse.move(start["x"] + 90, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 120, start["y"] + 34, steps=3)
    expect(page.locator(".medlab-DragImage")).to_have_text("2 scans")
    page.mouse.move(target["x"] + 100, target["y"] + 12, steps=8)
    page.mouse.up()

    page.wait_for_function(f"() => ({_SOURCES})().length === 2")
    listed = next(text for text in page.evaluate(_SOURCES) if "scans = [" in text)
    assert listed.count('{"path": "sent/98892003/') == 2
    assert listed.count('"series": "') == 2


def test_reading_many_headers_shows_how_far_and_is_cancelled(
    lab: Lab, page: Page
) -> None:
    _show(page)
    _write_copies(lab.root.parent / "many", 4000)
    (lab.root.parent / "many").rename(lab.root / "many")
    try:
        # The server notices by itself, and the panel when it is looked at.
        _wait_for_indexing(lab, "running")
        execute(page, "filebrowser:activate")
        execute(page, "medlab:show-scans")
        bar = page.get_by_role("progressbar", name="Looking for scans")
        expect(bar).to_be_visible()
        page.get_by_role("button", name="Cancel", exact=True).click()
        cancelled = page.get_by_text("Looking for scans was cancelled.")
        expect(cancelled).to_be_visible(timeout=60_000)
        expect(bar).to_have_count(0)
        assert lab.get("medlab/scans/index")["state"] == "cancelled"

        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Filter scans").fill("many/")
        expect(page.locator(_COUNT)).to_contain_text("40 of ", timeout=60_000)
        expect(bar).to_have_count(0, timeout=60_000)
    finally:
        shutil.rmtree(lab.root / "many")


def _wait_for_indexing(lab: Lab, state: str) -> None:
    deadline = time.monotonic() + 30
    while lab.get("medlab/scans/index")["state"] != state:
        assert time.monotonic() < deadline, f"never {state}"
        time.sleep(0.05)


def _write_copies(folder: Path, count: int) -> None:
    """Copies of one real slice: a hundred to a folder and a series."""
    path = next(p for p in sorted((_SENT / "98892003").rglob("*")) if p.is_file())
    header = pydicom.dcmread(path)
    data, own = path.read_bytes(), str(header.SOPInstanceUID).encode()
    series = str(header.SeriesInstanceUID).encode()
    for number in range(count):
        target = folder / f"{number // 100:02d}" / f"IM{number % 100:02d}"
        target.parent.mkdir(parents=True, exist_ok=True)
        unlike = data.replace(own, own[:-7] + b".9%05d" % number)
        theirs = series[:-5] + b"9%04d" % (number // 100)
        target.write_bytes(unlike.replace(series, theirs))
