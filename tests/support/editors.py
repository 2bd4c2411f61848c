"""The slice editor in its two homes: a scan document, and a notebook's widget."""

from playwright.sync_api import Page

from tests.support.lab import Lab, execute, wait_for_kernel
from tests.support.notebooks import write_notebook

SCAN = "samples/ct-chest-small/CTChest4.nrrd"
HOSTS = ("document", "widget")

_NOTEBOOK = """\
import json, numpy, medlab
scan = medlab.open_scan("{scan}")
labeler = medlab.SliceLabeler(scan, ["left lung", "right lung"], layer="{layer}")
labeler"""


def open_editor(page: Page, lab: Lab, host: str, layer: str = "labels") -> str:
    """Open the small chest CT to be drawn on, and wait until it is there.

    Args:
        page: A browser's page.
        lab: The running JupyterLab; the scan lies in its `samples`.
        host: "document" or "widget".
        layer: Of the widget; a document draws on `labels`.

    Returns:
        JavaScript that names the `SliceEditor`.
    """
    if host == "document":
        lab.open(page, SCAN)
        annotate = page.locator(".medlab-ScanView-annotate")
        page.wait_for_selector(".medlab-ScanView-annotate:not([disabled])")
        annotate.press("Enter")
        page.wait_for_selector(".medlab-ScanView .medlab-Editor[data-tools='true']")
        editor = "window.jupyterapp.shell.currentWidget.content._editor"
    else:
        write_notebook(
            lab.root / f"{layer}.ipynb", _NOTEBOOK.format(scan=SCAN, layer=layer)
        )
        lab.open(page, f"{layer}.ipynb")
        wait_for_kernel(page)
        execute(page, "notebook:run-all-cells")
        page.wait_for_selector(".medlab-SliceLabeler .medlab-Editor")
        editor = "document.querySelector('.medlab-SliceLabeler').editor"
    page.evaluate(f"() => {editor}.ready")
    page.wait_for_selector(".medlab-Status-save[data-state='saved']")
    return editor


def set_theme(page: Page, theme: str) -> None:
    """Show the page in "Light" or "Dark"."""
    page.evaluate(
        """async theme => {
          const { commands } = window.jupyterapp;
          await commands.execute('apputils:change-theme', { theme });
        }""",
        f"JupyterLab {theme}",
    )
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light",
        arg=str(theme == "Light").lower(),
    )
    page.wait_for_timeout(300)
