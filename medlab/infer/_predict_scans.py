"""predict_scans: the labels of many scans in one folder, on this machine or a cluster."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medlab.cluster import Tls
from medlab.errors import MedlabError
from medlab.infer._predict import predict
from medlab.labels import Labels, open_labels
from medlab.scans import BatchReport, Home, Job, find_home, make_files, open_scan
from medlab.train import Run, open_run

KIND = "predicted labels"
_ENDINGS = {"nifti": ".nii.gz", "nrrd": ".seg.nrrd"}


def predict_scans(
    model: "Run | str | Path | Sequence[Any]",
    sources: Sequence[Path | str] | Path | str,
    to: Path | str,
    *,
    format: Literal["nifti", "nrrd"] = "nifti",
    largest_only: bool | None = None,
    overlap: float = 0.5,
    mirror: bool = False,
    memory_mb: float | None = None,
    home: Home | None = None,
    overwrite: bool = False,
    scheduler: str | None = None,
    workers: int | None = None,
    tls: Tls | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BatchReport:
    """Label many scans with a trained model, each on its own grid.

    Files are named by modality and scan id; `manifest.json` tells which run they are from.
    Calling it again goes on where it stopped.

    Args:
        model: A run, its id or folder; several are an ensemble. Workers load it from its
            folder, so that must lie where they see it.
        sources: Scan files and folders.
        to: The folder for the labels; made when missing.
        format: "nifti" for `.nii.gz` with a table beside it, "nrrd" for `.seg.nrrd`.
        largest_only, overlap, mirror, memory_mb: See `predict`.
        home: Where scans and runs are looked for; found by itself by default.
        overwrite: Replace files that are there.
        scheduler, tls, on_progress, cancelled: See `medlab.cluster.spread`.
        workers: Processes on this machine; one by default, which uses all its cores.

    Returns:
        How many scans were labelled, and which were not, and why.

    Raises:
        MedlabError: If there is no such run or no scan.
    """
    if format not in _ENDINGS:
        raise MedlabError(
            f"Labels are written as {' or '.join(_ENDINGS)}, got {str(format)[:20]!r}. "
            "Choose one of these.",
            code="bad-format",
        )
    home = home or find_home()
    models = [model] if isinstance(model, (Run, str, Path)) else list(model)
    runs = [open_run(one, home) for one in models]
    for run in runs:
        _ = run.recipe  # A run without one is refused here, not by each worker.
    return make_files(
        predict_one,
        [sources] if isinstance(sources, (str, Path)) else sources,
        to,
        kind=KIND,
        ending=_ENDINGS[format],
        options={
            "runs": [run.id for run in runs],
            "largest_only": largest_only,
            "overlap": overlap,
            "mirror": mirror,
        },
        places={
            "run_folders": [str(run.folder.resolve()) for run in runs],
            "memory_mb": memory_mb,
        },
        home=home,
        overwrite=overwrite,
        scheduler=scheduler,
        workers=1 if workers is None else workers,
        tls=tls,
        on_progress=on_progress,
        cancelled=cancelled,
    )


def predict_one(told: dict[str, Any]) -> dict[str, Any]:
    """Label the scan of one `Job`, in a worker; what the manifest tells about it."""
    job = Job.from_plain(told)
    if job.frames > 1:
        raise MedlabError(
            f"A model labels one volume, got a series of {job.frames} (4D). Predict them "
            "one by one: medlab.predict(run, medlab.open_scan(path, frame=0)).",
            code="several-frames",
        )
    options = job.options
    path = job.home.locate(job.source.path)
    scan = open_scan(path, series=job.source.series, home=job.home)
    labels = predict(
        options["run_folders"],
        scan,
        largest_only=options["largest_only"],
        overlap=options["overlap"],
        mirror=options["mirror"],
        memory_mb=options["memory_mb"],
        home=job.home,
    )
    job.put(lambda: _save(job, labels), lambda: _is(job.target, labels))
    counts = {s.name: int((labels.voxels == s.id).sum()) for s in labels.segments}
    return {"modality": scan.modality, "shape": list(scan.shape), "voxels": counts}


def _save(job: Job, labels: Labels) -> None:
    labels.save(job.target)


def _is(target: Path, labels: Labels) -> bool:
    try:
        there = open_labels(target)
    except MedlabError:
        return False
    return np.array_equal(there.voxels, labels.voxels) and np.allclose(
        there.affine, labels.affine, atol=1e-4
    )
