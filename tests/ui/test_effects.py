"""Effects by mouse and by keys: what is shown is what the Python tool says, and one undo.

One scan document in one browser serves all tests; each begins with labels of its own.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, Request

from medlab.infer._propose import propose as propose_by_model
from medlab.labels import Layer, open_labels
from medlab.labels.tools import propose
from medlab.scans import Home, Volume, open_scan
from tests.support.lab import Lab, open_browser

_SCAN = "samples/ct-chest-small/CTChest4.nrrd"
_TRUTH = "samples/ct-chest-small/Segmentation.seg.nrrd"
_NAMES = ("right lung", "left lung", "spine")
_RECIPE = """\
name: both lungs
segments: [right lung, left lung]
epochs: 1
steps_per_epoch: 30
batch: 4
patch: [64, 64]
template_args: {widths: [4, 8]}
cases:
  - scan: samples/ct-chest-small/CTChest4.nrrd
    labels: samples/ct-chest-small/Segmentation.seg.nrrd
"""
_KEEP = 65535
_APPLY = ".medlab-AcceptBar [data-action=apply]"
_PREVIEWED = f"""() => document.querySelector('{_APPLY}')?.closest('[hidden]') === null
  && !document.querySelector('.medlab-mod-asking')
  && document.querySelector('.medlab-AcceptBar-words').textContent"""
Map = NDArray[np.uint8]


class Bench:
    """The page with the effects, the layer on disk, and what the page asked for."""

    def __init__(
        self, page: Page, home: Home, layer: Layer, scan: Volume, truth: Map
    ) -> None:
        self.page, self.home = page, home
        self.layer, self.scan, self.truth = layer, scan, truth
        self.asked: list[tuple[str, dict[str, Any]]] = []
        page.on("request", self._hear)

    def _hear(self, request: Request) -> None:
        if request.method == "POST" and "/medlab/smart/" in request.url:
            tool = request.url.split("/smart/")[1].split("?")[0]
            self.asked.append((tool, request.post_data_json["params"]))

    def begin(self, labels: Map, *, locked: int = 0) -> None:
        """Give the layer these labels, and the page too; nothing is chosen or open."""
        self.page.locator(".medlab-Plane").first.focus()
        self.page.keyboard.press("Escape")
        segments = [{"id": n, "name": name} for n, name in enumerate(_NAMES, 1)]
        self.layer.set_segments(segments)
        self.layer.paint(None, np.ones(self.layer.shape, bool))
        for number in (1, 2, 3):
            self.layer.paint(number, labels == number)
        if locked:
            segments[locked - 1] |= {"locked": True}
            self.layer.set_segments(segments)
        self.page.wait_for_function(
            "rev => window.editor.rev >= rev", arg=self.layer.rev
        )
        self.page.evaluate("() => window.editor.settings.set({ segment: 1 })")
        self.page.evaluate("() => { window.editor.crosshair = [64, 64, 17]; }")
        self.asked.clear()

    def open(self, effect: str) -> None:
        self.page.locator(f".medlab-Effects [data-effect={effect}]").click()

    def set(self, field: str, value: str) -> None:
        control = self.page.locator(f".medlab-Effect [data-field={field}]")
        if control.evaluate("node => node.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)

    def click_voxel(self, i: int, j: int) -> None:
        """Click voxel (i, j) of the axial slice on show."""
        x, y = self.page.evaluate(
            """([i, j]) => {
              const view = window.editor.views[0];
              const { slice } = view;
              const frame = view.stage.getBoundingClientRect();
              const [width, height] = [slice.width * slice.sizeU, slice.height * slice.sizeV];
              const u = slice.flipU ? slice.width - 1 - i : i;
              const v = slice.flipV ? slice.height - 1 - j : j;
              return [
                frame.x + frame.width / 2 + view.scale * ((u + 0.5) * slice.sizeU - width / 2),
                frame.y + frame.height / 2 + view.scale * ((v + 0.5) * slice.sizeV - height / 2)
              ];
            }""",
            [i, j],
        )
        self.page.mouse.click(x, y)

    def wait_for_preview(self) -> str:
        """The words of the bar once the preview of all that was set is there."""
        end, last = time.monotonic() + 60, None
        while time.monotonic() < end:
            self.page.wait_for_timeout(300)  # What was set last may not be asked yet.
            words = self.page.evaluate(_PREVIEWED)
            if words and (words, len(self.asked)) == last:
                return str(words)
            last = words, len(self.asked)
        raise AssertionError("No preview came.")

    def wait_until_saved(self, rev: int) -> None:
        self.page.wait_for_function(
            "rev => window.editor.rev > rev && window.editor.saveState === 'saved'",
            arg=rev,
        )

    @property
    def voxels(self) -> Map:
        """What is on the disk."""
        return np.array(self.layer.voxels)

    def wanted(self) -> Map:
        """The labels after what the Python tool proposes to the page's last question."""
        tool, params = self.asked[-1][0], dict(self.asked[-1][1])
        known = self.layer.segments
        if tool == "model":
            found = propose_by_model(
                params.pop("run"),
                self.scan,
                self.voxels,
                known=known,
                home=self.home,
                **params,
            )
        else:
            found = propose(
                tool,
                np.asarray(self.scan.voxels),
                self.voxels,
                known=known,
                spacing_mm=self.scan.spacing_mm,
                **params,
            )
        i0, i1, j0, j1, k0, k1 = found.box
        after = self.voxels
        block = after[i0:i1, j0:j1, k0:k1]
        np.copyto(block, found.labels.astype(block.dtype), where=found.labels != _KEEP)
        return after

    def voxels_in_page(self) -> Map:
        values = self.page.evaluate(
            """() => {
              const { data } = window.editor.labels;
              let text = '';
              data.forEach(label => { text += String.fromCharCode(48 + label); });
              return text;
            }"""
        )
        flat = np.frombuffer(values.encode(), np.uint8) - 48
        return flat.reshape(self.layer.shape, order="F")


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    home = Home(lab.root, lab.root / ".medlab")
    scan = open_scan(lab.root / _SCAN, home=home)
    truth = np.asarray(open_labels(lab.root / _TRUTH).voxels)
    layer = Layer.open(home, scan, segments=list(_NAMES))
    with open_browser(lab) as page:
        lab.open(page, _SCAN)
        page.get_by_role("button", name="Annotate").click(timeout=120_000)
        page.wait_for_selector("[data-effect=threshold]")
        page.evaluate(
            """() => {
              window.editor = window.jupyterapp.shell.currentWidget.content._editor;
              return window.editor.ready;
            }"""
        )
        yield Bench(page, home, layer, scan, truth)


