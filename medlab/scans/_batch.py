"""One file from each of many scans, on this machine or a cluster; goes on where it stopped.

`medlab convert` and `medlab predict --to` are this with a function of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medlab.cluster import Tls, spread
from medlab.errors import MedlabError
from medlab.scans._cache import source_stamp
from medlab.scans._home import Home
from medlab.scans._manifest import Manifest, file_name, without_name
from medlab.scans._open import read_source_header
from medlab.scans._resolve import resolve
from medlab.scans._summary import ScanSummary, summarise, summarise_error
from medlab.scans._volume import ScanSource
from medlab.scans.index._find import list_scans

_NOT_IMAGES = frozenset({"SEG", "RTSTRUCT"})


@dataclass(frozen=True)
class Job:
    """One scan of a batch, as a worker is told.

    Attributes:
        home: Of the workplace; the worker must see the same folders.
        source: The scan, with its number of `frames`.
        target: The file to make.
        overwrite: Whether a file that is there may be replaced.
        options: What else the function needs.
    """

    home: Home
    source: ScanSource
    frames: int
    target: Path
    overwrite: bool
    options: dict[str, Any]

    def to_plain(self) -> dict[str, Any]:
        """As values that can be sent."""
        return {
            "root": str(self.home.root),
            "folder": str(self.home.folder),
            "source": asdict(self.source),
            "frames": self.frames,
            "target": str(self.target),
            "overwrite": self.overwrite,
            "options": self.options,
        }

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> "Job":
        """The other way round, in a worker.

        Raises:
            MedlabError: If this machine does not see the folders.
        """
        home, target = (
            Home(Path(told["root"]), Path(told["folder"])),
            Path(told["target"]),
        )
        if not home.root.is_dir() or not target.parent.is_dir():
            raise MedlabError(
                "Workers must see the scans and the target under the same paths as the "
                "machine that asks, got a worker that does not. Put both on a disk that "
                "all of them mount.",
                code="not-shared",
            )
        return cls(
            home,
            ScanSource(**told["source"]),
            int(told["frames"]),
            target,
            bool(told["overwrite"]),
            dict(told["options"]),
        )

    def put(self, write: Callable[[], None], is_there: Callable[[], bool]) -> None:
        """Write the target, unless just that is there already.

        Raises:
            MedlabError: If there is another file, which may not be replaced.
        """
        if self.target.exists() and not self.overwrite:
            if is_there():
                return
            raise MedlabError(
                f"{self.target.name} must not exist yet, got a file with another content. "
                "It was left alone: choose another folder, or pass --overwrite.",
                code="exists",
            )
        write()


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        made: Files made now.
        kept: Files that were there already, from the same scans.
        failed: A sentence for each scan without a file, by scan id.
        cancelled: Whether it was ended early; the same call goes on.
    """

    made: int
    kept: int
    failed: dict[str, str]
    cancelled: bool

    def lines(self, done: str) -> list[str]:
        """What a terminal is told.

        Example:
            >>> BatchReport(2, 1, {}, False).lines("converted")
            ['2 scans converted, 1 there already']
        """
        words = f"{self.made} scan{'s' * (self.made != 1)} {done}"
        if self.kept:
            words += f", {self.kept} there already"
        if self.failed:
            words += f", {len(self.failed)} failed"
        return [*(f"{scan}: {why}" for scan, why in self.failed.items()), words]


def make_files(
    function: Callable[[dict[str, Any]], dict[str, Any]],
    sources: Sequence[Path | str],
    to: Path | str,
    *,
    kind: str,
    ending: str,
    options: dict[str, Any],
    home: Home,
    places: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    scheduler: str | None = None,
    workers: int | None = None,
    tls: Tls | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BatchReport:
    """Make a file from each scan, and a manifest that tells which is whose.

    Args:
        function: `function(job)` with `Job.to_plain()`; makes the file and returns what
            the manifest should tell about it.
        sources: Files and folders.
        to: The folder for the files; made when missing.
        kind: What the manifest is told the files are.
        ending: Of the files.
        options: For the function; a file made with others is made anew.
        home: The workplace.
        places: For the function too, but of this machine only, such as absolute paths:
            the manifest is not told.
        overwrite: Replace files that are there.
        scheduler, workers, tls, on_progress, cancelled: See `medlab.cluster.spread`.

    Raises:
        MedlabError: If there is no scan, or the target belongs to something else.
    """
    target = Path(to).expanduser().resolve()
    scans = _scans_to_do(sources, home, target)
    target.mkdir(parents=True, exist_ok=True)
    manifest, failed, kept = Manifest(target, kind), dict[str, str](), 0
    waiting: dict[str, tuple[ScanSummary, str]] = {}
    for scan, stamp in scans:
        if scan.error is not None:
            failed[scan.id] = scan.error
            manifest.note(scan.id, {"error": {"code": "not-a-scan"}})
        elif not overwrite and manifest.is_done(scan.id, stamp, options):
            kept += 1
        else:
            waiting[file_name(scan, ending)] = scan, stamp

    def job(name: str) -> dict[str, Any]:
        scan, _ = waiting[name]
        more = {**options, **(places or {})}
        made = Job(home, scan.source, scan.frames, target / name, overwrite, more)
        return made.to_plain()

    def note(piece: dict[str, Any], told: dict[str, Any]) -> None:
        scan, stamp = waiting[Path(piece["target"]).name]
        said = [without_name(str(text), scan) for text in told.pop("warnings", [])]
        size = Path(piece["target"]).stat().st_size
        entry = {"file": Path(piece["target"]).name, "size_bytes": size, "stamp": stamp}
        entry |= {"options": options, "warnings": said}
        manifest.note(scan.id, entry | told)

    report = spread(
        function,
        [job(name) for name in waiting],
        scheduler,
        note,
        on_progress=on_progress,
        cancelled=cancelled,
        workers=workers,
        tls=tls,
    )
    for failure in report.failed:
        scan, _ = waiting[Path(failure.piece["target"]).name]
        failed[scan.id] = str(failure.error)
        wrong = {"code": failure.error.code, "title": failure.error.title}
        manifest.note(scan.id, {"error": wrong})
    manifest.save()
    return BatchReport(report.done, kept, failed, report.cancelled)


def _scans_to_do(
    sources: Sequence[Path | str], home: Home, target: Path
) -> list[tuple[ScanSummary, str]]:
    """The scans with the stamps of their files; none of what lies in the target."""
    found: dict[str, ScanSummary] = {}
    for given in sources:
        found.update((scan.id, scan) for scan in _scans_at(Path(given), home))
    stamped = []
    for scan in found.values():
        if home.locate(scan.path).resolve().is_relative_to(target):
            continue
        if scan.modality in _NOT_IMAGES:
            continue
        try:
            stamped.append((scan, source_stamp(scan.source, home)))
        except (MedlabError, OSError):
            stamped.append((scan, ""))
    if not stamped:
        raise MedlabError(
            "There must be at least one scan to work on, got none there (labels do not "
            "count). `medlab index` lists the scans below a folder.",
            code="no-scans",
        )
    return stamped


def _scans_at(given: Path, home: Home) -> list[ScanSummary]:
    given = given.expanduser()
    here = next((p for p in (given, home.root / given) if p.exists()), given)
    if here.is_dir():
        return list_scans(here.resolve(), home=home)
    source = resolve(here, series=None, home=home)
    try:
        return [summarise(source, "", 0, read_source_header(source, home))]
    except MedlabError as error:
        return [summarise_error(source, "", 0, error)]
