"""The middle slice is on the screen before the scan is decoded, and stays as it is after."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from playwright.sync_api import Page, Route

from medlab.samples import place
from medlab.scans import Volume, open_scan
from tests.support.editors import set_theme
from tests.support.lab import Lab, execute, open_browser, running_lab
from tests.support.scans import write_dicom_series

_WHOLE = re.compile(r"/medlab/volumes/[0-9a-f]{16}(\?|$)")
_FIRST = re.compile(r"/medlab/volumes/[0-9a-f]{16}/first(\?|$)")
_SLABS = re.compile(r"/medlab/volumes/[0-9a-f]{16}/slab")
_EDITOR = "window.jupyterapp.shell.currentWidget.content._editor"
_MIDDLE = (64, 64, 17)
_PICTURE = """() => {
  const canvas = document.querySelector('.medlab-mod-axial .medlab-Plane-image');
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  return Array.from(data.filter((_, at) => at % 4 === 0 || at % 4 === 3));
}"""
_LOOK = f"""() => ({{
  window: {_EDITOR}.window,
  place: {_EDITOR}.crosshair,
  moved: document.querySelector('.medlab-mod-axial .medlab-Plane-image')
    .style.transform,
  box: document.querySelector('.medlab-mod-axial .medlab-Plane-image')
    .getBoundingClientRect().toJSON(),
  title: document.querySelector('.medlab-mod-axial .medlab-Plane-title').textContent
}})"""


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    """The small chest CT, read from its NRRD file."""
    folder = tmp_path_factory.mktemp("chest")
    place("ct-chest-small", folder)
    return open_scan(folder / "CTChest4.nrrd")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, chest: Volume) -> Iterator[Lab]:
    """The chest CT as a scanner sends it, as a film of inverted grey, and without mm."""
    root = tmp_path_factory.mktemp("first") / "root"
    write_dicom_series(root / "chest", chest, intercept=-4096)
    write_dicom_series(root / "film", chest, number=2, intercept=-4096)
    for path in (root / "film").iterdir():
        header = pydicom.dcmread(path)
        header.PhotometricInterpretation = "MONOCHROME1"
        header.save_as(path)
    place("ct-chest-small", root / "nrrd")
    pixels = ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices")
    pixels += ("ImagePositionPatient", "ImageOrientationPatient")
    one = Volume(chest.voxels[:, :, 17:18], chest.affine, chest.modality)
    write_dicom_series(root / "pixels", one, number=3, intercept=-4096, without=pixels)
    with running_lab(root) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser_page(lab: Lab) -> Iterator[Page]:
    with open_browser(lab) as page:
        lab.open(page)
        yield page


@pytest.fixture
def page(browser_page: Page) -> Iterator[Page]:
    """JupyterLab with nothing open in it; loaded once for all."""
    yield browser_page
    browser_page.unroute_all()
    execute(browser_page, "application:close-all")
    browser_page.locator(".medlab-ScanView").first.wait_for(state="detached")


def _open(page: Page, lab: Lab, folder: str) -> None:
    """Open the series of a folder."""
    scan = next(scan for scan in lab.scans() if scan["path"].startswith(folder))
    execute(page, "medlab:open-scan", {"id": scan["id"], "path": scan["path"]})


def _hold(page: Page) -> Callable[..., None]:
    """Let nobody hear of the whole scan until the returned function is called.

    Its argument answers in the server's place.
    """
    held: list[Route] = []
    page.route(_WHOLE, lambda route: held.append(route))

    def release(
        answer: Callable[[Route], None] = lambda route: route.continue_(),
    ) -> None:
        for route in held:
            answer(route)
        page.unroute(_WHOLE)

    return release


def _wait_for_picture(page: Page) -> None:
    page.wait_for_function(
        """() => {
          const canvas = document.querySelector('.medlab-mod-axial .medlab-Plane-image');
          const { width, height } = canvas ?? {};
          const middle = canvas?.getContext('2d')
            .getImageData(width >> 1, height >> 1, 1, 1);
          return middle?.data[3] === 255;
        }"""
    )


def _wait_until_whole(page: Page) -> None:
    page.wait_for_function(f"() => {_EDITOR}?.views.length && {_EDITOR}.volume.isWhole")
    page.evaluate(f"() => {_EDITOR}.ready")


def _drag(page: Page, dx: int, dy: int) -> None:
    """Change the window with the right button."""
    box = page.locator(".medlab-mod-axial").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up(button="right")


def test_the_scan_takes_the_place_of_its_first_slice_without_a_jump(
    lab: Lab, page: Page, chest: Volume, pictures: Path
):
    release = _hold(page)
    _open(page, lab, "chest")
    _wait_for_picture(page)
    early = page.evaluate(_LOOK)
    said = page.locator(".medlab-Editor-progress").inner_text()
    _drag(page, 40, -30)
    page.locator(".medlab-mod-axial").focus()
    page.keyboard.press("+")
    page.locator(".medlab-mod-axial").hover(position={"x": 8, "y": 200})
    page.mouse.move(2, 2)
    page.wait_for_timeout(200)
    value = page.locator(".medlab-Status-value").inner_text()
    words = page.locator(".medlab-Plane-waiting:visible").all_inner_texts()
    before, shown = page.evaluate(_LOOK), page.evaluate(_PICTURE)
    for theme in ("Light", "Dark"):
        set_theme(page, theme)
        page.screenshot(path=pictures / f"first-slice-{theme.lower()}.png")

    release()
    _wait_until_whole(page)
    page.locator(".medlab-View3D").wait_for()
    page.wait_for_timeout(200)

    assert (early["window"], early["place"]) == (
        {"center": 40, "width": 400},
        list(_MIDDLE),
    )
    assert said == "Reading the other slices…"
    assert words == ["Being read…"] * 2  # sagittal and coronal
    assert value == f"{chest.voxels[_MIDDLE]} HU"
    assert before["window"] != early["window"]
    assert before["moved"] != early["moved"]
    assert page.evaluate(_LOOK) == before
    assert page.evaluate(_PICTURE) == shown
    assert page.locator(".medlab-Plane-waiting:visible").count() == 0
    assert page.locator(".medlab-Editor-progress").count() == 0
    page.screenshot(path=pictures / "first-slice-whole.png")


def test_the_first_slice_has_the_greys_of_the_scan(lab: Lab, page: Page, chest: Volume):
    release = _hold(page)
    _open(page, lab, "chest")
    _wait_for_picture(page)
    data = np.array(page.evaluate(_PICTURE)).reshape(128, 128, 2)
    release()

    assert (data[..., 1] == 255).all()
    # DICOM PS3.3 C.11.2.1.2.1 with center 40 and width 400; the patient's front is up.
    level = (chest.voxels[:, :, 17].T.astype(float) - 39.5) / 399 + 0.5
    expected = np.round(255 * level.clip(0, 1))
    turned = [expected, expected[::-1], expected[:, ::-1], expected[::-1, ::-1]]
    way = [chest.orientation[0] == "R", chest.orientation[1] == "A"]
    np.testing.assert_allclose(data[..., 0], turned[2 * way[0] + way[1]], atol=1)


def test_inverted_greys_are_inverted_from_the_first_slice_on(lab: Lab, page: Page):
    release = _hold(page)
    _open(page, lab, "film")
    _wait_for_picture(page)
    film = page.evaluate(_PICTURE)
    release()
    _wait_until_whole(page)

    corner = film[:2]  # air: the least values of the scan
    assert corner == [255, 255]
    assert page.evaluate(_PICTURE) == film


def test_tools_say_why_they_wait_for_the_whole_scan(
    lab: Lab, page: Page, pictures: Path
):
    release = _hold(page)
    scan = next(scan for scan in lab.scans() if scan["path"] == "chest")
    labels = "nrrd/Segmentation.seg.nrrd"
    execute(
        page, "medlab:open-scan", {"id": scan["id"], "path": "chest", "labels": labels}
    )
    _wait_for_picture(page)
    brush = page.locator("button[data-tool='brush']")
    annotate = page.locator(".medlab-ScanView-annotate")
    is_off, why = brush.is_disabled(), brush.get_attribute("title")
    page.locator(".medlab-mod-axial").click()
    notice = page.locator(".medlab-Status-notice").inner_text()
    page.screenshot(path=pictures / "first-slice-tools.png")
    before = (annotate.is_disabled(), annotate.get_attribute("title"))

    release()
    _wait_until_whole(page)

    sentence = "The scan is still being read: its tools work once all slices are here."
    assert is_off
    assert why == f"Brush (B)\n{sentence}"
    assert notice == sentence
    assert before == (True, "Labels can be drawn once the whole scan is read")
    assert brush.is_enabled()
    assert brush.get_attribute("title") == "Brush (B)"
    assert page.locator(".medlab-Side-reason").count() == 0


def test_a_scan_that_cannot_be_decoded_says_so_after_its_first_slice(
    lab: Lab, page: Page, pictures: Path
):
    release = _hold(page)
    sentence = "chest is cut short. Copy it again."
    _open(page, lab, "chest")
    _wait_for_picture(page)

    release(
        lambda route: route.fulfill(
            status=422, json={"message": sentence, "code": "not-a-scan"}
        )
    )

    page.locator("[role=alert]:visible", has_text=sentence).wait_for()
    assert page.locator(".medlab-Plane").count() == 0
    page.screenshot(path=pictures / "first-slice-failed.png")


def test_without_a_first_slice_the_scan_opens_all_the_same(lab: Lab, page: Page):
    asked: list[int] = []
    page.on("response", lambda r: _FIRST.search(r.url) and asked.append(r.status))
    page.route(_FIRST, lambda route: route.fulfill(status=500, body="broken"))

    _open(page, lab, "chest")
    _wait_until_whole(page)

    _wait_for_picture(page)
    assert asked == [500]


def test_a_format_without_a_quicker_way_opens_all_the_same(lab: Lab, page: Page):
    asked: list[int] = []
    page.on("response", lambda r: _FIRST.search(r.url) and asked.append(r.status))

    _open(page, lab, "nrrd")
    _wait_until_whole(page)

    _wait_for_picture(page)
    assert asked == [204]


def test_a_document_that_is_closed_in_between_asks_for_nothing_more(
    lab: Lab, page: Page
):
    errors: list[str] = []
    slabs: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda r: _SLABS.search(r.url) and slabs.append(r.url))
    release = _hold(page)
    _open(page, lab, "chest")
    _wait_for_picture(page)

    execute(page, "application:close")
    page.wait_for_selector(".medlab-ScanView", state="detached")
    release()
    page.wait_for_timeout(1000)

    assert errors == []
    assert slabs == []


_DRAWN = ("brush", "line", "roi", "box-2d")
_ACTIONS = (
    *_DRAWN,
    *("eraser", "polygon", "angle", "box-3d", "point"),
    *("grow-3d", "seeds", "islands", "margin", "smooth", "hollow"),
)
_SAID = """() => {
  const told = [];
  for (const node of document.querySelectorAll('.medlab-Editor, .medlab-Editor *')) {
    for (const { name, value } of node.attributes) {
      if (name === 'title' || name.startsWith('aria-')) { told.push(value); }
    }
    for (const child of node.childNodes) {
      if (child.nodeType === 3) { told.push(child.textContent); }
    }
  }
  return told;
}"""


def _measures(page: Page) -> set[str]:
    """Every text of the editor with a unit of length, area or volume in it.

    A line, a region, boxes and a segment are drawn, each tool and effect is opened, and
    the segments are measured.
    """
    said: set[str] = set()
    # Without the 3D view, which a browser without a GPU draws slowly.
    page.evaluate(f"() => {_EDITOR}.showLayout('axial')")
    plane = page.locator(".medlab-mod-axial")
    box = plane.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for number, action in enumerate(_ACTIONS):
        page.evaluate(
            """action => document.querySelector('.medlab-Editor').dispatchEvent(
              new CustomEvent('medlab-action', { detail: { action } }))""",
            action,
        )
        if action in _DRAWN:
            page.mouse.move(x - 40, y - 60 + 9 * number)
            page.mouse.down()
            page.mouse.move(x + 30, y - 30 + 9 * number, steps=4)
            page.mouse.up()
        page.wait_for_timeout(60)
        said.update(page.evaluate(_SAID))
    for mark in page.locator(".medlab-MarkRow").all():
        mark.click()
        said.update(page.evaluate(_SAID))
    page.evaluate(
        """() => document.querySelector('.medlab-Editor').dispatchEvent(
          new CustomEvent('medlab-action', { detail: { action: 'segment-statistics' } }))"""
    )
    page.locator(".medlab-Statistics-table tbody tr").first.wait_for()
    said.update(page.evaluate(_SAID))
    # The reader is told once that there are none.
    told = {text.replace("lengths are in pixels, not mm", "") for text in said}
    return {text for text in told if re.search(r"\b(mm|px)|mL|millim", text)}


@pytest.mark.skipif(os.environ.get("MEDLAB_LONG") != "1", reason="make test-long")
def test_a_scan_without_millimetres_never_says_mm(lab: Lab, page: Page, pictures: Path):
    found = {}
    for folder in ("pixels", "chest"):
        execute(page, "application:close-all")
        page.wait_for_selector(".medlab-ScanView", state="detached")
        _open(page, lab, folder)
        page.locator(".medlab-ScanView-annotate:not([disabled])").click()
        page.wait_for_selector(".medlab-Editor[data-tools='true']")
        _wait_until_whole(page)
        found[folder] = _measures(page)
        page.screenshot(path=pictures / f"lengths-{folder}.png")

    is_mm = re.compile(r"\bmm|mL|millim")
    assert [text for text in found["pixels"] if is_mm.search(text)] == []
    assert [text for text in found["chest"] if "px" in text] == []
    # The same walk through a scan with millimetres meets them everywhere.
    told = [sum(bool(is_mm.search(t)) for t in found["chest"]), len(found["pixels"])]
    assert min(told) > 15, told
