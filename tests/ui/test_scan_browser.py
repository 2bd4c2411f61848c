"""The scan browser in a real JupyterLab: list, reasons, filter, cells by click and drag."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.lab import Lab, execute

_NOTEBOOK = "work/look.ipynb"
_EMPTY = (
    '{"cells": [{"cell_type": "code", "id": "a", "execution_count": null, '
    '"metadata": {}, "outputs": [], "source": "x = 1"}], "metadata": {"kernelspec": '
    '{"display_name": "Python 3", "language": "python", "name": "python3"}}, '
    '"nbformat": 4, "nbformat_minor": 5}'
)
_SOURCES = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .map(cell => cell.sharedModel.getSource())"""


def _show(page: Page) -> None:
    execute(page, "medlab:show-scans")
    expect(page.locator(".medlab-ScanRow").first).to_be_visible()


def _open_notebook(lab: Lab, page: Page) -> None:
    path = lab.root / _NOTEBOOK
    path.parent.mkdir(exist_ok=True)
    path.write_text(_EMPTY)
    lab.open(page, _NOTEBOOK)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
    _show(page)


def _good_row(page: Page):  # type: ignore[no-untyped-def]
    return page.locator(".medlab-ScanRow:not(.medlab-mod-unreadable)").first


def test_scans_show_with_picture_size_and_reason(
    lab: Lab, page: Page, pictures: Path
) -> None:
    lab.open(page)
    _show(page)

    row = _good_row(page)
    expect(row.locator("img")).to_be_visible()
    expect(row).to_contain_text("mm")
    broken = page.locator(".medlab-ScanRow", has_text="broken.nii.gz")
    expect(broken.locator(".medlab-ScanRow-error")).not_to_be_empty()
    row.click()
    page.screenshot(path=pictures / "scan-browser.png")

    page.get_by_label("Filter scans").fill("no such scan")
    expect(page.get_by_text("No scan matches these words.")).to_be_visible()
    page.get_by_label("Filter scans").fill("broken")
    expect(page.locator(".medlab-ScanRow")).to_have_count(1)


def test_a_click_puts_a_cell_that_opens_from_the_notebooks_folder(
    lab: Lab, page: Page
) -> None:
    _open_notebook(lab, page)
    _good_row(page).click()
    page.get_by_role("button", name="Load in notebook").click()
    page.get_by_role("button", name="Annotate", exact=True).click()

    page.wait_for_function(f"() => ({_SOURCES})().length === 3")
    first, load, annotate = page.evaluate(_SOURCES)
    assert first == "x = 1"
    assert load.startswith('import medlab\n\nscan = medlab.open_scan("../')
    assert annotate == "labeler = medlab.SliceLabeler(scan)\nlabeler"


def test_a_row_dragged_into_a_notebook_becomes_a_cell(lab: Lab, page: Page) -> None:
    _open_notebook(lab, page)
    row = _good_row(page).bounding_box()
    target = page.locator(".jp-Notebook .jp-Cell").first.bounding_box()
    assert row is not None
    assert target is not None
    page.mouse.move(row["x"] + 90, row["y"] + 20)
    page.mouse.down()
    page.mouse.move(row["x"] + 110, row["y"] + 30, steps=3)
    page.mouse.move(target["x"] + 100, target["y"] + 12, steps=8)
    page.mouse.up()

    page.wait_for_function(f"() => ({_SOURCES})().length === 2")
    found = [text for text in page.evaluate(_SOURCES) if "open_scan" in text]
    assert len(found) == 1
    assert 'medlab.open_scan("../' in found[0]


def test_the_keyboard_alone_opens_a_scan(lab: Lab, page: Page) -> None:
    lab.open(page)
    _show(page)
    page.get_by_label("Filter scans").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    selected = page.locator(".medlab-ScanRow.medlab-mod-selected")
    expect(selected).to_have_count(1)
    while "medlab-mod-unreadable" in (selected.get_attribute("class") or ""):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#jp-main-dock-panel .medlab-ScanView")).to_be_visible()


def test_a_server_that_fails_is_told_and_tried_again(lab: Lab, page: Page) -> None:
    reply = '{"message": "The disk is gone.", "code": "disk"}'
    page.route("**/medlab/scans?*", lambda r: r.fulfill(status=500, body=reply))
    lab.open(page)
    execute(page, "medlab:show-scans")
    expect(page.get_by_text("The disk is gone.")).to_be_visible()

    page.unroute("**/medlab/scans?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".medlab-ScanRow").first).to_be_visible()


def test_five_thousand_scans_scroll_and_names_stay_text(
    lab: Lab, page: Page, pictures: Path
) -> None:
    example = lab.get("medlab/scans")["scans"][0]
    hostile = "<img src=x onerror='window.hacked = 1'>"
    scans = [
        {**example, "id": f"{n:016x}", "name": f"scan {n}", "patient": hostile}
        for n in range(5000)
    ]
    page.route("**/medlab/scans?*", lambda r: r.fulfill(json={"scans": scans}))
    page.route("**/thumbnail*", lambda r: r.fulfill(status=404, body="{}"))
    lab.open(page)
    _show(page)
    expect(page.locator(".medlab-ScanBrowser-count")).to_have_text("5000 scans")
    assert page.locator(".medlab-ScanRow").count() < 40

    median_ms = page.evaluate(
        """async () => {
          const list = document.querySelector('.medlab-ScanBrowser-list');
          const times = [];
          for (let i = 0; i < 40; i++) {
            const start = performance.now();
            list.scrollTop += 7000;
            await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b)[20];
        }"""
    )
    print(f"median of 40 jumps through 5,000 scans: {median_ms:.0f} ms")
    assert median_ms < 100
    page.locator(".medlab-ScanBrowser-list").press("End")
    expect(page.get_by_text("scan 4999").first).to_be_visible()
    assert page.evaluate("() => window.hacked") is None
    page.screenshot(path=pictures / "scan-browser-5000.png")