def lungs(truth: Map) -> Map:
    """Both lungs, with a speck of the right one far off."""
    labels = np.zeros(truth.shape, np.uint8)
    labels[truth == 5], labels[truth == 6] = 1, 2
    labels[2:5, 2:5, 2:4] = 1
    return labels


def every_fourth_slice(truth: Map) -> Map:
    labels = np.zeros(truth.shape, np.uint8)
    labels[..., ::4][truth[..., ::4] == 5] = 1
    return labels


def seeds(truth: Map) -> Map:
    """A few voxels in the middle of each lung."""
    labels = np.zeros(truth.shape, np.uint8)
    for number, value in ((1, 5), (2, 6)):
        i, j, k = np.argwhere(truth == value).mean(axis=0).round().astype(int)
        block = (slice(i - 3, i + 4), slice(j - 3, j + 4), slice(k - 2, k + 3))
        labels[block] = np.where(truth[block] == value, number, 0)
    return labels


def nothing(truth: Map) -> Map:
    return np.zeros(truth.shape, np.uint8)


def _click_heart(bench: Bench) -> None:
    bench.click_voxel(58, 60)


Setting = Callable[[Bench], None]
_BY_MOUSE: dict[str, tuple[str, Callable[[Map], Map], Setting]] = {
    "threshold": ("threshold", lungs, lambda bench: bench.set("low", "250")),
    "grow": ("grow-3d", nothing, _click_heart),
    "fill": ("fill-3d", nothing, _click_heart),
    "seeds": ("seeds", seeds, lambda bench: bench.set("margin_mm", "30")),
    "between": ("between", every_fourth_slice, lambda bench: None),
    "islands": ("islands", lungs, lambda bench: None),
    "margin": ("margin", lungs, lambda bench: bench.set("mm", "12")),
    "smooth": ("smooth", lungs, lambda bench: bench.set("method", "close")),
    "hollow": ("hollow", lungs, lambda bench: bench.set("side", "outside")),
    "logic": ("logic", lungs, lambda bench: bench.set("op", "union")),
}


