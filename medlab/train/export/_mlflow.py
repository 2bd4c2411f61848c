"""A run as a run of MLflow, in a local store that `mlflow ui` shows.

The store is an SQLite file with a folder of artifacts beside it: MLflow keeps its older
store, of plain files, for reading only.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.train import runs
from medlab.train.export._history import History, metrics_of
from medlab.train.export._text import all_lines, in_words

EXPERIMENT = "medlab"
_AT_ONCE = 500
_STATUS = {"finished": "FINISHED", "stopped": "KILLED"}


def write_to_mlflow(folder: Path, to: Path) -> Path:
    """Add a run to a local store of MLflow, as an own run of the experiment `medlab`.

    The recipe becomes its parameters, each epoch its metrics (the step is the optimiser
    step), previews and `metrics.jsonl` its artifacts.

    Args:
        folder: Of the run.
        to: Folder of the store, such as `mlruns`. To look at it there:
            `mlflow ui --backend-store-uri sqlite:///mlflow.db`.

    Raises:
        MedlabError: If MLflow is not installed.
    """
    client, entities = _client(to)
    found = client.get_experiment_by_name(EXPERIMENT)
    artifacts = (to / "artifacts").resolve().as_uri()
    experiment = (
        found.experiment_id
        if found
        else client.create_experiment(EXPERIMENT, artifact_location=artifacts)
    )
    detail, history = runs.read_folder(folder), History.of(all_lines(folder))
    summary = detail.summary
    marks = "; ".join(in_words(mark) for mark in history.marks)
    run_id = client.create_run(
        experiment,
        start_time=int(summary.created * 1000),
        run_name=summary.name,
        tags={"medlab.run": summary.id, "medlab.marks": marks[:5000]},
    ).info.run_id
    params = [
        entities.Param(name, str(value)[:5000])
        for name, value in detail.recipe.items()
        if value is not None
    ]
    client.log_batch(run_id, params=params[:100])
    metrics = [
        entities.Metric(name, value, int(line.get("t", 0) * 1000), line["step"])
        for line in history.epochs
        for name, value in metrics_of(line).items()
    ]
    for start in range(0, len(metrics), _AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + _AT_ONCE])
    if (folder / "metrics.jsonl").is_file():
        client.log_artifact(run_id, str(folder / "metrics.jsonl"))
    if (folder / "preview").is_dir():
        client.log_artifacts(run_id, str(folder / "preview"), "preview")
    if summary.state in runs.ENDED:
        status = _STATUS.get(summary.state, "FAILED")
        client.set_terminated(run_id, status, int(summary.updated * 1000))
    return to


def _client(to: Path) -> tuple[Any, Any]:
    # MLflow's smaller package comes without SQLAlchemy, which the store needs.
    if not (find_spec("mlflow") and find_spec("sqlalchemy")):
        raise MedlabError(
            "MLflow is not installed. pip install 'medlab[mlflow]', or export as csv, "
            "json or tensorboard.",
            code="no-mlflow",
        )
    from mlflow import MlflowClient, entities

    to.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=store_uri(to)), entities


def store_uri(to: Path) -> str:
    """The address of the store in a folder, as `MlflowClient` takes it."""
    return f"sqlite:///{(to / 'mlflow.db').resolve().as_posix()}"
