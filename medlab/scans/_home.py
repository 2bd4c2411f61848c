"""Where medlab keeps what it makes: the `.medlab` folder at the root of a workplace."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The root that scan paths are relative to, and the folder of everything made.

    Nothing is created on disk until something is written.
    """

    root: Path
    folder: Path

    @property
    def is_writable(self) -> bool:
        """Whether what only people can make, labels and runs, can be kept here."""
        there = self.folder
        while not there.exists() and there != there.parent:
            there = there.parent
        return there.is_dir() and os.access(there, os.W_OK)

    @property
    def labels(self) -> Path:
        """One folder a scan, one folder a layer below it."""
        return self.folder / "labels"

    @property
    def runs(self) -> Path:
        """One folder a training run."""
        return self.folder / "runs"

    @property
    def fetched(self) -> Path:
        """Series that came from servers (see `medlab.dicomweb`), one folder each."""
        return self.folder / "dicomweb"

    @property
    def remade(self) -> Path:
        """What can be made again lies here: `.medlab`, or where nobody can write that,
        such as on an archive's disk, a folder among the user's own data.
        """
        if self.is_writable:
            return self.folder
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return _user_data() / "medlab" / "remade" / name

    @property
    def cache(self) -> Path:
        """Decoded volumes, thumbnails."""
        return self.remade / "cache"

    def locate(self, path: str) -> Path:
        """The file or folder that a `ScanSource.path` means."""
        return self.root / path

    def name(self, path: Path) -> str:
        """The path as it is shown and hashed: relative to the root when below it."""
        resolved = path.resolve()
        if resolved.is_relative_to(self.root):
            return resolved.relative_to(self.root).as_posix()
        return resolved.as_posix()


def find_home(start: Path | str | None = None) -> Home:
    """Find the `.medlab` folder that a script, kernel or server at `start` works with.

    `MEDLAB_HOME` names it outright. Otherwise it is looked for from `start` (by default
    the current folder) upwards; without one, it will be `.medlab` in `start` itself.

    Example:
        >>> find_home("/").root.as_posix()
        '/'
    """
    named = os.environ.get("MEDLAB_HOME")
    if named:
        folder = Path(named).expanduser().resolve()
        return Home(folder.parent, folder)
    here = Path(start if start is not None else Path.cwd()).expanduser().resolve()
    for folder in (here, *here.parents):
        if (folder / ".medlab").is_dir():
            return Home(folder, folder / ".medlab")
    return Home(here, here / ".medlab")


def _user_data() -> Path:
    if told := os.environ.get("XDG_DATA_HOME"):
        return Path(told)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home())
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path.home() / ".local" / "share"
