"""A browser killed while the server is away loses no stroke that it said it kept.

One round by default, 20 with MEDLAB_LONG=1; MEDLAB_ROUNDS sets any number.
"""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.support.durability import Drawing, add_scan, browser_profile
from tests.support.lab import Lab

_ROUNDS = int(
    os.environ.get("MEDLAB_ROUNDS", 20 if os.environ.get("MEDLAB_LONG") else 1)
)


@pytest.mark.parametrize("turn", range(_ROUNDS))
def test_a_killed_browser_and_a_killed_server_lose_nothing(
    lab: Lab, tmp_path: Path, turn: int
):
    scan = add_scan(lab, f"killed-{turn}")
    folder = tmp_path / "profile"
    with browser_profile(folder) as context:
        drawing = Drawing(lab, context.pages[0], scan).open()
        drawing.stroke(0.3, y=0.4)
        drawing.wait_until_saved()
        lab.kill()
        drawing.stroke(0.3, y=0.5)
        drawing.stroke(0.3, y=0.6)
        drawing.wait_for_place("browser")
        shown, scan_id = drawing.voxels, drawing.scan_id
        _kill_browser_of(folder)
    lab.start()

    with browser_profile(folder) as context:
        drawing = Drawing(lab, context.pages[0], scan, scan_id).open()
        drawing.wait_until_saved()

        np.testing.assert_array_equal(drawing.voxels, shown)
        np.testing.assert_array_equal(drawing.on_disk(), shown)


def _kill_browser_of(profile: Path) -> None:
    """End every process of the browser that uses this profile, as a crash would."""
    mark = f"--user-data-dir={profile}".encode()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in command:
                os.kill(int(process.name), signal.SIGKILL)
