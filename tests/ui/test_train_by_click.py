"""A click on Start trains for real: the sidebar draws its points, Pause and Stop act."""

from playwright.sync_api import Page

from tests.support.lab import Lab, execute, run_python, wait_for_kernel
from tests.support.notebooks import write_notebook

_FORM = """\
import medlab
recipe = medlab.Recipe(
    name="by click", segments=["right lung"], epochs=50, steps_per_epoch=20, patch=[64, 64],
    template_args={"widths": [8, 16]},
    cases=[{"scan": "samples/ct-chest-small/CTChest4.nrrd",
            "labels": "samples/ct-chest-small/Segmentation.seg.nrrd"}],
)
controls = medlab.TrainControls(recipe)
controls"""


def _state(page: Page, state: str) -> None:
    badge = f"#medlab-training-sidebar .medlab-StateBadge.medlab-mod-{state}"
    page.locator(badge).wait_for(timeout=120_000)


def _step(page: Page) -> int:
    text = page.locator("#medlab-training-sidebar").inner_text()
    return int(text.split("step ")[1].split(" ")[0])


def test_a_training_is_started_paused_and_stopped_by_clicks(
    lab: Lab, page: Page, pictures
):
    write_notebook(lab.root / "train.ipynb", _FORM)
    lab.open(page, "train.ipynb")
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    execute(page, "medlab:open-training")

    page.locator(".jp-OutputArea button", has_text="Start").click()
    _state(page, "running")
    sidebar = page.locator("#medlab-training-sidebar")
    sidebar.locator(".medlab-Curve-chart canvas").first.wait_for()
    first = _step(page)
    page.wait_for_timeout(3000)
    second = _step(page)
    assert second > first

    sidebar.locator("[data-command=pause]:enabled").click()
    _state(page, "paused")
    held = _step(page)
    page.wait_for_timeout(2000)
    assert _step(page) == held
    page.screenshot(path=pictures / "paused.png")

    # The form in the notebook steers the same run.
    page.locator(".jp-OutputArea [data-command=resume]:enabled").click()
    _state(page, "running")
    sidebar.locator("[data-command=stop]:enabled").click()
    _state(page, "stopped")
    assert run_python(page, "print(controls.run.state)").strip() == "stopped"
