"""Keys alone: choose, draw, outline, mark, run an effect, undo and save, in both homes.

What was drawn is read where it counts: in the notebook's kernel, or on the server's disk.
"""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

import medlab
from medlab.labels import Layer
from medlab.scans import Home, open_scan
from tests.support.editors import HOSTS, SCAN, open_editor
from tests.support.lab import Lab, open_browser, run_python

_LAYERS = {"document": "labels", "widget": "by-keys"}
_IN_EDITOR = "() => document.activeElement?.closest('.medlab-Editor') != null"


class Keys:
    """A reader with no mouse, in front of one open editor."""

    def __init__(self, page: Page, editor: str, lab: Lab, host: str) -> None:
        self.page, self.editor, self.lab, self.host = page, editor, lab, host

    def press(self, *keys: str, times: int = 1) -> None:
        for _ in range(times):
            for key in keys:
                self.page.keyboard.press(key)

    def setting(self, name: str) -> object:
        return self.page.evaluate(f"() => {self.editor}.settings.values.{name}")

    def settle(self) -> None:
        self.page.evaluate(f"() => {self.editor}._session.settled()")
        self.page.wait_for_selector(".medlab-Status-save[data-state='saved']")

    @property
    def crosshair(self) -> list[int]:
        return self.page.evaluate(f"() => {self.editor}.crosshair")

    def labels(self) -> NDArray[np.uint8]:
        """The labels as kernel or disk have them."""
        self.settle()
        if self.host == "widget":
            code = "print(json.dumps(numpy.flatnonzero(labeler.labels).tolist()))"
            places = json.loads(run_python(self.page, code))
            of = "print(json.dumps(labeler.labels.ravel()[{}].tolist()))"
            kept = np.zeros(open_scan(self.lab.root / SCAN).shape, np.uint8)
            kept.ravel()[places] = json.loads(run_python(self.page, of.format(places)))
            return kept
        return np.array(self._layer.voxels)

    def marks(self) -> list[tuple[str, list[float]]]:
        self.settle()
        if self.host == "widget":
            code = "print(json.dumps([(m.kind, m.points[0]) for m in labeler.marks]))"
            return [
                (kind, list(at)) for kind, at in json.loads(run_python(self.page, code))
            ]
        return [(mark.kind, list(mark.points[0])) for mark in self._layer.marks]

    @property
    def _layer(self) -> Layer:
        root = self.lab.root
        home = Home(root, root / ".medlab")
        scan = open_scan(root / SCAN, home=home)
        return Layer.open(home, scan, _LAYERS[self.host], create=False)


@pytest.fixture(scope="module", params=HOSTS)
def opened(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Keys]:
    host = request.param
    with open_browser(lab) as page:
        editor = open_editor(page, lab, host, layer=_LAYERS[host])
        yield Keys(page, editor, lab, host)


@pytest.fixture
def keys(opened: Keys) -> Keys:
    """The focus is in the axial plane, nothing is drawn, and the brush is small."""
    page = opened.page
    page.mouse.move(2, 2)
    page.evaluate("() => document.activeElement?.blur()")
    page.locator(".medlab-Plane").first.focus()
    opened.press("Escape", "Escape")
    page.evaluate(
        f"""async () => {{
          const editor = {opened.editor};
          while (editor._session.canUndo) editor._session.undo();
          editor.settings.set({{ tool: 'brush', radius_mm: 5, segment: 1 }});
        }}"""
    )
    assert not opened.labels().any()
    return opened


def test_the_editor_is_reached_and_left_by_tab(keys: Keys):
    keys.page.evaluate("() => document.activeElement.blur()")
    keys.page.locator(".medlab-Toolbar [data-tool='brush']").focus()
    for _ in range(40):
        keys.press("Tab")
        if keys.page.evaluate("() => document.activeElement.dataset.plane"):
            break
    assert keys.page.evaluate("() => document.activeElement.dataset.plane") == "axial"
    for _ in range(60):
        keys.press("Tab")
        if not keys.page.evaluate(_IN_EDITOR):
            break
    else:
        pytest.fail("60 times Tab do not leave the editor.")


