"""Take the pictures of the scan panel: real scans, and 100,000 made rows.

python -m tests.pictures.scan_panel --folder docs/pictures
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.pictures.archive import make_archive
from tests.support.lab import Lab, execute, open_browser, running_lab
from tests.support.many_scans import make_library

_PANEL = "#medlab-scan-browser"
_LIST = f"{_PANEL} .medlab-ScanBrowser-list"
_ROW = f"{_PANEL} .medlab-ScanRow"
_HEIGHT = 800


@contextmanager
def lab_with(fill: Callable[[Path], object]) -> Iterator[Lab]:
    """A JupyterLab over a folder that `fill` makes, with everything in the index."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        fill(root)
        with running_lab(root) as lab:
            lab.scans(timeout_s=120)
            yield lab


def show(lab: Lab, page: Page, width: int) -> None:
    """Open the panel, that many CSS pixels wide."""
    lab.open(page)
    execute(page, "medlab:show-scans")
    expect(page.locator(f"{_ROW}:not(.medlab-mod-waiting)").first).to_be_visible()
    widen(page, width)


def widen(page: Page, width: int) -> None:
    """Drag the edge of the left sidebar."""
    box = page.locator(_PANEL).bounding_box()
    assert box is not None
    edge, y = box["x"] + box["width"] + 1, box["y"] + box["height"] / 2
    page.mouse.move(edge, y)
    page.mouse.down()
    page.mouse.move(edge + width - box["width"], y, steps=4)
    page.mouse.up()


def choose_theme(page: Page, name: str) -> None:
    execute(page, "apputils:change-theme", {"theme": f"JupyterLab {name.title()}"})
    body = f"body[data-jp-theme-name='JupyterLab {name.title()}']"
    page.wait_for_selector(body, state="attached")
    page.wait_for_timeout(1200)


def settle(page: Page) -> None:
    """Wait until the thumbnails in view are there."""
    page.mouse.move(900, 20)
    page.wait_for_timeout(2500)


def in_both_themes(page: Page, path: Path, widths: tuple[int, ...] = (240,)) -> None:
    """The panel in light and dark, side by side, at each width."""
    parts = []
    for theme in ("light", "dark"):
        choose_theme(page, theme)
        for width in widths:
            widen(page, width)
            settle(page)
            shot = page.locator(_PANEL).screenshot()
            parts.append(Image.open(io.BytesIO(shot)).convert("RGB"))
    gap = 12
    size = (sum(p.width + gap for p in parts) - gap, max(p.height for p in parts))
    whole = Image.new("RGB", size, "#9e9e9e")
    x = 0
    for part in parts:
        whole.paste(part, (x, 0))
        x += part.width + gap
    save(whole, path)


def save(picture: Image.Image, path: Path) -> None:
    """As a palette: a third of the bytes, and no difference to see."""
    colours = picture.quantize(256, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)
    print(path, picture.size, path.stat().st_size // 1024, "KiB")


def whole_page(page: Page, path: Path) -> None:
    settle(page)
    save(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), path)


def take_library(lab: Lab, folder: Path) -> None:
    """100,000 series: the list, and the tree of their patients."""
    with open_browser(lab, height=_HEIGHT) as page:
        page.route("**/thumbnail*", lambda r: r.fulfill(status=404, body="{}"))
        show(lab, page, 250)
        page.get_by_label("Filter scans").fill("chest 2015")
        page.locator(_ROW).nth(2).click()
        in_both_themes(page, folder / "scans-100000.png", (300, 240))


def take_problems(lab: Lab, folder: Path) -> None:
    with open_browser(lab, height=_HEIGHT) as page:
        show(lab, page, 300)
        for name in ("Errors", "Warnings"):
            page.get_by_role("button", name=name).click()
            page.locator(_ROW).nth(1).click()
            in_both_themes(page, folder / f"scans-{name.lower()}.png", (300, 220))


def take_documents(lab: Lab, folder: Path) -> None:
    """Browsing, comparing, and the header of a scan."""
    with open_browser(lab, gl="llvmpipe", width=1400, height=_HEIGHT) as page:
        show(lab, page, 300)
        choose_theme(page, "light")
        page.get_by_label("Sort by").select_option("size_bytes")
        page.get_by_label("Ascending: press for descending").click()
        page.get_by_label("Filter scans").fill("samples/")
        expect(page.locator(_ROW)).to_have_count(4)
        page.locator(_ROW, has_text="CTChest4").dblclick()
        expect(page.locator(".medlab-ScanView:visible")).to_have_count(1)
        page.get_by_label("Filter scans").fill("")
        expect(page.locator(_ROW).nth(6)).to_be_visible()
        page.locator(_LIST).focus()
        page.wait_for_timeout(4000)
        whole_page(page, folder / "browse.png")

        execute(page, "application:close-all")
        page.get_by_label("Filter scans").fill("samples/")
        expect(page.locator(_ROW)).to_have_count(4)
        page.locator(_ROW).nth(0).click()
        page.locator(_ROW).nth(3).click(modifiers=["Shift"])
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".medlab-ScanView:visible")).to_have_count(4)
        page.wait_for_timeout(4000)
        whole_page(page, folder / "scans-compare.png")

        execute(page, "application:close-all")
        page.get_by_label("Filter scans").fill("Routine Brain")
        expect(page.locator(_ROW)).to_have_count(1)
        page.locator(_ROW).click()
        page.get_by_role("button", name="Header").click()
        expect(page.locator(".medlab-Tags-row").nth(9)).to_be_visible()
        whole_page(page, folder / "scans-header.png")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--only", choices=("library", "problems", "documents"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.only in (None, "library"):
        with lab_with(lambda root: make_library(root, 100_000)) as lab:
            take_library(lab, given.folder)
    if given.only in (None, "problems", "documents"):
        with lab_with(make_archive) as lab:
            if given.only != "documents":
                take_problems(lab, given.folder)
            if given.only != "problems":
                take_documents(lab, given.folder)


if __name__ == "__main__":
    main()
