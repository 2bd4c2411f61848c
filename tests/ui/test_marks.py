"""Segments and marks made in the page are in the kernel, on the disk, and in the history.

One notebook in one browser serves all tests: each begins with an empty layer.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.support.lab import (
    Lab,
    execute,
    open_browser,
    run_python,
    wait_for_kernel,
    wait_for_lab,
)
from tests.support.notebooks import write_notebook

_NOTEBOOK = """\
import json, numpy, medlab
from medlab.labels import Layer
scan = medlab.open_scan("samples/ct-chest-small/CTChest4.nrrd")
labeler = medlab.SliceLabeler(scan, ["heart", "aorta", "nodule"], layer="marked")
first = labeler.layer.segments
labeler"""
_EDITOR = "document.querySelector('.medlab-SliceLabeler').editor"
_FIELDS = (
    *("id", "kind", "name", "color", "segment", "plane", "points"),
    *("scope", "value", "note"),
)
_HOSTILE = '<img src=x onerror="window.hacked=true">'


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Page]:
    write_notebook(lab.root / "marks.ipynb", _NOTEBOOK)
    with open_browser(lab) as page:
        lab.open(page, "marks.ipynb")
        _show_labeler(page)
        yield page


@pytest.fixture
def labeler(notebook: Page) -> Page:
    """A notebook with a labeler: three segments, nothing drawn, no marks."""
    run_python(
        notebook,
        "labeler.layer.set_marks([])\n"
        "labeler.layer.set_segments(first)\n"
        "labeler.paint(None, numpy.ones(scan.shape, bool))",
    )
    notebook.wait_for_function(
        f"""() => {_EDITOR}.labels.marks.size === 0
          && {_EDITOR}.labels.segments.map(each => each.name).join()
            === 'heart,aorta,nodule'
          && {_EDITOR}.labels.data.every(label => label === 0)"""
    )
    notebook.evaluate(f"() => {{ {_EDITOR}.crosshair = [64, 64, 17]; }}")
    return notebook


def _show_labeler(page: Page) -> None:
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    page.wait_for_selector(".medlab-Status-save[data-state='saved']")
    page.evaluate(f"() => {_EDITOR}.ready")
    page.evaluate(f"() => {_EDITOR}.showLayout('grid')")
    page.evaluate(
        "() => { document.querySelector('.medlab-SliceLabeler').style.height = '780px' }"
    )
    page.locator(".medlab-SliceLabeler").scroll_into_view_if_needed()


def _take(page: Page, tool: str) -> None:
    page.locator(f".medlab-Toolbar button[data-action='{tool}']").click()


def _press_key(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def _place(page: Page, x: float, y: float, plane: int = 0) -> tuple[float, float]:
    """Where on the page a part of a plane's width and height lies."""
    stage = page.locator(".medlab-Plane-stage").nth(plane).bounding_box()
    assert stage is not None
    return stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]


def _drag(
    page: Page, start: tuple[float, float], end: tuple[float, float], plane: int = 0
) -> tuple[list[int], list[int]]:
    """Drag between two places; the voxels that the read-out named there."""
    page.mouse.move(*_place(page, *start, plane))
    first = _voxel_under_mouse(page)
    page.mouse.down()
    page.mouse.move(*_place(page, *end, plane), steps=5)
    last = _voxel_under_mouse(page)
    page.mouse.up()
    return first, last


def _voxel_under_mouse(page: Page) -> list[int]:
    page.wait_for_timeout(60)  # the read-out follows in the next frame
    text = page.locator(".medlab-Status-position").inner_text()
    match = re.search(r"\((\d+), (\d+), (\d+)\)", text)
    assert match, f"No voxel in the read-out: {text!r}"
    return [int(number) for number in match.groups()]


def _settle(page: Page) -> None:
    page.wait_for_function(f"() => {_EDITOR}.saveState === 'saved'")


def _python(page: Page, expression: str) -> Any:
    text = run_python(page, f"print(json.dumps({expression}))")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise AssertionError(text) from None


def _kernel_marks(page: Page) -> list[dict[str, Any]]:
    _settle(page)
    listed = ", ".join(f"'{field}': mark.{field}" for field in _FIELDS)
    return _python(page, f"[{{{listed}}} for mark in labeler.layer.marks]")


def _page_marks(page: Page) -> list[dict[str, Any]]:
    return page.evaluate(f"() => [...{_EDITOR}.labels.marks.values()]")


def _without_id(marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in mark.items() if k != "id"} for mark in marks]


def _affine(page: Page) -> np.ndarray:
    return np.array(_python(page, "scan.affine.tolist()"))


def _row_words(page: Page, name: str) -> str:
    row = page.locator(".medlab-MarkRow", has_text=name)
    return row.locator(".medlab-MarkRow-value").inner_text()


