"""CSV for spreadsheets, JSON for programs. The Jupyter server writes them too."""

import csv
import io
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medlab.train import runs
from medlab.train.export._history import History, metrics_of


def as_csv(folder: Path) -> str:
    """One row an epoch: epoch, step, time (UTC), each metric, and what was done to it.

    Args:
        folder: Of the run.
    """
    history = History.of(all_lines(folder))
    names: dict[str, None] = {}
    for line in history.epochs:
        names.update(dict.fromkeys(metrics_of(line)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", "step", "time", *names, "marks"])
    begin = 0
    for line in history.epochs:
        values = metrics_of(line)
        done = [
            in_words(mark)
            for mark in history.marks
            if begin < mark["step"] <= line["step"] and not mark["undone"]
        ]
        begin = line["step"]
        at = _iso(line.get("t"))
        row = [line.get("epoch"), line["step"], at, *(values.get(n) for n in names)]
        table.writerow([*row, "; ".join(done)])
    return text.getvalue()


def as_json(folder: Path) -> str:
    """All there is: the run, its recipe, epochs, batches and marks. Unix seconds.

    Args:
        folder: Of the run.
    """
    detail = runs.read_folder(folder)
    history = History.of(all_lines(folder))
    content = {
        "run": asdict(detail.summary),
        "recipe": detail.recipe,
        "epochs": [_without_kind(line) for line in history.epochs],
        "batches": [_without_kind(line) for line in history.batches],
        "marks": history.marks,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def all_lines(folder: Path) -> list[dict[str, Any]]:
    """Every line of the run log so far, oldest first."""
    found: list[dict[str, Any]] = []
    place, lines = runs.tail_metrics(folder)
    while lines:
        found += lines
        place, lines = runs.tail_metrics(folder, place)
    return found


def in_words(mark: dict[str, Any]) -> str:
    """Tell a mark in a few words, such as `step 12: set learning_rate 0.0005`.

    Example:
        >>> in_words({"cmd": "set", "step": 12, "args": {"epochs": 6}})
        'step 12: set epochs 6'
    """
    args = (mark.get("args") or {}).items()
    details = [f"{name} {value}" for name, value in args]
    if mark["cmd"] == "alert":
        details = [str(mark.get("code") or mark.get("message") or "")]
    return " ".join([f"step {mark['step']}: {mark['cmd']}", *details]).rstrip()


def _iso(t: Any) -> str:
    if not isinstance(t, (int, float)):
        return ""
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds")


def _without_kind(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "kind"}