def test_a_stroke_of_the_brush(keys: Keys):
    i, j, k = keys.crosshair
    keys.press("n")
    chosen = keys.setting("segment")
    keys.press("Shift+ArrowLeft", times=5)
    keys.press("Space")
    keys.press("Shift+ArrowRight", times=10)
    keys.press("Space")

    drawn = np.argwhere(keys.labels() == chosen)
    line = set(range(i - 5, i + 6))
    assert line <= set(drawn[drawn[:, 1] == j][:, 0].tolist())
    assert set(drawn[:, 2].tolist()) == {k}
    spacing_mm = open_scan(keys.lab.root / SCAN).spacing_mm[0]
    assert np.abs(drawn[:, 1] - j).max() * spacing_mm <= 5
    assert np.abs(drawn[:, 0] - i).max() <= 5 + 5 / spacing_mm

    keys.press("e")
    assert keys.setting("tool") == "eraser"
    keys.press("Space", "Space")
    # The patient's left is on the right, and the first axis of this scan runs to the right.
    erased = keys.labels()
    assert erased[i - 5, j, k] == 0
    assert erased[i + 5, j, k] == chosen


def test_a_polygon_by_its_corners(keys: Keys):
    i, j, k = keys.crosshair
    keys.press("p", "Space")
    for arrow in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        keys.press(f"Control+Shift+{arrow}", "Space")
    keys.press("Enter")

    drawn = np.argwhere(keys.labels() == 1)
    assert set(drawn[:, 2].tolist()) == {k}
    extent = drawn[:, :2].max(0) - drawn[:, :2].min(0)
    assert set(extent.tolist()) <= {9, 10}
    assert 9 * 9 <= len(drawn) <= 11 * 11
    corner = np.abs(drawn[:, :2] - [i, j]).sum(1).min()
    assert corner <= 1


def test_a_livewire_along_edges(keys: Keys):
    k = keys.crosshair[2]
    keys.press("w", "Space")
    for arrow in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        keys.press(f"Control+Shift+{arrow}", times=2)
        keys.press("Space")
    keys.press("Enter")

    drawn = np.argwhere(keys.labels() == 1)
    assert len(drawn) > 100
    assert set(drawn[:, 2].tolist()) == {k}


def test_a_point_where_the_pointer_is(keys: Keys):
    i, j, k = keys.crosshair
    keys.press("q")
    keys.press("Shift+ArrowDown", times=3)
    keys.press("Space")

    ((kind, at),) = keys.marks()
    assert kind == "point"
    # The axial plane shows the front at the top: down is towards the back.
    back = 1 if open_scan(keys.lab.root / SCAN).affine[1, 1] < 0 else -1
    assert at == [i, j + 3 * back, k]

    keys.press("Control+z")
    assert keys.marks() == []


def test_an_effect_is_accepted_and_taken_back(keys: Keys):
    keys.press("Space", "Space")
    before = (keys.labels() == 1).sum()
    assert before > 0
    keys.press("Shift+M")
    keys.page.wait_for_selector(".medlab-AcceptBar:visible button:not([disabled])")
    keys.page.wait_for_function(f"() => {keys.editor}._parts.effects.current !== null")
    keys.page.wait_for_function(f"() => {keys.editor}._scene.proposal !== null")
    keys.press("Enter")
    keys.page.wait_for_function(
        f"n => {keys.editor}.labels.data.filter(label => label === 1).length > n",
        arg=int(before),
    )
    after = (keys.labels() == 1).sum()
    assert after > before

    keys.press("Escape", "Control+1", "Control+z")
    assert (keys.labels() == 1).sum() == before
    keys.press("Control+y")
    assert (keys.labels() == 1).sum() == after


def test_segments_by_number_name_lock_and_state(keys: Keys):
    keys.press("n", "n")
    numbers = keys.page.evaluate(
        f"() => {keys.editor}.labels.segments.map(({{ id }}) => id)"
    )
    keys.press("2")
    assert keys.setting("segment") == numbers[1]
    keys.press(".")
    assert keys.setting("segment") == numbers[2 % len(numbers)]
    keys.press(",", "j", "y")
    segment = keys.page.evaluate(f"() => {keys.editor}.labels.segment({numbers[1]})")
    assert segment["locked"]
    assert segment["state"] == "in-progress"
    keys.press("b", "Space", "Space")
    assert not keys.labels().any()


def test_save_to_a_file(keys: Keys):
    keys.press("Space", "Space")
    drawn = keys.labels()
    name = f"by-keys-{keys.host}.nii.gz"
    keys.press("Control+s")
    keys.page.wait_for_function(
        "() => document.activeElement?.closest('.medlab-File') != null"
    )
    keys.press("Control+a")
    keys.page.keyboard.type(name)
    keys.press("Enter")
    keys.page.wait_for_selector(
        ".medlab-Status-save[data-place='file']", timeout=20_000, state="attached"
    )
    (path,) = keys.lab.root.rglob(name)
    assert np.array_equal(medlab.open_labels(path).voxels, drawn)
