"""A scan that cannot be read says so in one sentence: in the panel and in the document."""

import gzip

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.support.lab import Lab, execute, open_browser, running_lab


@pytest.fixture(scope="module")
def bad(lab: Lab) -> dict[str, str]:
    """File names of bad scans, and a word that the sentence about each must hold."""
    import nibabel

    folder = lab.root / "bad"
    folder.mkdir()
    (folder / "text.nii.gz").write_text("this is not a scan")
    whole = nibabel.Nifti1Image(np.zeros((7, 8, 9), np.int16), np.eye(4)).to_bytes()
    (folder / "short.nii").write_bytes(whole[: len(whole) // 2])
    lost = bytearray(whole)
    lost[280:284] = np.float32(np.nan).tobytes()  # srow_x[0]
    lost[252:256] = np.int16([0, 1]).tobytes()  # qform off, sform on
    (folder / "nan.nii.gz").write_bytes(gzip.compress(bytes(lost)))
    (folder / "cut.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x00")
    return {"text.nii.gz": "NIfTI", "short.nii": "", "nan.nii.gz": "", "cut.dcm": ""}


@pytest.fixture(scope="module")
def listed(lab: Lab, bad: dict[str, str]) -> dict[str, dict]:
    scans = lab.scans()
    return {scan["path"]: scan for scan in scans}


def test_each_has_one_sentence_in_the_panel_and_the_document(
    lab: Lab, page: Page, bad: dict[str, str], listed: dict[str, dict], pictures
):
    lab.open(page)
    execute(page, "medlab:show-scans")
    for name, word in bad.items():
        page.locator(".medlab-ScanRow", has_text=name).first.click()
        problem = page.locator(".medlab-ScanDetails .medlab-mod-error p")
        problem.first.wait_for()
        said = " ".join(problem.all_inner_texts())
        assert said == listed[f"bad/{name}"]["error"]
        assert word in said

        execute(page, "docmanager:open", {"path": f"bad/{name}"})
        shown = page.locator(".lm-DockPanel [role=alert]:visible", has_text=said).first
        shown.wait_for()
        assert str(lab.root) not in shown.inner_text()
    page.screenshot(path=pictures / "bad-scans.png")


def test_the_good_scan_beside_them_is_listed(listed: dict[str, dict]):
    good = listed["samples/ct-chest-small/CTChest4.nrrd"]
    assert good["error"] is None
    assert good["shape"] == [128, 128, 34]


def test_an_empty_root_says_where_to_begin(tmp_path_factory, pictures):
    root = tmp_path_factory.mktemp("empty") / "root"
    root.mkdir()
    with running_lab(root) as lab, open_browser(lab) as page:
        lab.open(page)
        execute(page, "medlab:show-scans")
        empty = page.locator("#medlab-scan-browser .medlab-Panel-empty")
        empty.wait_for()
        page.screenshot(path=pictures / "empty.png")
        assert "medlab samples" in empty.inner_text()
