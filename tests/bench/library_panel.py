"""Time the scan panel with 100,000 series: in a browser, against a real server.

Marks: first rows within 1 s, rows of the new words within 200 ms of a keystroke, and a
list that scrolls without stutter.

    python -m tests.bench.library_panel --rounds 5
"""

import argparse
import platform
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support.lab import Lab, open_browser
from tests.support.many_scans import TYPED, make_library

WORDS = ("chest mr 2015", "S099999", "müller", "knee thin")
FRAMES = 300
_FRAME_MS = 1000 / 60

_FIRST = """async () => {
  const start = performance.now();
  void window.jupyterapp.commands.execute('medlab:show-scans');
  while (!document.querySelector('.medlab-ScanRow:not(.medlab-mod-waiting)')) {
    await new Promise(done => requestAnimationFrame(done));
  }
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
# Times between frames while the list moves `step` CSS pixels a frame.
_SCROLLED = """async ([step, count]) => {
  const list = document.querySelector('.medlab-ScanBrowser-list');
  list.scrollTop = 0;
  const times = [];
  let last = await new Promise(done => requestAnimationFrame(done));
  for (let i = 0; i < count; i++) {
    list.scrollTop += step;
    const now = await new Promise(done => requestAnimationFrame(done));
    times.push(now - last);
    last = now;
  }
  return times;
}"""


def measure_first(lab: Lab, page: Page, rounds: int) -> None:
    times = []
    for _ in range(rounds):
        lab.open(page)
        page.wait_for_timeout(1500)
        times.append(page.evaluate(_FIRST))
    tell("first rows", times)


def measure_typing(page: Page, rounds: int) -> None:
    """Each word is typed letter by letter, and taken back again."""
    typed: list[float] = []
    for _ in range(rounds):
        for words in WORDS:
            for end in range(1, len(words) + 1):
                typed.append(page.evaluate(TYPED, words[:end]))
            typed.append(page.evaluate(TYPED, ""))
    tell("a keystroke until its rows", typed)


def measure_scrolling(page: Page, rounds: int) -> None:
    """A wheel, a thumb dragged through pages, and one through the whole list."""
    for what, step in (("wheel", 40), ("fast wheel", 240), ("thumb", 25_000)):
        times: list[float] = []
        for _ in range(rounds):
            times += page.evaluate(_SCROLLED, [step, FRAMES])
        lost = sum(max(0, round(ms / _FRAME_MS) - 1) for ms in times)
        share = 100 * lost / (len(times) + lost)
        tell(f"scrolling, {what}: between frames", times)
        print(f"{'':40} {lost} of {len(times) + lost} frames lost ({share:.1f} %)")


def measure_idle(page: Page) -> None:
    """The same loop with a list that does not move: what the machine itself loses."""
    times = page.evaluate(_SCROLLED, [0, FRAMES])
    lost = sum(max(0, round(ms / _FRAME_MS) - 1) for ms in times)
    tell("list at rest: between frames", times)
    print(f"{'':40} {lost} of {len(times) + lost} frames lost")


def tell(what: str, times_ms: list[Any]) -> None:
    ordered = sorted(times_ms)
    slow = ordered[min(round(0.95 * len(ordered)), len(ordered) - 1)]
    print(
        f"{what:40} median {statistics.median(ordered):6.1f} ms  95 % {slow:6.1f} ms  "
        f"most {ordered[-1]:6.1f} ms  n={len(ordered)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(platform.platform(), f"{given.rows} series")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        make_library(root, given.rows)
        lab = Lab(root)
        lab.start()
        try:
            lab.scans(timeout_s=120)
            with open_browser(lab) as page:
                # The made rows have no pictures: asking for them is not what is timed.
                page.route("**/thumbnail*", lambda r: r.fulfill(status=404, body="{}"))
                measure_first(lab, page, given.rounds)
                measure_typing(page, given.rounds)
                page.evaluate(TYPED, "")
                measure_idle(page)
                measure_scrolling(page, given.rounds)
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
