"""A small scan opened to be drawn on in JupyterLab, and what is left of it on disk."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext, Error, Page, sync_playwright

from medlab.labels import Layer
from tests.support.lab import Lab, chromium_arguments, find_chromium, wait_for_lab
from tests.support.scans import make_volume, write_nifti_by_nibabel

SHAPE = (40, 36, 12)
EDITOR = "window.jupyterapp.shell.currentWidget.content._editor"


def add_scan(lab: Lab, name: str) -> str:
    """Put a scan of its own below the lab's root; returns its path there."""
    volume = make_volume(SHAPE)
    path = lab.root / f"{name}.nii.gz"
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)
    return path.name


@contextmanager
def browser_profile(folder: Path) -> Iterator[BrowserContext]:
    """A browser whose storage lies in `folder`, as a person's does."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder),
            executable_path=find_chromium(),
            args=chromium_arguments(),
            viewport={"width": 1300, "height": 850},
            accept_downloads=True,
        )
        context.set_default_timeout(30_000)
        try:
            yield context
        finally:
            # A test may have killed it.
            with suppress(Error):
                context.close()


@dataclass
class Drawing:
    """The editor of one scan in one page."""

    lab: Lab
    page: Page
    scan: str
    scan_id: str = ""

    def open(self) -> "Drawing":
        """Load JupyterLab with the scan, and begin to annotate."""
        if not self.scan_id:
            scans = self.lab.scans()
            self.scan_id = next(s["id"] for s in scans if s["path"] == self.scan)
        self.lab.open(self.page, self.scan)
        return self.annotate()

    def reload(self) -> "Drawing":
        self.page.goto(f"{self.lab.url}/lab/tree/{self.scan}?reset")
        wait_for_lab(self.page)
        return self.annotate()

    def annotate(self) -> "Drawing":
        self.page.wait_for_selector(".medlab-ScanView-annotate:not([disabled])")
        self.page.locator(".medlab-ScanView-annotate").press("Enter")
        self.page.wait_for_selector(
            ".medlab-ScanView .medlab-Editor[data-tools='true']"
        )
        self.page.evaluate(f"() => {EDITOR}.ready")
        # JupyterLab's own box about a lost connection would lie over the planes.
        self.page.add_style_tag(content=".jp-Dialog { display: none !important; }")
        return self

    def press(self, x: float, y: float = 0.5, to: float = 0.1) -> None:
        """Draw in the axial plane, in parts of its width, without letting go."""
        stage = self.page.locator(".medlab-Plane-stage").first.bounding_box()
        assert stage is not None
        left, top = stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        self.page.mouse.move(left + to * stage["width"], top, steps=3)

    def stroke(self, x: float, y: float = 0.5, to: float = 0.1) -> None:
        self.press(x, y, to)
        self.page.mouse.up()

    def key(self, key: str) -> None:
        """Press a key where the keys of the editor mean something."""
        self.page.evaluate(f"() => {EDITOR}._planes.focused.node.focus()")
        self.page.keyboard.press(key)

    def wait_for_place(self, *places: str) -> None:
        """Wait until the words below the planes say that it is kept there."""
        wanted = ",".join(f".medlab-Status-save[data-place='{p}']" for p in places)
        self.page.wait_for_selector(wanted)

    def wait_until_saved(self) -> None:
        self.page.wait_for_function(f"() => {EDITOR}.saveState === 'saved'")
        self.wait_for_place("disk", "file")

    def wait_for(self, voxels: np.ndarray) -> None:
        """Wait until the page shows these labels, `(I, J, K)`."""
        self.page.wait_for_function(
            f"wanted => {EDITOR}.labels.data.every((label, at) => label === wanted[at])",
            arg=voxels.ravel(order="F").tolist(),
        )

    @property
    def words(self) -> str:
        """What is said about where the labels are."""
        return self.page.locator(".medlab-Status-save").inner_text()

    @property
    def voxels(self) -> np.ndarray:
        """`(I, J, K)`: the labels that the page shows."""
        labels = self.page.evaluate(f"() => [...{EDITOR}.labels.data]")
        return np.array(labels, np.uint8).reshape(SHAPE, order="F")

    def on_disk(self, layer: str = "labels") -> np.ndarray:
        """`(I, J, K)`: the labels that a reader of the layer's folder finds."""
        return np.array(self.layer(layer).voxels)

    def layer(self, name: str = "labels") -> Layer:
        return Layer(self.folder / name)

    @property
    def folder(self) -> Path:
        """Where the layers of the scan lie; neither page nor server need live."""
        return self.lab.root / ".medlab" / "labels" / self.scan_id
