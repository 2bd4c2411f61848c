"""Time brush events at 512 x 512 x 600 in a real Chromium.

One event is what the browser runs for one pointer move while the button is down: the
handler (labels painted, dirty boxes noted) and the drawing of the planes, taken together
with `performance.now`. Putting the canvas on the screen is the compositor's work, on
another thread, and is not in it.

    python -m tests.bench.brush
"""

import functools
import http.server
import json
import os
import platform
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.support.lab import find_chromium

ROOT = Path(__file__).parents[2]
SHAPE = [512, 512, 600]
SPACING = [0.7, 0.7, 0.7]
# Marks of the issue, for the 95th percentile, in ms.
MARKS = {
    "disc, one plane": 4.0,
    "ball, three planes": 16.0,
    "large ball, three planes": 16.0,
    "next slice, three planes": 16.0,
    "livewire, hovering": 16.0,
    "region grow, hovering": 16.0,
}

_MEASURE = """
async ({isBall, radius_mm, planes}) => {
  const {editor} = window;
  editor.showLayout(planes === 3 ? 'grid' : 'axial');
  editor.settings.set({tool: 'brush', isBall, radius_mm});
  const view = editor.views[0];
  const frame = view.stage.getBoundingClientRect();
  const event = (type, t) => new PointerEvent(type, {
    pointerId: 1, button: 0, buttons: 1, bubbles: true,
    clientX: frame.left + frame.width * (0.5 + 0.3 * Math.cos(t / 20)),
    clientY: frame.top + frame.height * (0.5 + 0.3 * Math.sin(t / 14))
  });
  const times = [];
  const rest = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  for (let stroke = 0; stroke < 6; stroke++) {
    editor.settings.set({segment: 1 + stroke % 2});
    const t0 = stroke * 60;
    view.stage.dispatchEvent(event('pointerdown', t0));
    for (let t = t0 + 1; t <= t0 + 50; t++) {
      await rest();
      const start = performance.now();
      view.stage.dispatchEvent(event('pointermove', t));
      editor.flush();
      times.push(performance.now() - start);
    }
    const start = performance.now();
    view.stage.dispatchEvent(event('pointerup', t0 + 50));
    window.ends.push(performance.now() - start);
    let longest = 0;
    for (let last = performance.now(); editor.saveState !== 'saved';) {
      await new Promise(done => setTimeout(done));
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    window.after.push(longest);
  }
  return times;
}
"""

_SCROLL = """
async ([planes, axes]) => {
  const {editor} = window;
  editor.showLayout(planes === 3 ? 'grid' : 'axial');
  editor.flush();
  const times = [];
  for (let t = 0; t < 100; t++) {
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const start = performance.now();
    const [i, j] = axes === 3 ? [100 + 3 * t, 120 + 2 * t] : [256, 256];
    editor.crosshair = [i, j, 100 + 4 * t];
    editor.flush();
    times.push(performance.now() - start);
  }
  return times;
}
"""

_HOVER = """
async tool => {
  const {editor} = window;
  editor.showLayout('grid');
  editor.settings.set({tool, isBall: false, segment: 1});
  editor.crosshair = [256, 256, 300];
  editor.flush();
  const view = editor.views[0];
  const frame = view.stage.getBoundingClientRect();
  const event = (type, t) => new PointerEvent(type, {
    pointerId: 1, button: type === 'pointermove' ? -1 : 0, bubbles: true,
    clientX: frame.left + frame.width * (0.5 + 0.3 * Math.cos(t / 20)),
    clientY: frame.top + frame.height * (0.5 + 0.3 * Math.sin(t / 14))
  });
  const rest = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  if (tool === 'livewire') {
    view.stage.dispatchEvent(event('pointermove', 0));
    view.stage.dispatchEvent(event('pointerdown', 0));
    view.stage.dispatchEvent(event('pointerup', 0));
  }
  for (let t = 1; t <= 150; t++) {
    await rest();
    const start = performance.now();
    view.stage.dispatchEvent(event('pointermove', t));
    editor.flush();
    times.push(performance.now() - start);
  }
  view.node.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
  return times;
}
"""


