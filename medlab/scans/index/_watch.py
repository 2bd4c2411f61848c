"""Noticing that scans arrive, change or go, without asking every file every time.

A folder's own time tells when files were added to it, renamed or removed: asking that is
cheap. Files written in place are found by a walk over everything, which comes seldom.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from medlab.scans._home import Home
from medlab.scans.index._folder_groups import is_scan_folder
from medlab.scans.index._walk import is_searched, walk_units

_SHARE = 20
"""A look that takes long is followed by a pause so many times as long."""
_LONGEST_WAIT_S = 15.0


def watch(
    home: Home,
    on_change: Callable[[list[str]], None],
    *,
    stop: threading.Event | None = None,
    interval_s: float = 2.0,
    whole_s: float = 60.0,
) -> None:
    """Tell about folders whose scans may have changed, until told to stop.

    A folder that files still arrive in is told of once it rests, or after 15 s.

    Args:
        home: The root to watch.
        on_change: Given the folders, relative to the root; "." for the root itself. In
            place of a folder that is gone comes the one it was in.
        stop: Set it to end the watch.
        interval_s: How often folders are looked at.
        whole_s: How often files are.
    """
    stop = stop or threading.Event()
    folders, contents = _Folders(home), _contents(home)
    waiting: dict[str, float] = {}
    next_whole, pause = time.monotonic() + whole_s, interval_s
    while not stop.wait(pause):
        started = time.monotonic()
        changed = folders.look()
        if started >= next_whole:
            now = _contents(home)
            told = {f for f in now.keys() | contents if now.get(f) != contents.get(f)}
            contents, changed = now, changed | (told - waiting.keys())
            whole_took = time.monotonic() - started
            next_whole = time.monotonic() + max(whole_s, _SHARE * whole_took)
        for folder in changed:
            waiting.setdefault(folder, started)
        due = [
            folder
            for folder, since in waiting.items()
            if folder not in changed or started - since > _LONGEST_WAIT_S
        ]
        if due:
            for folder in due:
                del waiting[folder]
            on_change(sorted({_still_there(home, folder) for folder in due}))
        pause = max(interval_s, _SHARE * (time.monotonic() - started))


def _still_there(home: Home, folder: str) -> str:
    while folder != "." and not home.locate(folder).is_dir():
        folder = folder.rpartition("/")[0] or "."
    return folder


class _Folders:
    """The folders below a root, each with the time of its last change."""

    def __init__(self, home: Home) -> None:
        self._root = str(home.root)
        self._known: dict[str, int] = {}
        self._add(self._root)

    def look(self) -> set[str]:
        """The folders that changed since the last look, those gone or new included."""
        changed: set[str] = set()
        for folder, before in list(self._known.items()):
            now = _changed_at(folder)
            if now == before or folder not in self._known:
                continue
            changed.add(self._name(folder))
            if now is None:
                del self._known[folder]
            else:
                self._known[folder] = now
                changed |= {self._name(new) for new in self._add(folder)}
        return changed

    def _add(self, top: str) -> list[str]:
        """Take in a folder and the new ones below it."""
        added, pending = [], [top]
        while pending:
            folder = pending.pop()
            if folder not in self._known:
                changed_at = _changed_at(folder)
                if changed_at is None:
                    continue
                self._known[folder] = changed_at
                added.append(folder)
            elif folder != top:
                continue
            pending += _folders_in(folder)
        return added

    def _name(self, folder: str) -> str:
        name = folder[len(self._root) :].strip(os.sep)
        return name.replace(os.sep, "/") or "."


def _folders_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as listing:
            return [
                entry.path
                for entry in listing
                if entry.is_dir(follow_symlinks=False)
                and is_searched(entry.name)
                and not is_scan_folder(entry.name)
            ]
    except OSError:
        return []


def _changed_at(folder: str) -> int | None:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return None


def _contents(home: Home) -> dict[str, bytes]:
    """A digest of the files of each folder."""
    found = {}
    for place in walk_units(home.root, home):
        stamps = "".join(unit.stamp for unit in place.units)
        found[place.folder] = hashlib.blake2b(stamps.encode(), digest_size=8).digest()
    return found
