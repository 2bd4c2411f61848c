"""convert_scans: every scan of a folder as NIfTI or NRRD, under names without patient text."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from medlab.cluster import Tls
from medlab.errors import MedlabError
from medlab.scans._batch import BatchReport, Job, make_files
from medlab.scans._home import Home, find_home
from medlab.scans._open import read_frames, read_source_header
from medlab.scans._write_scan import ENDINGS, holds, write_scan

KIND = "converted scans"


def convert_scans(
    sources: Sequence[Path | str] | Path | str,
    to: Path | str,
    *,
    format: Literal["nifti", "nrrd"] = "nifti",
    home: Home | None = None,
    overwrite: bool = False,
    scheduler: str | None = None,
    workers: int | None = None,
    tls: Tls | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BatchReport:
    """Convert scans, whatever their format, into one folder of NIfTI or NRRD files.

    Voxels and geometry are kept exactly (intensities rescaled, as `open_scan` gives them)
    and read back from each file before it counts. A 4D scan becomes one 4D file. Files are
    named by modality and scan id, and `manifest.json` tells more of each; neither holds a
    patient's name. Label files are left alone. Calling it again goes on where it stopped
    and does only what is new.

    Args:
        sources: Files and folders.
        to: The folder for the files; made when missing.
        format: "nifti" for `.nii.gz`, "nrrd" for `.nrrd`.
        home: Where the workplace lies; found by itself when not given.
        overwrite: Replace files that are there, also those that are not from here.
        scheduler, workers, tls, on_progress, cancelled: See `medlab.cluster.spread`.

    Returns:
        How many files were made, and which scans have none, and why.

    Raises:
        MedlabError: If there is no scan, or the folder has another manifest.
    """
    if format not in ENDINGS:
        raise MedlabError(
            f"Scans are converted to {' or '.join(ENDINGS)}, got {str(format)[:20]!r}. "
            "Choose one of these.",
            code="bad-format",
        )
    return make_files(
        convert_one,
        [sources] if isinstance(sources, (str, Path)) else sources,
        to,
        kind=KIND,
        ending=ENDINGS[format],
        options={"format": format},
        home=home or find_home(),
        overwrite=overwrite,
        scheduler=scheduler,
        workers=workers,
        tls=tls,
        on_progress=on_progress,
        cancelled=cancelled,
    )


def convert_one(told: dict[str, Any]) -> dict[str, Any]:
    """Convert the scan of one `Job`, in a worker; what the manifest tells about it."""
    job = Job.from_plain(told)
    volumes = read_frames(job.source, job.home, job.frames)
    first, name = volumes[0], job.source.name
    job.put(
        lambda: write_scan(job.target, volumes, name=name),
        lambda: holds(job.target, volumes, name),
    )
    header = read_source_header(job.source, job.home)
    return {
        "sha256": hashlib.sha256(job.target.read_bytes()).hexdigest(),
        "modality": first.modality,
        "shape": list(first.shape),
        "channels": first.channels,
        "frames": len(volumes),
        "frame_kind": header.frame_kind,
        # Words may be anybody's; numbers are seconds, milliseconds or b-values.
        "frame_values": [v for v in header.frame_values if not isinstance(v, str)],
        "spacing_mm": [round(mm, 6) for mm in first.spacing_mm],
        "spacing_unit": first.spacing_unit,
        "affine": first.affine.tolist(),
        "warnings": list(first.warnings),
    }
