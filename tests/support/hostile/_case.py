"""One hostile file, and the folder that takes them in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Accepted:
    """What a file may be opened as, and why that does no harm.

    Args:
        shape: `(I, J, K)`.
        spacing: Between voxels along I, J and K.
        why: Why this geometry is what the file says.
        unit: "mm" or "pixels".
        needed: False if refusing it is as good.
        warned: Words that must stand in the scan's warnings.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    why: str
    unit: str = "mm"
    needed: bool = False
    warned: str = ""


@dataclass(frozen=True)
class Case:
    """A file or folder to open, relative to the folder of all."""

    name: str
    path: Path
    accepted: Accepted | None = None

    @property
    def kind(self) -> str:
        """The first part of the name: the format or the trick."""
        return self.name.split("/")[0]


class Zoo:
    """Writes cases, each to a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []
        self._names: set[str] = set()

    def room(self, name: str) -> Path:
        """A new, empty folder for the case of that name, such as "nifti/no-dims"."""
        assert name not in self._names, name
        self._names.add(name)
        room = self.folder / name
        room.mkdir(parents=True)
        return room

    def add(
        self,
        name: str,
        file: str,
        content: bytes,
        *,
        beside: Mapping[str, bytes] | None = None,
        accepted: Accepted | None = None,
    ) -> Path:
        """Write one file, and others beside it, as a case."""
        room = self.room(name)
        for other, data in (beside or {}).items():
            (room / other).parent.mkdir(parents=True, exist_ok=True)
            (room / other).write_bytes(data)
        path = room / file
        path.write_bytes(content)
        self.note(name, path, accepted)
        return path

    def note(self, name: str, path: Path, accepted: Accepted | None = None) -> None:
        """Take in what was written by other means."""
        self.cases.append(Case(name, path, accepted))