def test_marks_drawn_by_mouse_lie_in_the_kernel_where_the_mouse_was(labeler, pictures):
    drawn = {}
    for tool, kind, start, end in [
        ("line", "line", (0.3, 0.3), (0.5, 0.42)),
        ("box-2d", "rectangle", (0.6, 0.55), (0.75, 0.7)),
        ("box-3d", "box", (0.35, 0.45), (0.5, 0.55)),
        ("roi", "ellipse", (0.3, 0.65), (0.45, 0.75)),
    ]:
        _take(labeler, tool)
        drawn[kind] = _drag(labeler, start, end)
    _take(labeler, "point")
    labeler.mouse.move(*_place(labeler, 0.2, 0.5))
    drawn["point"] = (_voxel_under_mouse(labeler),)
    labeler.mouse.click(*_place(labeler, 0.2, 0.5))
    labeler.screenshot(path=pictures / "marks.png")

    marks = {mark["kind"]: mark for mark in _kernel_marks(labeler)}

    assert set(marks) == set(drawn)
    for kind, voxels in drawn.items():
        through = slice(0, 2) if kind == "box" else slice(0, 3)
        rounded = [[round(x) for x in point] for point in marks[kind]["points"]]
        assert [point[through] for point in rounded] == [v[through] for v in voxels]
    # The box begins as deep as it is wide and high on average, around its slice.
    low, high = np.sort(np.array(marks["box"]["points"]), axis=0)
    sides = (high - low) * np.linalg.norm(_affine(labeler)[:3, :3], axis=0)
    assert sides[2] == pytest.approx((sides[0] + sides[1]) / 2, rel=1e-3)
    assert (low[2] + high[2]) / 2 == pytest.approx(drawn["box"][0][2], abs=1e-3)
    assert [marks[kind]["plane"] for kind in ("rectangle", "point")] == ["axial", None]
    assert _page_marks(labeler) == [
        {key: mark[key] for key in page_mark}
        for page_mark, mark in zip(
            _page_marks(labeler), _kernel_marks(labeler), strict=True
        )
    ]


def test_lengths_and_angles_are_those_of_the_scan_s_affine(labeler: Page):
    _take(labeler, "line")
    labeler.mouse.click(*_place(labeler, 0.3, 0.3))
    _press_key(labeler, "PageUp")  # ten slices up: the line ends elsewhere
    labeler.mouse.click(*_place(labeler, 0.55, 0.5))
    _take(labeler, "angle")
    for place in [(0.6, 0.3), (0.7, 0.5), (0.8, 0.35)]:
        labeler.mouse.click(*_place(labeler, *place))

    line, angle = _kernel_marks(labeler)
    turn = _affine(labeler)[:3, :3]
    (start, end) = np.array(line["points"])
    assert abs(end[2] - start[2]) == 10
    length_mm = np.linalg.norm(turn @ (end - start))
    a, vertex, b = np.array(angle["points"])
    u, v = turn @ (a - vertex), turn @ (b - vertex)
    degrees = math.degrees(math.acos(u @ v / (np.linalg.norm(u) * np.linalg.norm(v))))
    assert _row_words(labeler, "Length 1") == f"{length_mm:.1f} mm"
    assert _row_words(labeler, "Angle 1") == f"{degrees:.1f}°"


def test_a_region_s_statistics_are_numpy_s(labeler: Page):
    _take(labeler, "roi")
    _drag(labeler, (0.3, 0.6), (0.45, 0.75))
    (mark,) = _kernel_marks(labeler)
    code = f"""
from numpy import ogrid
(i0, j0, k), (i1, j1, _) = {mark["points"]}
i, j = ogrid[: scan.shape[0], : scan.shape[1]]
inside = (
    ((i - (i0 + i1) / 2) / ((i1 - i0) / 2)) ** 2
    + ((j - (j0 + j1) / 2) / ((j1 - j0) / 2)) ** 2
) <= 1
values = scan.voxels[:, :, int(k)][inside].astype(float)
print(json.dumps([values.mean(), values.std(), values.min(), values.max(), values.size]))
"""
    mean, sd, low, high, count = json.loads(run_python(labeler, code))

    facts = dict(
        zip(
            labeler.locator(".medlab-Marks-facts dt").all_inner_texts(),
            labeler.locator(".medlab-Marks-facts dd").all_inner_texts(),
            strict=True,
        )
    )

    def number(name: str) -> float:
        return float(facts[name].split()[0])

    assert number("Mean") == pytest.approx(mean, rel=1e-5)
    assert number("SD") == pytest.approx(sd, rel=1e-5)
    assert [number("Min"), number("Max"), number("Voxels")] == [low, high, count]


