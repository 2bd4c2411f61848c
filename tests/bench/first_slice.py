"""Time how soon somebody sees a scan of 512 x 512 x 600 in the scan document.

    python -m tests.bench.first_slice [--folder DIR] [--slices 600]

A DICOM series of that size is made in a temporary folder (300 MB), a JupyterLab is started
on loopback, and a real browser opens the scan as a click in the list does. Timed until the
axial plane has a picture, and until every voxel is in the browser: cold (never decoded, no
worker at hand), and once more in a fresh page. Marks: 4 s cold and 0.5 s from the cache for
the first slice, 3 s from the cache for all of it.
"""

import argparse
import platform
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.bench.serving import SIDE, write_series
from tests.support.lab import Lab, open_browser, running_lab

_OPEN = """async args => {
  const start = performance.now();
  const since = () => (performance.now() - start) / 1000;
  const found = what => new Promise(resolve => {
    const look = () => {
      const value = what();
      if (value) { resolve(value); } else { requestAnimationFrame(look); }
    };
    look();
  });
  void window.jupyterapp.commands.execute('medlab:open-scan', args);
  await found(() => {
    const canvas = document.querySelector('.medlab-mod-axial .medlab-Plane-image');
    const middle = canvas?.getContext('2d')
      .getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
    return middle?.data[3] === 255;
  });
  await new Promise(resolve => requestAnimationFrame(resolve));
  const seen = since();
  const editor = window.jupyterapp.shell.currentWidget.content._editor;
  await found(() => editor.volume.isWhole);
  return { seen, whole: since() };
}"""


def _time(lab: Lab, page: Page, scan: dict[str, Any]) -> str:
    lab.open(page)
    page.wait_for_timeout(3000)  # JupyterLab itself has settled.
    told = page.evaluate(_OPEN, {"id": scan["id"], "path": scan["path"]})
    return f"first slice {told['seen']:6.2f} s   all of it {told['whole']:6.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the series is made")
    parser.add_argument("--slices", type=int, default=600)
    options = parser.parse_args()
    python = platform.python_version()
    print(f"{platform.machine()}, Python {python}, {SIDE} x {SIDE} x {options.slices}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = Path(folder) / "root"
        write_series(root / "ct", options.slices)
        with running_lab(root) as lab:
            (scan,) = lab.scans()
            with open_browser(lab) as page:
                print("cold           ", _time(lab, page, scan), flush=True)
                for _ in range(3):
                    print("from the cache ", _time(lab, page, scan), flush=True)


if __name__ == "__main__":
    main()