@pytest.mark.parametrize("tool", _BY_MOUSE)
def test_what_is_applied_is_what_the_tool_says_and_one_undo(
    bench: Bench, tool: str, pictures: Path
):
    effect, labels, set_it = _BY_MOUSE[tool]
    bench.begin(labels(bench.truth))
    before, rev = bench.voxels, bench.layer.rev

    bench.open(effect)
    set_it(bench)
    words = bench.wait_for_preview()
    assert bench.asked[-1][0] == tool
    wanted = bench.wanted()
    np.testing.assert_array_equal(bench.voxels, before)
    if tool == "margin":
        bench.page.screenshot(path=pictures / "effect-margin.png")
    bench.page.locator(_APPLY).click()
    bench.wait_until_saved(rev)

    assert "voxels" in words
    assert (wanted != before).any()
    np.testing.assert_array_equal(bench.voxels, wanted)
    np.testing.assert_array_equal(bench.voxels_in_page(), wanted)

    bench.page.locator(".medlab-Plane").first.focus()
    rev = bench.layer.rev
    bench.page.keyboard.press("Control+z")
    bench.wait_until_saved(rev)
    np.testing.assert_array_equal(bench.voxels, before)


def test_a_preview_leaves_a_locked_segment_alone(bench: Bench):
    bench.begin(lungs(bench.truth), locked=2)
    before, rev = bench.voxels, bench.layer.rev

    bench.open("margin")
    bench.set("mm", "25")
    bench.wait_for_preview()
    bench.page.locator(_APPLY).click()
    bench.wait_until_saved(rev)

    after = bench.voxels
    assert (after != before).any()
    np.testing.assert_array_equal(after == 2, before == 2)


def test_margin_by_keys_alone(bench: Bench):
    bench.begin(lungs(bench.truth))
    rev, keys = bench.layer.rev, bench.page.keyboard
    bench.page.locator(".medlab-Plane").first.focus()

    keys.press("Shift+M")
    keys.press("Tab")
    keys.press("Control+a")
    keys.type("9")
    bench.wait_for_preview()
    wanted = bench.wanted()
    keys.press("Enter")
    bench.wait_until_saved(rev)

    assert bench.asked[-1][1]["mm"] == 9
    np.testing.assert_array_equal(bench.voxels, wanted)
    focus = bench.page.evaluate("() => document.activeElement.dataset.plane")
    assert focus == "axial"


def test_a_threshold_by_keys_alone_and_dropped(bench: Bench):
    bench.begin(lungs(bench.truth))
    before, keys = bench.voxels, bench.page.keyboard
    bench.page.locator(".medlab-Plane").first.focus()

    keys.press("Shift+T")
    keys.press("Control+a")
    keys.type("300")
    bench.wait_for_preview()
    keys.press("Escape")

    assert bench.asked[-1][1]["low"] == 300
    assert not bench.page.locator(".medlab-AcceptBar").is_visible()
    assert bench.page.evaluate("() => document.activeElement.dataset.plane") == "axial"
    np.testing.assert_array_equal(bench.voxels, before)


