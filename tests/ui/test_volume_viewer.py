"""3D views in a real browser: the widget with both backends, and the scan document."""

import io
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from medlab.labels import Layer, open_labels
from medlab.samples import place
from medlab.scans import Home, open_scan
from tests.support.lab import (
    Lab,
    execute,
    open_browser,
    run_python,
    running_lab,
    wait_for_kernel,
    wait_for_lab,
)
from tests.support.notebooks import write_notebook

_FOLDER = "samples/ct-chest-small"
_SCAN = f"{_FOLDER}/CTChest4.nrrd"
_TRUTH = f"{_FOLDER}/Segmentation.seg.nrrd"
# Air that does not touch the picture's edge: a prediction with faults of its own.
_CELL = f"""
import medlab
import numpy as np
from skimage.segmentation import clear_border

scan = medlab.open_scan("{_SCAN}")
truth = medlab.open_labels("{_TRUTH}")
lungs = np.isin(truth.voxels, [5, 6]).astype(np.uint8)
air = np.dstack([clear_border(scan.voxels[..., k] < -400) for k in range(34)])
"""
_NIIVUE = """
viewer = medlab.VolumeViewer(
    scan, labels=lungs, prediction=air, opacity=0.12, height=560
)
viewer
"""
_ITK = """
medlab.VolumeViewer(scan, labels=truth, backend="itkwidgets", height=560)
"""
_ORANGE, _BLUE = (0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9)  # missed, extra


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("view") / "root"
    root.mkdir()
    place("ct-chest-small", root / _FOLDER)
    (root / "broken.nii.gz").write_text("no scan")
    home = Home(root, root / ".medlab")
    scan = open_scan(root / _SCAN, home=home)
    truth = open_labels(root / _TRUTH)
    layer = Layer.open(home, scan, segments=["right lung", "left lung", "spine"])
    layer.paint("right lung", truth.voxels == 5)
    layer.paint("left lung", truth.voxels == 6)
    layer.paint("spine", np.isin(truth.voxels, [2, 3, 4]))
    write_notebook(root / "niivue.ipynb", _CELL.strip(), _NIIVUE.strip())
    write_notebook(
        root / "itk.ipynb", _CELL.strip() + _ITK.rstrip(), "print('the next cell ran')"
    )
    with running_lab(root) as lab:
        yield lab


def pixels(place: Locator) -> np.ndarray:
    picture = Image.open(io.BytesIO(place.screenshot(timeout=180_000)))
    return np.asarray(picture.convert("RGB")).astype(int)


def lit(picture: np.ndarray) -> int:
    """Pixels that are not black, without the legend and the orientation cube."""
    return int((picture[20:-60, 200:-100].sum(axis=2) > 30).sum())


