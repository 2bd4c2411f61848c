"""The training sidebar on show, however slowly the lab puts its layout back."""

from contextlib import suppress

from playwright.sync_api import Error, Locator, Page, TimeoutError

from tests.support.lab import Lab, execute


def open_training(lab: Lab, page: Page) -> Locator:
    """Load JupyterLab and show the training sidebar.

    On a busy machine the lab puts its layout back, or reloads the page after `?reset`,
    only after it said that it is ready; what was opened before is hidden again then.
    """
    lab.open(page)
    sidebar = page.locator("#medlab-training-sidebar")
    for _ in range(10):
        with suppress(Error):
            execute(page, "medlab:open-training")
        with suppress(TimeoutError):
            sidebar.wait_for(timeout=5000)
            return sidebar
    raise AssertionError("The training sidebar did not come.")
