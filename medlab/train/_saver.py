"""The saver: takes snapshots between two batches, and a thread writes them.

A snapshot is a copy on the device, made without waiting for it; hashing, writing and
syncing happen in a thread. So a checkpoint costs a training next to nothing, and a slow
disk holds up neither the next batch nor a Stop. A disk that refuses stops no training:
it raises an alert, and the next checkpoint tries again.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from medlab.backend import keras
from medlab.train._alerts import disk_alert
from medlab.train._checkpoint import Snapshot, copy_state, write_checkpoint
from medlab.train._log import RunLog


class Saver:
    """Writes the checkpoints of one run.

    Args:
        log: Of the run.
        every_s: Longest time between two checkpoints.
    """

    def __init__(self, log: RunLog, *, every_s: float) -> None:
        self._log, self._every_s = log, every_s
        self._folder = log.folder / "checkpoints"
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[bool] | None = None
        self._saved_s = time.monotonic()
        self.best: dict[str, Any] | None = None
        self._best_arrays: dict[str, Any] = {}

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is old enough, and on disk."""
        old = time.monotonic() - self._saved_s >= self._every_s
        return old and (self._writing is None or self._writing.done())

    def save(
        self,
        model: keras.Model,
        position: dict[str, Any],
        more: dict[str, Any] | None = None,
    ) -> None:
        """Take a snapshot now, and have it written.

        Args:
            model: Its state must have been synced.
            position: Plain values; `step` among them.
            more: Further arrays by name.
        """
        arrays = {**copy_state(model), **(more or {})}
        best = (int(self.best["step"]), self._best_arrays) if self.best else None
        snapshot = Snapshot(arrays, {**position, "best": self.best}, best)
        self._saved_s = time.monotonic()
        self._writing = self._disk.submit(self._write, snapshot)

    def wait(self) -> bool:
        """Wait until the last snapshot lies on disk; whether it does."""
        return self._writing is None or self._writing.result()

    def judge(
        self, model: keras.Model, logs: dict[str, float], *, step: int, epoch: int
    ) -> None:
        """Keep these weights apart if their validation is the best so far.

        Best is the highest `val_dice`, or where there is none the lowest `val_loss`.
        """
        monitor = "val_dice" if "val_dice" in logs else "val_loss"
        value = logs.get(monitor)
        if value is None or value != value:
            return
        sign = 1 if monitor == "val_dice" else -1
        if self.best is None or sign * value > sign * self.best["value"]:
            where = {"step": step, "epoch": epoch}
            self.best = {**where, "monitor": monitor, "value": value}
            self._best_arrays = copy_state(model, optimizer=False, metrics=False)

    def go_on(self, position: dict[str, Any], arrays: dict[str, Any] | None) -> None:
        """Know the best weights of the part of the training before."""
        if position.get("best") and arrays:
            self.best, self._best_arrays = position["best"], arrays

    def close(self) -> bool:
        """Wait for the disk and let the thread go; whether the last save succeeded."""
        saved = self.wait()
        self._disk.shutdown()
        return saved

    def _write(self, snapshot: Snapshot) -> bool:
        if not self._log.writes:
            return True
        step = int(snapshot.position["step"])
        try:
            write_checkpoint(self._folder, snapshot)
        except OSError as error:
            self._log.alert(
                disk_alert(error, f"the checkpoint of step {step}"), step=step
            )
            return False
        self._log.calm("disk-full", "disk-failed")
        return True