@contextmanager
def open_editor(
    shape: list[int], spacing: list[float], css: str = "", width: int = 1400
) -> Iterator[Page]:
    """Yield a page that shows the editor on a made-up chest, without Jupyter."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("No Chromium found: install it, or set MEDLAB_CHROMIUM.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [
                *("node_modules/.bin/esbuild", "tests/bench/editor_page.ts"),
                *("--bundle", "--format=esm", "--minify", "--log-level=warning"),
                f"--outfile={folder / 'page.js'}",
            ],
            cwd=ROOT,
            check=True,
        )
        styles = ("editor", "effects", "labeling", "marks", "saving", "segments")
        sheets = [ROOT / f"labextension/style/{name}.css" for name in styles]
        style = "".join(sheet.read_text() for sheet in sheets) + css
        (folder / "index.html").write_text(
            f"<!doctype html><meta charset=utf-8><style>body{{margin:0}}{style}</style>"
            "<div id=host style='height:100vh'></div>"
            "<script type=module src=page.js></script>"
        )
        quiet = functools.partial(_Quiet, directory=name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.set_default_timeout(180_000)
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            page.wait_for_function("() => !!window.start")
            page.evaluate(
                "options => window.start(options)",
                {
                    "shape": shape,
                    "spacing": spacing,
                    "planes": ["axial", "sagittal", "coronal"],
                },
            )
            yield page
            browser.close()
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def describe(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    at = lambda q: round(ordered[min(len(ordered) - 1, int(q * len(ordered)))], 2)  # noqa: E731
    return {"events": len(times), "p50": at(0.5), "p95": at(0.95), "max": at(1.0)}


def mark_of(name: str) -> str:
    return f"  mark: p95 <= {MARKS[name]}" if name in MARKS else ""


def main() -> None:
    with open_editor(SHAPE, SPACING) as page:
        settings = {
            "disc, one plane": {"isBall": False, "radius_mm": 10, "planes": 1},
            "disc, three planes": {"isBall": False, "radius_mm": 10, "planes": 3},
            "ball, three planes": {"isBall": True, "radius_mm": 12, "planes": 3},
            "large ball, three planes": {"isBall": True, "radius_mm": 25, "planes": 3},
        }
        load = f"load {os.getloadavg()[0]:.1f}"
        print(
            f"{'x'.join(map(str, SHAPE))}, {os.cpu_count()} cores, {load}, ms an event"
        )
        for name, setting in settings.items():
            page.evaluate("() => { window.ends = []; window.after = []; }")
            figures = describe(page.evaluate(_MEASURE, setting))
            print(f"{name:26} {json.dumps(figures)}{mark_of(name)}")
            ends = describe(page.evaluate("window.ends"))
            print(f"{'  end of a stroke':26} {json.dumps(ends)}")
            after = describe(page.evaluate("window.after"))
            print(f"{'  longest task until saved':26} {json.dumps(after)}")
        scrolls = {
            "next slice, one plane": (1, 1),
            "next slice, three planes": (3, 1),
            "crosshair, three planes": (3, 3),
        }
        for name, (planes, axes) in scrolls.items():
            figures = describe(page.evaluate(_SCROLL, [planes, axes]))
            print(f"{name:26} {json.dumps(figures)}{mark_of(name)}")
        for name, tool in {"livewire": "livewire", "region grow": "grow"}.items():
            figures = describe(page.evaluate(_HOVER, tool))
            name += ", hovering"
            print(f"{name:26} {json.dumps(figures)}{mark_of(name)}")
        version = page.evaluate("navigator.userAgent").rpartition("Chrome/")[2]
        print(f"Chromium {version.split()[0]}, {platform.machine()}")


if __name__ == "__main__":
    main()
