"""TensorBoard event files, of a run that is over or of one that trains.

The format is written by tensorboardX, which needs no TensorFlow: curves under the names
of the log (`batch/` before those of single batches), previews as pictures, marks and
recipe as text. Steps are optimiser steps throughout.
"""

import contextlib
import json
import struct
import time
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.train import runs
from medlab.train.export._history import History, metrics_of
from medlab.train.export._text import all_lines, in_words

Line = dict[str, Any]


class EventFiles:
    """Event files of one run in one folder.

    Args:
        folder: Of the run, to read from.
        to: Folder for the event files; made if need be.

    Raises:
        MedlabError: If tensorboardX is not installed.
    """

    def __init__(self, folder: Path, to: Path) -> None:
        self._folder, self._to = folder, to
        self._files = 1
        self._writer = _open(to, None, self._files)
        recipe = runs.read_folder(folder).recipe
        if recipe:
            told = "\n".join(
                f"    {row}" for row in json.dumps(recipe, indent=2).split("\n")
            )
            self._writer.add_text("recipe", told, 0)

    def begin_again(self, step: int) -> None:
        """Have TensorBoard forget what was told of this step and of later ones."""
        self._writer.close()
        self._files += 1
        self._writer = _open(self._to, step, self._files)

    def add(self, line: Line) -> None:
        """Write a line of kind `epoch`, `batch` or `preview`."""
        each = "batch/" if line["kind"] == "batch" else ""
        if line["kind"] == "preview":
            self._add_picture(line)
            return
        for name, value in metrics_of(line).items():
            self._writer.add_scalar(each + name, value, line["step"], line.get("t"))

    def add_mark(self, mark: Line) -> None:
        said = in_words(mark) + (f" ({mark['message']})" if mark.get("message") else "")
        self._writer.add_text("marks", said, mark["step"], mark.get("t"))

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _add_picture(self, line: Line) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        try:
            picture = runs.preview_path(
                self._folder, str(line.get("file"))
            ).read_bytes()
        except (MedlabError, OSError):
            return
        # Width and height stand in the PNG's first chunk, big-endian.
        width, height = struct.unpack(">II", picture[16:24])
        image = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=picture
        )
        value = Summary.Value(tag="preview", image=image)
        writer = self._writer.file_writer
        step = line.get("step", line.get("epoch"))
        writer.add_summary(Summary(value=[value]), step, line.get("t"))


def write_event_files(folder: Path, to: Path) -> Path:
    """Write the history of a run as event files: superseded steps are left out.

    Args:
        folder: Of the run.
        to: Folder for the event files.

    Raises:
        MedlabError: If tensorboardX is not installed.
    """
    history = History.of(all_lines(folder))
    steps = {line.get("epoch"): line["step"] for line in history.epochs}
    with contextlib.closing(EventFiles(folder, to)) as files:
        for line in (*history.batches, *history.epochs):
            files.add(line)
        for line in history.previews:
            files.add({**line, "step": steps.get(line.get("epoch"), 0)})
        for mark in history.marks:
            files.add_mark(mark)
    return to


def follow_run(
    folder: Path, to: Path, *, every_s: float = 1.0, timeout_s: float | None = None
) -> Path:
    """Write event files while the run goes on; return when it has ended.

    A run that goes on from a checkpoint logs steps again: TensorBoard is told to forget
    them, so that its curves too are one line.

    Args:
        folder: Of the run.
        to: Folder for the event files.
        every_s: How often to look.
        timeout_s: When to return although the run goes on; None: never.

    Raises:
        MedlabError: If tensorboardX is not installed.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    history, place = History(), 0
    with contextlib.closing(EventFiles(folder, to)) as files:
        while True:
            over = runs.read_folder(folder).summary.state in runs.ENDED
            place, lines = runs.tail_metrics(folder, place)
            for line in lines:
                _tell(files, history, line)
            files.flush()
            if lines:
                continue
            if over or (end is not None and time.monotonic() >= end):
                return to
            time.sleep(every_s)


def _tell(files: EventFiles, history: History, line: Line) -> None:
    marks = len(history.marks)
    again = history.add(line)
    if again is not None:
        files.begin_again(again)
    if line.get("kind") == "preview":
        files.add({**line, "step": history.step})
    elif line.get("kind") in ("epoch", "batch") and isinstance(line.get("step"), int):
        files.add(line)
    for mark in history.marks[marks:]:
        files.add_mark(mark)


def _open(to: Path, purge_step: int | None, number: int) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise MedlabError(
            "Event files are written by tensorboardX, which is not installed. "
            "pip install 'medlab[tensorboard]', or export as csv or json.",
            code="no-tensorboard",
        ) from None
    # Files are named by the second: without a number a second one replaces the first.
    suffix = f".{number:03}"
    return SummaryWriter(
        logdir=str(to), purge_step=purge_step, flush_secs=5, filename_suffix=suffix
    )
