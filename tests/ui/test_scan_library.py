"""The scan browser with a hundred thousand series, and with hostile ones.

Bounds are generous: other work may share the machine. What was measured is printed.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.hostile_text import INJECTIONS
from tests.support.lab import Lab, execute, open_browser, running_lab
from tests.support.many_scans import ERROR, TYPED, WARNING, make_library

COUNT = 100_000
_LIST = ".medlab-ScanBrowser-list"
_COUNT = ".medlab-ScanBrowser-count"
_ROW = ".medlab-ScanRow"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("library") / "root"
    root.mkdir()
    make_library(root, COUNT)
    with running_lab(root) as lab:
        lab.scans(timeout_s=120)
        yield lab


@pytest.fixture
def page(lab: Lab) -> Iterator[Page]:
    # What a test before this one chose is not remembered.
    shutil.rmtree(lab.settings / "user-settings", ignore_errors=True)
    with open_browser(lab) as page:
        page.route("**/thumbnail*", lambda r: r.fulfill(status=404, body="{}"))
        yield page


def _show(lab: Lab, page: Page) -> None:
    lab.open(page)
    execute(page, "medlab:show-scans")
    expect(page.locator(f"{_ROW}:not(.medlab-mod-waiting)").first).to_be_visible()


def test_a_hundred_thousand_series_are_there_within_a_second(
    lab: Lab, page: Page, pictures: Path
) -> None:
    lab.open(page)
    first_ms = page.evaluate(
        """async () => {
          const start = performance.now();
          void window.jupyterapp.commands.execute('medlab:show-scans');
          while (!document.querySelector('.medlab-ScanRow:not(.medlab-mod-waiting)')) {
            await new Promise(done => requestAnimationFrame(done));
          }
          return performance.now() - start;
        }"""
    )
    expect(page.locator(_COUNT)).to_have_text("100,000 scans")
    assert page.locator(_ROW).count() < 40
    page.locator(_ROW).nth(2).click()
    page.screenshot(path=pictures / "scan-library-light.png")

    typed_ms = {
        words: round(page.evaluate(TYPED, words))
        for words in ("c", "ch", "che", "chest", "chest mr", "chest mr 2015", "S099999")
    }
    page.evaluate(TYPED, "")
    expect(page.locator(_COUNT)).to_have_text("100,000 scans")
    print(f"first rows {first_ms:.0f} ms; keystroke to rows {typed_ms} ms")
    assert first_ms < 4000
    assert max(typed_ms.values()) < 4000


@pytest.mark.skipif(os.environ.get("MEDLAB_LONG") != "1", reason="make test-long")
def test_a_hundred_thousand_series_scroll_without_stutter(lab: Lab, page: Page) -> None:
    _show(lab, page)
    devtools = page.context.new_cdp_session(page)
    # The processor's time, not the clock's: what other processes take does not count.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _work_s(devtools)
    frames = page.evaluate(
        """async () => {
          const list = document.querySelector('.medlab-ScanBrowser-list');
          const times = [];
          for (let i = 0; i < 120; i++) {
            list.scrollTop += i % 10 ? 190 : 57000;
            const start = performance.now();
            await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            times.push(performance.now() - start);
          }
          times.sort((a, b) => a - b);
          return { median: times[60], p95: times[114], most: times[119] };
        }"""
    )
    work_ms = (_work_s(devtools) - before) / 120 * 1000
    print(f"scrolling: {work_ms:.1f} ms of work a frame; frames took {frames}")
    assert work_ms < 50

    page.locator(_LIST).press("End")
    expect(page.locator(f"{_ROW}.medlab-mod-active")).to_contain_text("S099999")
    assert page.locator(_ROW).count() < 40
    active = page.locator(_LIST).get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").count() == 1


def test_patients_open_into_studies_and_series_by_keyboard(
    lab: Lab, page: Page, pictures: Path
) -> None:
    _show(lab, page)
    page.get_by_label("Group by patient and study").click()
    tree = page.locator(f"{_LIST}[role=treegrid]")
    expect(tree).to_have_attribute("aria-rowcount", "25000")
    expect(page.get_by_text("Patient 1", exact=True)).to_be_visible()
    tree.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(tree).to_have_attribute("aria-rowcount", "25006")
    active = page.locator(f"{_ROW}.medlab-mod-active")
    expect(active).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("aria-level", "3")
    page.screenshot(path=pictures / "scan-library-tree.png")
    for _ in ("to the study", "closes it", "to the patient", "closes it"):
        page.keyboard.press("ArrowLeft")
    expect(tree).to_have_attribute("aria-rowcount", "25000")
    page.keyboard.press("End")
    expect(active).to_contain_text("Patient 25000")

    # Remembered: a reload shows patients again.
    page.wait_for_timeout(500)
    page.reload()
    lab.open(page)
    execute(page, "medlab:show-scans")
    expect(page.locator(f"{_LIST}[role=treegrid]")).to_be_visible()
    page.get_by_label("Group by patient and study").click()
    expect(page.locator(f"{_LIST}[role=listbox]")).to_be_visible()
    page.wait_for_timeout(500)


def test_patients_are_named_only_while_somebody_wants_it(lab: Lab, page: Page) -> None:
    told: list[str] = []
    page.on("response", lambda reply: told.append(_body_of(reply)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _show(lab, page)
    page.locator(_ROW).nth(2).click()
    names = page.get_by_role("switch", name="Show patient names")
    expect(names).to_have_attribute("aria-checked", "false")
    assert not [text for text in told if "Patient^Nr" in text or "ID0000" in text]

    names.click()
    expect(page.locator(".medlab-ScanDetails")).to_contain_text("Patient^Nr00000")
    expect(page.locator(".medlab-ScanBrowser [role=status]").last).to_have_text(
        "Patient names are shown"
    )
    page.get_by_label("Filter scans").fill("Nr00007")
    expect(page.locator(_COUNT)).to_have_text("4 of 100,000 scans")
    names.click()
    expect(page.locator(".medlab-ScanBrowser [role=status]").last).to_have_text(
        "Patient names are hidden"
    )
    expect(page.locator(".medlab-ScanBrowser")).not_to_contain_text("Patient^Nr")
    assert not [url for url in asked if "Nr0000" in url]
    page.get_by_label("Filter scans").fill("")


def test_problems_are_filtered_and_told_word_by_word(
    lab: Lab, page: Page, pictures: Path
) -> None:
    _show(lab, page)
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(_COUNT)).to_have_text("1,000 of 100,000 scans")
    page.locator(_ROW).nth(1).click()
    error = page.locator(".medlab-ScanDetails .medlab-ScanProblem")
    for sentence in ERROR.split(". "):
        expect(error).to_contain_text(sentence)
    page.screenshot(path=pictures / "scan-library-errors-light.png")

    page.get_by_role("button", name="Warnings").click()
    expect(page.locator(_COUNT)).to_have_text("5,000 of 100,000 scans")
    page.locator(_ROW).nth(1).click()
    expect(page.locator(".medlab-ScanProblem li")).to_have_text(WARNING)
    page.screenshot(path=pictures / "scan-library-warnings-light.png")

    _dark(page)
    page.screenshot(path=pictures / "scan-library-warnings-dark.png")
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(_COUNT)).to_have_text("1,000 of 100,000 scans")
    page.locator(_ROW).nth(1).click()
    expect(page.locator(".medlab-ScanProblem.medlab-mod-error")).to_be_visible()
    page.screenshot(path=pictures / "scan-library-errors-dark.png")
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(_COUNT)).to_have_text("100,000 scans")
    page.screenshot(path=pictures / "scan-library-dark.png")
    page.emulate_media(forced_colors="active")
    page.screenshot(path=pictures / "scan-library-contrast.png")


def test_sizes_in_pixels_volumes_and_label_files_are_shown(
    lab: Lab, page: Page, pictures: Path
) -> None:
    _show(lab, page)
    page.get_by_label("Filter scans").fill("S000008")
    row = page.locator(_ROW)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("0.7×0.7×1.25 px")
    page.get_by_label("Filter scans").fill("S000011")
    expect(row).to_contain_text("30 volumes")
    row.click()
    page.get_by_label("Volume", exact=True).select_option("4")
    page.screenshot(path=pictures / "scan-library-4d.png")
    page.get_by_label("Filter scans").fill("S000002")
    expect(row).to_contain_text("1 label file")
    row.click()
    button = page.get_by_role("button", name="Show the labels of Lungs")
    expect(button).to_be_enabled()


def test_forty_hostile_names_stay_text_everywhere(lab: Lab, page: Page) -> None:
    """As patient, description, study and file name; in rows, details, tabs, cells, tags."""
    (example,) = lab.post("medlab/scans/search", {"limit": 1})["scans"]
    hostile = [_hostile(example, n, text) for n, text in enumerate(INJECTIONS)]
    assert len(hostile) >= 40
    _serve(page, hostile)
    _show(lab, page)
    page.get_by_role("switch", name="Show patient names").click()
    text_of_rows = ""
    for n, words in enumerate(INJECTIONS):
        page.locator(_LIST).press("Home" if n == 0 else "ArrowDown")
        active = page.locator(f"{_ROW}.medlab-mod-active")
        expect(active).to_have_attribute("aria-posinset", str(n + 1))
        assert (active.get_attribute("title") or "") == f"scans/{words}"
        text_of_rows = active.text_content() or ""
        assert words in text_of_rows
        assert words in (page.locator(".medlab-ScanDetails").text_content() or "")
    _tree_is_text(page)
    execute(page, "medlab:show-selected-scan-header")
    expect(page.locator(".medlab-Tags-row").first).to_be_visible()
    assert INJECTIONS[-1] in (page.locator(".medlab-Tags").text_content() or "")
    tab = page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    assert INJECTIONS[-1] in (tab.text_content() or "")
    page.locator(_LIST).press("Enter")
    expect(page.locator(".medlab-ScanView-name")).to_contain_text(INJECTIONS[-1])
    _nothing_ran(page)


def _work_s(devtools: Any) -> float:
    """Seconds that the page spent with scripts, styles and layout until now."""
    told = devtools.send("Performance.getMetrics")["metrics"]
    wanted = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    return float(sum(one["value"] for one in told if one["name"] in wanted))


def _tree_is_text(page: Page) -> None:
    page.get_by_label("Group by patient and study").click()
    expect(page.locator(f"{_ROW}.medlab-mod-patient").first).to_be_visible()
    shown = page.locator(_LIST).text_content() or ""
    assert INJECTIONS[0] in shown
    page.get_by_label("Group by patient and study").click()
    expect(page.locator(f"{_ROW}.medlab-mod-patient")).to_have_count(0)
    expect(page.locator(_ROW).first).to_be_visible()
    page.locator(_LIST).press("End")
    active = page.locator(f"{_ROW}.medlab-mod-active")
    expect(active).to_have_attribute("aria-posinset", str(len(INJECTIONS)))


def _nothing_ran(page: Page) -> None:
    assert page.evaluate("() => window.__hostile") is None
    strays = page.evaluate(
        """() => document.querySelectorAll(
          '.medlab-ScanBrowser :is(script, iframe, object, embed, svg [onbegin], video, ' +
          'audio, form, style, link, base, meta, math), [onerror], [onload], [onfocus]'
        ).length"""
    )
    assert strays == 0


def _hostile(example: dict[str, Any], n: int, text: str) -> dict[str, Any]:
    return {
        **example,
        **{"id": f"{n:016x}", "name": text, "path": f"scans/{text}", "series": None},
        **{"patient": text, "patient_id": text, "study": text, "description": text},
        **{"date": text, "body_part": text, "modality": text, "layers": [text]},
        **{"labels": True, "warnings": [text], "error": None, "frames": 2},
        **{"frame_kind": "volume", "frame_values": [text, text]},
        "attachments": [{"kind": "seg", "path": text, "name": text}],
    }


def _serve(page: Page, scans: list[dict[str, Any]]) -> None:
    """Answer in the server's place."""
    idle = {"state": "idle", "done": 0, "total": None, "found": 0, "error": None}

    def answer(route: Any, request: Any) -> None:
        path = request.url.partition("/medlab/scans/")[2].partition("?")[0]
        body = json.loads(request.post_data or "{}")
        start = body.get("offset", 0)
        end = start + body.get("limit", 0)
        if path == "search":
            total = len(scans)
            reply: dict[str, Any] = {"scans": scans[start:end], "total": total}
            reply |= {"all": total, "revision": 1, "indexing": idle}
        elif path == "groups":
            groups = [
                {
                    **{"key": scan["id"][4:], "label": scan["patient"], "scans": 1},
                    **{"detail": scan["patient"], "date": scan["patient"]},
                    "modalities": [scan["patient"]],
                }
                for scan in scans
            ]
            reply = {"groups": groups[start:end], "total": len(groups)}
        elif path.endswith("/tags"):
            keys = ("tag", "keyword", "vr", "value")
            tags = [
                dict.fromkeys(keys, scan["name"])
                | {"depth": 0, "is_private": False, "identifies": True}
                for scan in scans
            ]
            reply = {"tags": tags[start:end], "total": len(tags)}
        else:
            reply = idle
        route.fulfill(json=reply)

    page.route("**/medlab/scans/**", answer)
    page.route("**/thumbnail*", lambda r: r.fulfill(status=404, body="{}"))


def _dark(page: Page) -> None:
    page.evaluate(
        """() => window.jupyterapp.commands.execute(
          'apputils:change-theme', { theme: 'JupyterLab Dark' })"""
    )
    page.wait_for_function(
        "() => document.body.dataset.jpThemeLight === 'false'", timeout=30_000
    )
    page.wait_for_timeout(500)


def _body_of(reply: Any) -> str:
    is_ours = "/medlab/scans" in reply.url and "thumbnail" not in reply.url
    return str(reply.text()) if is_ours else ""
