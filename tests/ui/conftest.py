"""The lab every browser test looks at: the small chest CT and a broken scan."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.lab import Lab, find_chromium, open_browser, running_lab

expect.set_options(timeout=30_000)
_LONG = os.environ.get("MEDLAB_LONG") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of one walk with several parameters the short run takes the first."""
    here, walked = Path(__file__).parent, set()
    later = pytest.mark.skip(reason="make test-long: the same with other parameters")
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.ui)
        walk = item.nodeid.partition("[")[0]
        if walk in walked and not _LONG and "test_sizes" not in walk:
            item.add_marker(later)
        walked.add(walk)


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No event loop of its own a test: the browser's runs through the module."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing to clean up: the server is a process of its own."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from medlab.samples import place

    root = tmp_path_factory.mktemp("lab") / "root"
    root.mkdir()
    place("ct-chest-small", root / "samples" / "ct-chest-small")
    (root / "broken.nii.gz").write_text("this is not a scan")
    with running_lab(root) as lab:
        yield lab


@pytest.fixture
def page(lab: Lab) -> Iterator[Page]:
    if find_chromium() is None:
        pytest.fail("No Chromium: install it, or set MEDLAB_CHROMIUM to its path.")
    with open_browser(lab) as page:
        yield page


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Folder for screenshots: `MEDLAB_PICTURES`, else test-results/pictures."""
    folder = Path(os.environ.get("MEDLAB_PICTURES", "test-results/pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