def test_a_mark_is_moved_by_mouse_and_by_keys_and_each_is_one_step(labeler: Page):
    _take(labeler, "line")
    _drag(labeler, (0.3, 0.3), (0.5, 0.42))
    (before,) = _kernel_marks(labeler)
    _take(labeler, "crosshair")
    _drag(labeler, (0.5, 0.42), (0.6, 0.3))
    (moved,) = _kernel_marks(labeler)
    assert moved["points"][0] == before["points"][0]
    assert moved["points"][1] != before["points"][1]

    handle = "[data-handle='0'][tabindex='0']"
    labeler.locator(f".medlab-Plane >> nth=0 >> {handle}").focus()
    _press_key(labeler, "ArrowRight")
    (nudged,) = _kernel_marks(labeler)
    assert nudged["points"][0] == pytest.approx(
        [moved["points"][0][0] - 1, *moved["points"][0][1:]]
    ), "one pixel to the right is one voxel to the patient's left"
    _press_key(labeler, "Delete")
    assert _kernel_marks(labeler) == []

    for expected in ([nudged], [moved], [before], []):
        _press_key(labeler, "Control+z")
        if expected:
            assert _kernel_marks(labeler) == expected
    assert _kernel_marks(labeler) == []
    for expected in ([before], [moved], [nudged], []):
        _press_key(labeler, "Control+Shift+z")
        assert _kernel_marks(labeler) == expected


def test_a_length_is_drawn_by_keys_alone(labeler: Page):
    labeler.locator(".medlab-Plane").first.focus()
    _press_key(labeler, "d", "Shift+ArrowRight", "Space", "Space")
    _press_key(labeler, *["Shift+ArrowDown"] * 12, "Space", "Space")

    (line,) = _kernel_marks(labeler)
    start, end = np.array(line["points"])
    assert np.abs(end - start).tolist() == [0, 12, 0]
    labeler.locator(".medlab-MarkRow").focus()
    _press_key(labeler, "F2")
    labeler.keyboard.type("wall")
    _press_key(labeler, "Enter")
    assert [mark["name"] for mark in _kernel_marks(labeler)] == ["wall"]
    _press_key(labeler, "Delete")
    assert _kernel_marks(labeler) == []


def test_classes_of_scan_and_slice_are_kept(labeler: Page):
    labeler.get_by_role("button", name="Add a class").click()
    labeler.keyboard.type("motion")
    _press_key(labeler, "Tab")
    labeler.keyboard.type("none")
    _press_key(labeler, "Enter")
    labeler.locator(".medlab-Marks-form select").select_option("slice")
    labeler.get_by_label("Name of the class").fill(_HOSTILE)
    labeler.locator(".medlab-Marks-form input").nth(1).fill("good")
    _press_key(labeler, "Enter")

    scan, here = _kernel_marks(labeler)
    assert (scan["scope"], scan["name"], scan["value"]) == ("image", "motion", "none")
    assert (here["scope"], here["plane"]) == ("slice", "axial")
    crosshair = labeler.evaluate(f"() => {_EDITOR}.crosshair")
    assert here["points"] == [crosshair]
    words = labeler.locator(".medlab-Plane .medlab-Mark-text").all_text_contents()
    assert f"{_HOSTILE}: good" in words
    assert labeler.evaluate("() => window.hacked") is None


def test_segments_are_ordered_renamed_and_described_each_as_one_step(labeler: Page):
    def segments() -> list[list[Any]]:
        _settle(labeler)
        return _python(
            labeler,
            "[[s.name, s.state, s.opacity, s.code and s.code.value, s.locked]"
            " for s in labeler.layer.segments]",
        )

    start = segments()
    row = labeler.locator(".medlab-Segment").first
    row.focus()
    _press_key(labeler, "Alt+ArrowDown")
    assert [each[0] for each in segments()] == ["aorta", "heart", "nodule"]
    _press_key(labeler, "F2")
    labeler.keyboard.type(_HOSTILE)
    _press_key(labeler, "Enter")
    labeler.locator(".medlab-Segment").nth(1).click()
    labeler.get_by_label("State of this segment").select_option("flagged")
    labeler.locator(".medlab-Code-open").click()
    labeler.keyboard.type("heart")
    _press_key(labeler, "Enter")
    labeler.get_by_label("Opacity of this segment").focus()
    _press_key(labeler, "ArrowLeft")
    labeler.locator(".medlab-Segment").nth(1).get_by_title("Lock").click()
    end = segments()
    assert end[1] == [_HOSTILE, "flagged", 95, "80891009", True]
    assert labeler.locator(".medlab-Segment").nth(1).inner_text().endswith(_HOSTILE)
    assert labeler.evaluate("() => window.hacked") is None

    labeler.locator(".medlab-Plane").first.focus()
    _press_key(labeler, *["Control+z"] * 6)
    assert segments() == start
    _press_key(labeler, *["Control+y"] * 6)
    assert segments() == end


