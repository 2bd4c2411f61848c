"""What is drawn is never lost: no network, no login, two tabs, a full or damaged disk.

Every test draws with the mouse in a real JupyterLab, and reads the layer's folder from disk.
"""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from medlab import open_labels
from tests.support.durability import EDITOR, Drawing, add_scan, browser_profile
from tests.support.lab import Lab

_OFFLINE_S = 120 if os.environ.get("MEDLAB_LONG") else 2


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with browser_profile(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def drawing(
    request: pytest.FixtureRequest, lab: Lab, profile: BrowserContext
) -> Iterator[Drawing]:
    """A scan of its own, open to be drawn on."""
    name = request.node.name.removeprefix("test_")[:40]
    page = profile.new_page()
    yield Drawing(lab, page, add_scan(lab, name)).open()
    page.close()


def test_strokes_drawn_offline_and_one_in_the_making_survive_the_leaving(
    drawing: Drawing,
):
    page = drawing.page
    states = [drawing.voxels]
    drawing.stroke(0.3)
    drawing.wait_until_saved()
    assert drawing.words == "On disk"
    states.append(drawing.voxels)
    np.testing.assert_array_equal(drawing.on_disk(), states[-1])

    page.context.set_offline(True)
    drawing.stroke(0.3, y=0.4)
    drawing.wait_for_place("browser")
    page.wait_for_selector(".medlab-Status-save[data-state='offline']")
    assert drawing.words == "In this browser, until the server is back"
    states.append(drawing.voxels)
    time.sleep(_OFFLINE_S)
    np.testing.assert_array_equal(drawing.on_disk(), states[1])
    drawing.press(0.3, y=0.6)
    states.append(drawing.voxels)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")
    page.context.set_offline(False)
    drawing.reload()
    # Taken up once the browser says that the page before is gone.
    drawing.wait_for(states[-1])
    drawing.wait_until_saved()

    assert all(a.sum() < b.sum() for a, b in pairwise(states))
    np.testing.assert_array_equal(drawing.on_disk(), states[-1])
    # Undo and redo reach back over the reload.
    for state in states[-2::-1]:
        drawing.key("Control+z")
        drawing.wait_until_saved()
        np.testing.assert_array_equal(drawing.on_disk(), state)
    for state in states[1:]:
        drawing.key("Control+Shift+z")
        drawing.wait_until_saved()
        np.testing.assert_array_equal(drawing.on_disk(), state)


def test_after_an_expired_login_a_new_one_brings_the_strokes_to_disk(
    drawing: Drawing, lab: Lab, pictures: Path
):
    page = drawing.page
    forbidden = '{"message": "Forbidden", "reason": null}'
    page.route("**/medlab/**", lambda route: route.fulfill(status=403, body=forbidden))
    drawing.stroke(0.3)
    link = page.locator(".medlab-Banner a", has_text="Log in")
    link.wait_for()
    drawing.wait_for_place("browser")
    assert drawing.words == "In this browser: log in again"
    page.screenshot(path=pictures / "login-expired.png")
    assert link.get_attribute("href") == f"{lab.url}/lab"
    assert link.get_attribute("target") == "_blank"

    # As after a login in the other tab: the page is shown again.
    page.unroute("**/medlab/**")
    page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    drawing.wait_until_saved()

    expect(page.locator(".medlab-Banner-trouble")).to_be_hidden()
    np.testing.assert_array_equal(drawing.on_disk(), drawing.voxels)


def test_two_tabs_that_draw_at_one_place_agree_and_say_so(
    drawing: Drawing, pictures: Path
):
    other = Drawing(
        drawing.lab, drawing.page.context.new_page(), drawing.scan, drawing.scan_id
    ).open()
    # The first one hears nothing of the second, and draws at the same place.
    drawing.page.route("**/ops*", lambda route: route.abort())
    other.page.bring_to_front()
    other.key("n")
    other.stroke(0.3)
    other.wait_until_saved()
    drawing.page.bring_to_front()
    drawing.stroke(0.32)
    drawing.wait_for_place("browser")
    drawing.page.unroute("**/ops*")
    drawing.wait_until_saved()

    notice = drawing.page.locator(".medlab-Banner-row[data-kind='conflict']").first
    expect(notice).to_contain_text("Somebody else drew at the same place")
    drawing.page.screenshot(path=pictures / "conflict.png")
    disk = drawing.on_disk()
    np.testing.assert_array_equal(disk, drawing.voxels)
    other.page.bring_to_front()
    rev = drawing.page.evaluate(f"() => {EDITOR}.rev")
    other.page.wait_for_function(f"rev => {EDITOR}.rev === rev", arg=rev)
    np.testing.assert_array_equal(disk, other.voxels)
    drawing.page.bring_to_front()
    drawing.key("Control+z")
    drawing.wait_until_saved()
    assert (drawing.on_disk() == 2).sum() > (disk == 2).sum()
    other.page.close()


def test_a_full_disk_raises_a_red_banner_and_a_copy_needs_no_server(
    drawing: Drawing, tmp_path: Path, pictures: Path
):
    page = drawing.page
    full = '{"message": "The disk is full. Nothing was written.", "code": "disk"}'

    def refuse(route):
        if route.request.method == "POST":
            route.fulfill(status=507, body=full, content_type="application/json")
        else:
            route.continue_()

    page.route("**/ops*", refuse)
    drawing.stroke(0.3)
    banner = page.locator(".medlab-Banner-trouble[data-kind='disk']")
    banner.wait_for()
    assert "The disk is full." in banner.inner_text()
    page.screenshot(path=pictures / "disk-full.png")

    page.context.set_offline(True)
    with page.expect_download() as download:
        banner.locator("button", has_text="Download a copy").click()
    page.context.set_offline(False)
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    copy = open_labels(path)

    assert path.name.endswith(".seg.nrrd")
    np.testing.assert_array_equal(copy.voxels, drawing.voxels)
    np.testing.assert_allclose(copy.affine, drawing.layer().affine, atol=1e-9)
    assert [s.name for s in copy.segments] == [s.name for s in drawing.layer().segments]
    assert [s.color for s in copy.segments] == [
        s.color for s in drawing.layer().segments
    ]
    page.unroute("**/ops*")
    drawing.wait_until_saved()
    np.testing.assert_array_equal(drawing.on_disk(), copy.voxels)


def test_damage_on_disk_is_told_and_the_last_good_state_opened(
    drawing: Drawing, pictures: Path
):
    drawing.stroke(0.3)
    drawing.wait_until_saved()
    good = drawing.voxels
    drawing.stroke(0.6)
    drawing.wait_until_saved()
    drawing.page.goto("about:blank")
    _flip_a_byte_near_the_end(drawing.folder / "labels" / "edits.mlj")
    drawing.lab.kill()
    drawing.lab.start()

    drawing.reload()
    banner = drawing.page.locator(".medlab-Banner-trouble[data-kind='damaged']")
    banner.wait_for()
    drawing.page.screenshot(path=pictures / "damaged.png")
    banner.locator("button", has_text="Open the last good state").click()
    drawing.wait_until_saved()

    np.testing.assert_array_equal(drawing.voxels, good)
    drawing.stroke(0.3, y=0.7)
    drawing.wait_until_saved()
    np.testing.assert_array_equal(drawing.on_disk(), drawing.voxels)


def test_the_file_of_the_labels_is_saved_guarded_and_read_in(
    drawing: Drawing, pictures: Path
):
    page, root = drawing.page, drawing.lab.root
    drawing.stroke(0.3)
    drawing.wait_until_saved()
    drawn = drawing.voxels
    path = root / "lung.nii.gz"

    drawing.key("Control+s")
    page.locator(".medlab-File-path").fill(path.name)
    page.screenshot(path=pictures / "file-menu.png")
    page.locator(".medlab-File-form button[type='submit']").click()
    drawing.wait_for_place("file")
    assert drawing.words == "In the file"
    np.testing.assert_array_equal(open_labels(path).voxels, drawn)

    page.locator(".medlab-File-path").press("Escape")
    drawing.stroke(0.3, y=0.7)
    drawing.wait_for_place("disk")
    both = drawing.voxels
    theirs = open_labels(path)
    theirs.voxels[:] = np.roll(theirs.voxels, 3, axis=1)
    path.unlink()
    theirs.save(path)
    other = open_labels(path).voxels

    drawing.key("Control+s")
    conflict = page.locator(".medlab-File-conflict")
    conflict.wait_for()
    page.screenshot(path=pictures / "file-changed.png")
    assert "changed" in conflict.inner_text()
    np.testing.assert_array_equal(open_labels(path).voxels, other)
    conflict.locator("button", has_text="Keep both").click()
    drawing.wait_for_place("file")
    np.testing.assert_array_equal(open_labels(root / "lung-2.nii.gz").voxels, both)
    np.testing.assert_array_equal(open_labels(path).voxels, other)

    page.locator(".medlab-File-list li", has_text="lung.nii.gz").locator(
        "button"
    ).click()
    page.locator(".medlab-File-preview").wait_for()
    page.screenshot(path=pictures / "file-preview.png")
    page.locator("button", has_text="Replace the labels").click()
    drawing.wait_for_place("disk")
    np.testing.assert_array_equal(drawing.voxels, other)
    drawing.key("Control+z")
    drawing.wait_until_saved()
    np.testing.assert_array_equal(drawing.on_disk(), both)


def _flip_a_byte_near_the_end(journal: Path) -> None:
    data = bytearray(journal.read_bytes())
    data[-20] ^= 0x10
    journal.write_bytes(data)
