"""`export_run` and `follow`: one call for every format."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlab.errors import MedlabError
from medlab.scans import find_home, write_atomically
from medlab.train import runs
from medlab.train.export._text import as_csv, as_json

if TYPE_CHECKING:
    from medlab.train import Run

FORMATS = ("csv", "json", "tensorboard", "mlflow")
"""What `export_run` can write. The first two are files, the others folders."""
TEXTS: dict[str, Callable[[Path], str]] = {"csv": as_csv, "json": as_json}
"""The formats that are one text: the Jupyter server offers these."""


def export_run(
    run: "Run | str", format: str, path: str | Path | None = None, *, home: Any = None
) -> Path:
    """Write the history of a run for another program.

    Args:
        run: A run, or its id.
        format: `csv` (one row an epoch), `json` (everything), `tensorboard` (a folder
            of event files) or `mlflow` (a store of files; the run is added to it).
        path: Where to; by default a name made of the run's, in the working folder. A
            file of that name is replaced.
        home: Whose runs; found from the working folder by default.

    Returns:
        The file or folder that was written.

    Raises:
        MedlabError: If the format is none of these, or needs a package that is not
            installed.
        RunNotFound: If there is no such run.

    Example:
        >>> export_run("20261121T013000Z-0a1b2c", "csv", "run.csv")  # doctest: +SKIP
        PosixPath('run.csv')
    """
    if format not in FORMATS:
        raise MedlabError(
            f"A format is one of {', '.join(FORMATS)}, got {format!r}.",
            code="unknown-format",
        )
    folder = _folder(run, home)
    if format in TEXTS:
        target = Path(path) if path else Path(f"{stem(folder)}.{format}")
        write_atomically(target, TEXTS[format](folder).encode())
        return target
    if format == "mlflow":
        from medlab.train.export._mlflow import write_to_mlflow

        return write_to_mlflow(folder, Path(path or "mlruns"))
    from medlab.train.export._tensorboard import write_event_files

    return write_event_files(folder, Path(path or Path("tensorboard") / stem(folder)))


def follow(
    run: "Run | str",
    path: str | Path | None = None,
    *,
    every_s: float = 1.0,
    timeout_s: float | None = None,
    home: Any = None,
) -> Path:
    """Write TensorBoard's event files while a run trains; return when it has ended.

    It reads the run's files and asks nothing of the trainer. To go on with other work
    meanwhile, call it in a thread, or use `medlab runs follow` in a terminal.

    Args:
        run: A run, or its id.
        path: Folder for the event files; by default below `tensorboard/`.
        every_s: How often to look for more.
        timeout_s: When to return although the run goes on; None: never.
        home: Whose runs; found from the working folder by default.

    Returns:
        The folder with the event files.

    Raises:
        MedlabError: If tensorboardX is not installed.
        RunNotFound: If there is no such run.
    """
    from medlab.train.export._tensorboard import follow_run

    folder = _folder(run, home)
    to = Path(path or Path("tensorboard") / stem(folder))
    return follow_run(folder, to, every_s=every_s, timeout_s=timeout_s)


def stem(folder: Path) -> str:
    """A file name that tells which run it is, whatever the run is called.

    Args:
        folder: Of the run.
    """
    name = runs.read_folder(folder).summary.name
    return "-".join([*re.findall(r"\w+", name)[:8], folder.name])


def _folder(run: "Run | str", home: Any) -> Path:
    folder: Path | None = getattr(run, "folder", None)
    if folder is not None:
        return folder
    if (Path(str(run)) / "run.json").is_file():
        return Path(str(run))
    return runs.run_folder(home or find_home(), str(run))