def test_an_island_at_the_crosshair_by_keys_alone(bench: Bench):
    bench.begin(lungs(bench.truth))
    rev, keys = bench.layer.rev, bench.page.keyboard
    bench.page.evaluate("() => { window.editor.crosshair = [3, 3, 3]; }")
    bench.page.locator(".medlab-Plane").first.focus()

    keys.press("Shift+I")
    keys.type("Remove the clicked")
    for _ in range(4):
        keys.press("Tab")
    keys.press("Space")
    bench.wait_for_preview()
    bench.page.locator(".medlab-Plane").first.focus()
    keys.press("Enter")
    bench.wait_until_saved(rev)

    assert bench.asked[-1][1]["seed"] == [3, 3, 3]
    assert not bench.voxels[2:5, 2:5, 2:4].any()
    assert (bench.voxels == 1).any()


def test_a_stroke_under_a_preview_asks_for_it_again(bench: Bench):
    bench.begin(lungs(bench.truth))
    bench.open("margin")
    bench.set("mm", "10")
    bench.wait_for_preview()
    asked = len(bench.asked)

    bench.layer.paint("right lung", np.ones((6, 6, 3), bool), at=(100, 100, 20))
    bench.page.wait_for_function("rev => window.editor.rev >= rev", arg=bench.layer.rev)
    bench.wait_for_preview()
    wanted, rev = bench.wanted(), bench.layer.rev
    bench.page.locator(_APPLY).click()
    bench.wait_until_saved(rev)

    assert len(bench.asked) > asked
    np.testing.assert_array_equal(bench.voxels, wanted)


def test_a_slice_is_copied_from_its_neighbour(bench: Bench):
    labels = nothing(bench.truth)
    labels[30:50, 40:60, 16] = 1
    bench.begin(labels)
    rev = bench.layer.rev
    bench.page.locator(".medlab-Plane").first.focus()

    bench.page.keyboard.press("Shift+C")
    assert bench.wait_for_preview() == "+400 voxels to right lung"
    bench.page.keyboard.press("Enter")
    bench.wait_until_saved(rev)

    np.testing.assert_array_equal(bench.voxels[..., 17], labels[..., 16])


def test_the_servers_reason_is_told_in_one_sentence(bench: Bench):
    bench.begin(nothing(bench.truth))

    bench.open("between")
    notice = bench.page.locator(".medlab-AcceptBar.medlab-mod-failed [role=alert]")
    notice.wait_for(timeout=60_000)

    assert notice.inner_text().endswith("Draw some of it first.")


@pytest.fixture(scope="module")
def trained(lab: Lab) -> str:
    """Name of a run that really was trained, for a few seconds."""
    recipe = lab.root / "recipe.yaml"
    recipe.write_text(_RECIPE)
    command = [sys.executable, "-m", "medlab", "train", recipe.name]
    done = subprocess.run(
        command, cwd=lab.root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1].split()[-1]


def test_a_model_draws_the_segments_that_are_wanted_around_a_lock(
    bench: Bench, trained: str, pictures: Path
):
    labels = nothing(bench.truth)
    labels[40:60, 50:70, 17] = 3
    bench.begin(labels, locked=3)
    before, rev = bench.voxels, bench.layer.rev

    bench.open("model")
    bench.page.locator(f"[data-field=run] option[value='{trained}']").wait_for(
        state="attached"
    )
    assert bench.asked == []
    bench.page.locator(".medlab-AcceptBar [data-action=preview]").click()
    bench.wait_for_preview()
    bench.page.screenshot(path=pictures / "effect-model.png")
    wanted = bench.wanted()
    left = bench.page.locator(".medlab-Effect-segment", has_text="left lung")
    left.locator("input").uncheck()
    bench.page.locator(_APPLY).click()
    bench.wait_until_saved(rev)

    tool, params = bench.asked[-1]
    assert (tool, params["run"], params["extent"]) == ("model", trained, "slice")
    assert (params["axis"], params["index"]) == (2, 17)
    assert (wanted == 1).any()
    assert (wanted == 2).any()
    np.testing.assert_array_equal(bench.voxels == 1, wanted == 1)
    np.testing.assert_array_equal(bench.voxels == 2, before == 2)
    np.testing.assert_array_equal(bench.voxels == 3, before == 3)
