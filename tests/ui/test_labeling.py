"""A stroke drawn with the mouse is in the kernel, at the voxels under the mouse."""

import json
import re

import numpy as np
from playwright.sync_api import Page

from tests.support.lab import Lab, execute, run_python, wait_for_kernel
from tests.support.notebooks import write_notebook

_LABELER = """\
import medlab
scan = medlab.open_scan("samples/ct-chest-small/CTChest4.nrrd")
labeler = medlab.SliceLabeler(scan, segments=["right lung"], layer="by-mouse")
labeler"""


def _open_labeler(lab: Lab, page: Page) -> None:
    write_notebook(lab.root / "labeling.ipynb", _LABELER)
    lab.open(page, "labeling.ipynb")
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    page.get_by_text("Saved", exact=True).wait_for()


def _voxel_under_mouse(page: Page) -> list[int]:
    text = page.locator(".medlab-Status-position").inner_text()
    match = re.search(r"\((\d+), (\d+), (\d+)\)", text)
    assert match, f"No voxel in the read-out: {text!r}"
    return [int(number) for number in match.groups()]


def test_a_stroke_reaches_the_kernel_as_the_voxels_under_the_mouse(lab, page, pictures):
    _open_labeler(lab, page)
    stage = page.locator(".medlab-Plane-stage").first.bounding_box()
    assert stage is not None
    y = stage["y"] + 0.45 * stage["height"]
    start = stage["x"] + 0.30 * stage["width"]
    end = stage["x"] + 0.42 * stage["width"]

    page.mouse.move(start, y)
    first = _voxel_under_mouse(page)
    page.mouse.down()
    page.mouse.move(end, y, steps=4)
    last = _voxel_under_mouse(page)
    page.mouse.up()
    page.get_by_text("Saved", exact=True).wait_for()
    page.screenshot(path=pictures / "stroke.png")

    # A second process, so to say: the kernel reads what the server wrote.
    probe = (
        "import json, numpy as np\n"
        "print(json.dumps([np.argwhere(labeler.labels == 1).tolist(),"
        " list(scan.spacing_mm)]))"
    )
    drawn, spacing_mm = json.loads(run_python(page, probe))
    drawn = np.array(drawn)
    assert first[1:] == last[1:]
    assert set(drawn[:, 2]) == {first[2]}
    line = set(range(min(first[0], last[0]), max(first[0], last[0]) + 1))
    on_the_line = drawn[drawn[:, 1] == first[1]]
    assert line <= set(on_the_line[:, 0].tolist()), "the stroke has a gap"
    radius = (drawn[:, 1].max() - drawn[:, 1].min() + 1) / 2 * spacing_mm[1]
    area = len(drawn) * spacing_mm[0] * spacing_mm[1]
    length = abs(last[0] - first[0]) * spacing_mm[0]
    capsule = np.pi * radius**2 + 2 * radius * length
    assert abs(area - capsule) < 0.2 * capsule


def test_strokes_are_there_again_after_a_reload_and_a_new_kernel(lab, page):
    _open_labeler(lab, page)
    before = run_python(page, "print(labeler.layer.rev, labeler.labels.sum())")

    execute(page, "kernelmenu:restart")
    page.get_by_role("button", name="Restart", exact=True).click()
    page.reload()
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context")
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    page.get_by_text("Saved", exact=True).wait_for()

    after = run_python(page, "print(labeler.layer.rev, labeler.labels.sum())")
    assert int(before.split()[0]) > 0
    assert after == before