def like(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    """Pixels with the hue of a colour, however shaded."""
    wanted = np.array(color) / np.linalg.norm(color)
    length = np.linalg.norm(picture, axis=2)
    alike = picture @ wanted > 0.985 * length
    return int((alike & (length > 80))[20:-60, 200:-100].sum())


def open_notebook(lab: Lab, page: Page, name: str) -> None:
    lab.open(page, name)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")


def test_niivue_draws_scan_labels_and_difference(lab: Lab, page: Page, pictures: Path):
    open_notebook(lab, page, "niivue.ipynb")
    page.wait_for_selector(".medlab-View3D[data-ready]")
    show = page.locator(".medlab-View3D-controls select").first
    view = page.locator(".medlab-View3D-scene")
    page.locator(".medlab-View3D-controls").scroll_into_view_if_needed()

    drawn = {}
    for choice in ("prediction", "nothing", "difference"):
        show.select_option(choice)
        page.wait_for_timeout(500)
        drawn[choice] = pixels(view)
    page.screenshot(path=pictures / "explore.png")

    assert lit(drawn["nothing"]) > 2000
    assert like(drawn["nothing"], _ORANGE) == like(drawn["nothing"], _BLUE) == 0
    assert like(drawn["difference"], _ORANGE) > 50
    assert like(drawn["difference"], _BLUE) > 50
    assert run_python(page, "print(viewer.drawn, viewer.show)").split() == [
        "True",
        "difference",
    ]


@pytest.mark.skipif(
    find_spec("itkwidgets") is None, reason="needs the extra itkwidgets"
)
def test_itkwidgets_draws_offline_and_holds_up_no_cell(lab: Lab, pictures: Path):
    with open_browser(lab, gl="llvmpipe") as page:
        open_notebook(lab, page, "itk.ipynb")
        page.wait_for_selector("text=the next cell ran", timeout=120_000)
        frame = page.locator(".medlab-Itk-window iframe")
        frame.wait_for(timeout=120_000)

        for _ in range(24):
            page.wait_for_timeout(5000)
            # Neither black nor the grey background, and without the viewer's own marks.
            middle = pixels(frame)[100:-60, 200:-200]
            colourful = (np.ptp(middle, axis=2) > 20).sum()
            if colourful > 5000:
                break

        page.screenshot(path=pictures / "itkwidgets.png", timeout=180_000)
        assert colourful > 5000


def test_a_file_opens_in_planes_and_3d_without_being_fetched(
    lab: Lab, page: Page, pictures: Path
):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lab.open(page)
    execute(page, "medlab:show-scans")
    page.wait_for_selector(".medlab-ScanRow img")

    assert not any("view3d.js" in url or "/assets/itk/" in url for url in asked)
    execute(page, "docmanager:open", {"path": _SCAN})
    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / "browse.png")

    of_file = [url for url in asked if f"api/contents/{_SCAN}?" in url]
    assert of_file
    assert all("content=0" in url for url in of_file)
    assert not any("/assets/itk/" in url for url in asked)
    view = page.locator(".medlab-View3D-scene")
    light = lit(pixels(view))
    assert light > 1000

    execute(page, "apputils:change-theme", {"theme": "JupyterLab Dark"})
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_timeout(1500)
    assert lit(pixels(view)) > 0.9 * light

    page.evaluate("() => { document.querySelector('.medlab-View3D').id = 'before'; }")
    page.get_by_role("button", name="Annotate").click()
    page.wait_for_selector(".medlab-View3D[data-ready]:not(#before)")
    page.wait_for_timeout(1500)
    before = pixels(view)
    plane = page.locator(".medlab-Editor-planes canvas").first.bounding_box()
    assert plane is not None
    # In front of the chest, where no label hides it.
    x, y = plane["x"] + plane["width"] / 2, plane["y"] + plane["height"] / 8
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(1500)
    changed = np.abs(pixels(view) - before).sum(axis=2) > 40
    assert changed.sum() > 50  # 3D follows the stroke

    context = page.evaluate_handle(
        "() => document.querySelector('.medlab-View3D-canvas').getContext('webgl2')"
    )
    execute(page, "application:close-all")
    page.wait_for_function("gl => gl.isContextLost()", arg=context)


def test_a_scan_that_cannot_be_read_says_so_in_one_sentence(lab: Lab, page: Page):
    lab.open(page)

    execute(page, "docmanager:open", {"path": "broken.nii.gz"})

    said = page.locator(".medlab-ScanView-message.medlab-mod-error").text_content()
    assert said is not None
    assert said.startswith("broken.nii.gz must be a NIfTI file")


def test_an_open_scan_is_there_again_after_a_reload(lab: Lab, page: Page):
    scan = next(scan for scan in lab.scans() if not scan["error"])
    lab.open(page)
    execute(page, "medlab:open-scan", {"id": scan["id"], "name": "Chest"})
    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    page.wait_for_timeout(2500)  # JupyterLab saves its layout once a second

    page.goto(f"{lab.url}/lab?token={lab.token}")
    wait_for_lab(page)

    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    assert page.locator(".medlab-ScanView-name").text_content() == "Chest"
