"""How long undo of a million voxels takes, and a stroke's way into the server's journal.

Undo: 512 x 512 x 600 in Chromium without a GPU, three planes on show, a ball of 10^6 voxels.
Stroke: a real JupyterLab on this machine, from the release of the mouse to the
acknowledgement (the edit is on disk). Run `python tests/bench/durability.py`; it prints
milliseconds.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.brush import SHAPE, SPACING, describe, open_editor
from tests.support.durability import EDITOR, Drawing, add_scan, browser_profile
from tests.support.lab import Lab

TURNS = 30
STROKES = 40

# A ball in the middle, committed as one step; then it is taken back and done again.
_UNDO = """
turns => {
  const editor = window.editor, session = editor._session;
  const { labels } = editor;
  const [I, J, K] = labels.shape, R = 62;
  const [ci, cj, ck] = [I >> 1, J >> 1, K >> 1];
  const box = [ci - R, ci + R + 1, cj - R, cj + R + 1, ck - R, ck + R + 1];
  const runs = values => {
    const out = [];
    for (let at = 0; at < values.length; ) {
      let end = at + 1;
      while (end < values.length && values[end] === values[at]) end++;
      out.push([end - at, values[at]]);
      at = end;
    }
    const bytes = new Uint8Array(6 * out.length);
    const view = new DataView(bytes.buffer);
    out.forEach(([count, value], run) => {
      view.setUint32(6 * run, count, true);
      view.setUint16(6 * run + 4, value, true);
    });
    return bytes;
  };
  const before = [], after = [];
  let count = 0;
  for (let k = -R; k <= R; k++) for (let j = -R; j <= R; j++)
    for (let i = -R; i <= R; i++) {
      const at = ci + i + I * (cj + j + J * (ck + k));
      const isIn = i * i + j * j + k * k <= R * R;
      before.push(labels.data[at]);
      after.push(isIn ? 2 : labels.data[at]);
      if (isIn) { count++; labels.data[at] = 2; }
    }
  session.commit([
    { tool: 'brush', seg: 2, box, before: runs(before), after: runs(after) }
  ]);
  editor.flush();
  const times = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const what of ['undo', 'redo']) {
      const start = performance.now();
      session[what]();
      editor.flush();
      times.push(performance.now() - start);
    }
  }
  return { count, times };
}
"""

# From the release of the mouse until nothing waits any more.
_WATCH = """
editor => {
  const session = eval(editor)._session;
  window.released = [];
  window.kept = [];
  window.saved = [];
  let start = 0;
  window.addEventListener('pointerup', () => { start = performance.now(); }, true);
  session.changed.connect(() => {
    const now = performance.now() - start;
    if (start && session.place === 'browser' && window.kept.length <= window.saved.length)
      window.kept.push(now);
    if (start && session.state === 'saved' && session.waiting === 0) {
      window.saved.push(now);
      start = 0;
    }
  });
}
"""


def main() -> None:
    print(f"{'x'.join(map(str, SHAPE))}, {os.cpu_count()} cores, ms")
    with open_editor(SHAPE, SPACING) as page:
        measured = page.evaluate(_UNDO, TURNS)
        figures = json.dumps(describe(measured["times"]))
        print(f"undo and redo of {measured['count']} voxels {figures}  mark: p95 <= 30")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        root.mkdir()
        lab = Lab(root)
        lab.start()
        try:
            scan = add_scan(lab, "bench")
            with browser_profile(Path(name) / "profile") as context:
                drawing = Drawing(lab, context.pages[0], scan).open()
                drawing.page.evaluate(_WATCH, EDITOR)
                for stroke in range(STROKES):
                    drawing.stroke(0.3, y=0.3 + 0.4 * stroke / STROKES)
                    drawing.page.wait_for_function(
                        "n => window.saved.length === n", arg=stroke + 1
                    )
                saved = describe(drawing.page.evaluate("window.saved"))
                print(
                    f"stroke end to acknowledged  {json.dumps(saved)}  mark: p95 <= 150"
                )
                kept = drawing.page.evaluate("window.kept")
                if kept:
                    print(f"stroke end to in the browser {json.dumps(describe(kept))}")
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