def test_a_removed_segment_comes_back_with_its_voxels(labeler: Page):
    run_python(
        labeler,
        "labeler.paint('aorta', numpy.ones((9, 7, 3), bool), at=(40, 50, 15))",
    )
    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(2)")
    count = "int((labeler.labels == 2).sum())"

    labeler.locator(".medlab-Segment").nth(1).focus()
    _press_key(labeler, "Delete")
    _settle(labeler)
    assert _python(labeler, count) == 0
    assert _python(labeler, "len(labeler.layer.segments)") == 2

    labeler.locator(".medlab-Plane").first.focus()
    _press_key(labeler, "Control+z")
    _settle(labeler)
    assert _python(labeler, count) == 9 * 7 * 3
    names = _python(labeler, "[s.name for s in labeler.layer.segments]")
    assert names == ["heart", "aorta", "nodule"]


def test_the_table_of_statistics_agrees_with_numpy(labeler: Page, pictures: Path):
    run_python(
        labeler,
        "labeler.paint('heart', numpy.ones((20, 16, 6), bool), at=(50, 60, 14))",
    )
    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(1)")
    labeler.get_by_role("button", name="Statistics of the segments").click()
    cells = labeler.locator(".medlab-Statistics tbody tr").first.locator("td")
    cells.first.wait_for()
    labeler.screenshot(path=pictures / "statistics.png")

    shown = [
        float(text.replace("\u202f", "").replace("–", "nan"))
        for text in cells.all_inner_texts()
    ]
    count, mean, sd, median, low, high, voxel_mm3 = _python(
        labeler,
        "[float(f(scan.voxels[labeler.labels == 1])) for f in"
        " (numpy.size, numpy.mean, numpy.std, numpy.median, numpy.min, numpy.max)]"
        " + [abs(float(numpy.linalg.det(scan.affine[:3, :3])))]",
    )
    expected = [count, count * voxel_mm3 / 1000, mean, sd, median, low, high]
    # The table shows three digits.
    assert shown[:7] == pytest.approx(expected, rel=6e-3, abs=0.006)

    run_python(
        labeler,
        "labeler.paint(None, numpy.ones((20, 16, 1), bool), at=(50, 60, 14))",
    )
    labeler.wait_for_selector(".medlab-Statistics.medlab-mod-stale")
    labeler.locator(".medlab-Statistics").get_by_title("Close").click()
    assert labeler.locator(".medlab-Statistics").count() == 0


def test_another_layer_holds_what_overlaps_and_the_first_is_shown_below(
    labeler: Page, pictures: Path
):
    run_python(
        labeler,
        "labeler.paint('heart', numpy.ones((30, 30, 8), bool), at=(50, 60, 14))",
    )
    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(1)")
    labeler.get_by_role("button", name="Add a layer").click()
    labeler.keyboard.type("second reader")
    _press_key(labeler, "Enter")
    labeler.wait_for_function(f"() => {_EDITOR}.labels.name === 'second reader'")
    labeler.wait_for_function(f"() => !{_EDITOR}.labels.data.includes(1)")
    _take(labeler, "brush")
    _drag(labeler, (0.48, 0.45), (0.52, 0.47))
    _settle(labeler)
    labeler.screenshot(path=pictures / "layers.png")

    drawn = "Layer.open(labeler._home, scan, 'second reader').voxels"
    assert _python(labeler, f"int(({drawn} > 0).sum())") > 0
    overlap = f"int((({drawn} > 0) & (labeler.labels == 1)).sum())"
    assert _python(labeler, overlap) > 0
    assert _python(labeler, "int((labeler.labels == 1).sum())") == 30 * 30 * 8

    labeler.locator(".medlab-Layer", has_text="marked").click()
    labeler.wait_for_function(f"() => {_EDITOR}.labels.name === 'marked'")
    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(1)")


def test_marks_and_their_history_survive_a_reload(labeler: Page):
    _take(labeler, "line")
    _drag(labeler, (0.3, 0.3), (0.5, 0.42))
    _take(labeler, "point")
    labeler.mouse.click(*_place(labeler, 0.2, 0.5))
    marks = _kernel_marks(labeler)
    assert [mark["kind"] for mark in marks] == ["line", "point"]

    labeler.reload()
    wait_for_lab(labeler)
    _show_labeler(labeler)

    assert _kernel_marks(labeler) == marks
    assert _without_id(_page_marks(labeler)) == [
        {key: mark[key] for key in page_mark}
        for page_mark, mark in zip(
            _without_id(_page_marks(labeler)), marks, strict=True
        )
    ]
    labeler.locator(".medlab-Plane").first.focus()
    _press_key(labeler, "Control+z")
    assert _kernel_marks(labeler) == marks[:1]
    _press_key(labeler, "Control+Shift+z")
    assert _kernel_marks(labeler) == marks
