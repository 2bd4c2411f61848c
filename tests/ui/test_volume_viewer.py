"""3D views that really draw: both backends of VolumeViewer, and the scan document."""

import io
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from tests.support.lab import (
    Lab,
    execute,
    open_browser,
    run_python,
    wait_for_kernel,
    wait_for_lab,
)
from tests.support.notebooks import write_notebook

_CELL = """
import nibabel, numpy as np, medlab
scan = medlab.Volume(np.asarray(nibabel.load("ball.nii.gz").dataobj), np.eye(4), "CT")
labels = (scan.voxels > 500).astype(np.uint8)
viewer = medlab.VolumeViewer(scan, labels=labels, prediction=np.roll(labels, 2, 1), {})
viewer
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("view") / "root"
    root.mkdir()
    i, j, k = np.indices((72, 64, 48))
    ball = (i - 36) ** 2 + (j - 32) ** 2 + (k - 24) ** 2 < 22**2
    voxels = np.where(ball, np.where(i > 52, 1000, 60), -1000).astype(np.int16)
    image = nibabel.Nifti1Image(voxels, np.diag([-1.5, 1.5, 2, 1]))
    nibabel.save(image, root / "ball.nii.gz")
    (root / "broken.nii.gz").write_text("no scan")
    write_notebook(root / "niivue.ipynb", _CELL.format("opacity=0.3"))
    itk = _CELL.format('backend="itkwidgets", show="labels"')
    write_notebook(root / "itk.ipynb", itk, "print('the next cell ran')")
    server = Lab(root)
    server.start()
    yield server
    server.stop()


def pixels(place: Locator) -> np.ndarray:
    picture = Image.open(io.BytesIO(place.screenshot(timeout=180_000)))
    return np.asarray(picture.convert("RGB")).astype(int)


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

    drawn = {}
    for choice in ("difference", "prediction", "nothing"):
        show.select_option(choice)
        page.wait_for_timeout(500)
        drawn[choice] = pixels(view)
    page.screenshot(path=pictures / "viewer-niivue.png")

    middle = drawn["nothing"][150:-60, 200:-200]
    assert (middle.sum(axis=2) > 30).sum() > 2000
    assert np.ptp(middle, axis=2).max() < 12  # the scan alone is grey
    assert (np.ptp(drawn["difference"][150:-60, 200:-200], axis=2) > 60).sum() > 50
    assert run_python(page, "print(viewer.drawn, viewer.show)").split() == [
        "True",
        "nothing",
    ]


def test_itkwidgets_draws_offline_and_holds_up_no_cell(lab: Lab, pictures: Path):
    with open_browser(lab, gl="llvmpipe") as page:
        open_notebook(lab, page, "itk.ipynb")
        page.wait_for_selector("text=the next cell ran", timeout=120_000)
        frame = page.locator(".medlab-Itk-window iframe")
        frame.wait_for(timeout=120_000)

        for _ in range(24):
            page.wait_for_timeout(5000)
            middle = pixels(frame)[100:-60, 150:-150]
            colourful = (np.ptp(middle, axis=2) > 20).sum()
            if colourful > 1000:
                break

        page.screenshot(path=pictures / "viewer-itkwidgets.png", timeout=180_000)
        assert colourful > 1000


def test_a_file_opens_in_planes_and_3d_without_being_fetched(
    lab: Lab, page: Page, pictures: Path
):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lab.open(page)

    execute(page, "docmanager:open", {"path": "ball.nii.gz"})
    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    page.wait_for_timeout(500)

    page.screenshot(path=pictures / "scan-document.png")
    of_file = [url for url in asked if "api/contents/ball.nii.gz?" in url]
    assert of_file
    assert all("content=0" in url for url in of_file)
    view = pixels(page.locator(".medlab-View3D-scene"))
    assert (view[40:-60].sum(axis=2) > 30).sum() > 1000


def test_a_scan_that_cannot_be_read_says_so_in_one_sentence(lab: Lab, page: Page):
    lab.open(page)

    execute(page, "docmanager:open", {"path": "broken.nii.gz"})

    said = page.locator(".medlab-ScanView-message.medlab-mod-error").text_content()
    assert said is not None
    assert said.startswith("broken.nii.gz must be a NIfTI file")


def test_an_open_scan_is_there_again_after_a_reload(lab: Lab, page: Page):
    scan = next(
        scan for scan in lab.get("medlab/scans?folder=")["scans"] if not scan["error"]
    )
    lab.open(page)
    execute(page, "medlab:open-scan", {"id": scan["id"], "name": "Ball"})
    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    page.wait_for_timeout(2500)  # JupyterLab saves its layout once a second

    page.goto(f"{lab.url}/lab?token={lab.token}")
    wait_for_lab(page)

    page.wait_for_selector(".medlab-ScanView .medlab-View3D[data-ready]")
    assert page.locator(".medlab-ScanView-name").text_content() == "Ball"
