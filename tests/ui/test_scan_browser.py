"""The scan browser in a real JupyterLab: list, reasons, cells, comparing, headers."""

from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.support.lab import Lab, execute, run_python, wait_for_kernel

_NOTEBOOK = "work/look.ipynb"
_EMPTY = (
    '{"cells": [{"cell_type": "code", "id": "a", "execution_count": null, '
    '"metadata": {}, "outputs": [], "source": "x = 1"}], "metadata": {"kernelspec": '
    '{"display_name": "Python 3", "language": "python", "name": "python3"}}, '
    '"nbformat": 4, "nbformat_minor": 5}'
)
_SCANS = "**/medlab/scans/**"
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


def _try_again(page: Page) -> None:
    """Press the button. Answers wait until then: the panel looks again by itself, too."""
    held: list[Route] = []
    page.route(_SCANS, lambda route: held.append(route))
    with page.expect_request(_SCANS):
        page.get_by_role("button", name="Try again").click()
    page.route(_SCANS, lambda route: route.continue_())
    for route in held:
        route.continue_()


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
    page.route(_SCANS, lambda r: r.fulfill(status=500, body=reply))
    lab.open(page)
    execute(page, "medlab:show-scans")
    expect(page.get_by_text("The disk is gone.")).to_be_visible()

    _try_again(page)
    expect(page.locator(".medlab-ScanRow").first).to_be_visible()


def test_a_server_that_is_gone_is_told_and_the_list_stays(lab: Lab, page: Page) -> None:
    lab.open(page)
    _show(page)
    page.route(_SCANS, lambda r: r.abort())
    page.get_by_label("Look for scans again").click()
    expect(page.get_by_text("No connection.")).to_be_visible()
    expect(page.locator(".medlab-ScanRow").first).to_be_visible()

    _try_again(page)
    expect(page.get_by_text("No connection.")).to_have_count(0)


def test_several_scans_become_a_dataset_cell_that_opens_them(
    lab: Lab, page: Page
) -> None:
    source = lab.root / "samples" / "ct-chest-small"
    first = next(path for path in sorted(source.rglob("*")) if path.is_file())
    hostile = f"'\"); print('no') #{''.join(first.suffixes[-2:])}"
    copy = lab.root / "samples" / hostile
    copy.write_bytes(first.read_bytes())
    try:
        lab.scans()
        _open_notebook(lab, page)
        page.get_by_label("Filter scans").fill("samples")
        rows = page.locator(".medlab-ScanRow:not(.medlab-mod-unreadable)")
        expect(page.get_by_text("2 of 3 scans")).to_be_visible()
        rows.nth(0).click()
        rows.nth(1).click(modifiers=["Control"])
        expect(page.get_by_text("2 scans selected")).to_be_visible()
        page.get_by_role("button", name="Use as dataset").click()

        page.wait_for_function(f"() => ({_SOURCES})().length === 2")
        wait_for_kernel(page)
        cell = page.evaluate(_SOURCES)[1]
        told = run_python(
            page, f"{cell}\nprint([volume.shape for volume in volumes], len(scans))"
        )
        assert told.strip().endswith("] 2"), told
        assert "no\n" not in told
    finally:
        copy.unlink()


def test_two_scans_lie_side_by_side_to_compare(lab: Lab, page: Page) -> None:
    source = lab.root / "samples" / "ct-chest-small"
    first = next(path for path in sorted(source.rglob("*")) if path.is_file())
    copy = lab.root / "samples" / f"second{''.join(first.suffixes[-2:])}"
    copy.write_bytes(first.read_bytes())
    try:
        lab.scans()
        lab.open(page)
        _show(page)
        page.get_by_label("Filter scans").fill("samples")
        rows = page.locator(".medlab-ScanRow")
        expect(page.get_by_text("2 of 3 scans")).to_be_visible()
        rows.nth(0).click()
        rows.nth(1).click(modifiers=["Shift"])
        page.get_by_role("button", name="Compare").click()

        views = page.locator("#jp-main-dock-panel .medlab-ScanView:visible")
        expect(views).to_have_count(2)
        left, right = (views.nth(n).bounding_box() for n in (0, 1))
        assert left is not None
        assert right is not None
        assert abs(left["y"] - right["y"]) < 2
        assert left["x"] + left["width"] <= right["x"] + 8
    finally:
        copy.unlink()


def test_the_header_of_a_scan_is_searched_and_copied(
    lab: Lab, page: Page, pictures: Path
) -> None:
    lab.open(page)
    _show(page)
    _good_row(page).click()
    page.get_by_role("button", name="Header").click()
    view = page.locator(".medlab-Tags")
    expect(view.locator(".medlab-Tags-row").nth(3)).to_be_visible()
    before = view.locator("[role=grid]").get_attribute("aria-rowcount")
    page.screenshot(path=pictures / "scan-header.png")

    view.get_by_label("Search fields").fill("zz no such field")
    expect(view.get_by_text("No field matches these words.")).to_be_visible()
    view.get_by_label("Search fields").fill("")
    expect(view.locator("[role=grid]")).to_have_attribute("aria-rowcount", before or "")
    view.locator("[role=grid]").focus()
    page.keyboard.press("ArrowDown")
    expect(view.locator(".medlab-Tags-row.medlab-mod-active")).to_have_attribute(
        "aria-rowindex", "3"
    )
