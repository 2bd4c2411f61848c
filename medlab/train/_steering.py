"""What happens between two batches: log, obey, preview, save.

Keras on JAX keeps the weights outside the model while `fit` runs, and dispatches steps
ahead of the device. Three habits follow. Whoever reads or changes variables calls
`jax_state_sync` first. A loss is turned into a number only when a line is due, not at
every batch. And no more than two steps are in flight, or Stop would have to wait for
all that were dispatched.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from medlab.backend import jax, keras
from medlab.train._checkpoint import pack, write_checkpoint
from medlab.train._log import RunLog
from medlab.train._preview import write_preview

_POLL_S = 0.02
_IN_FLIGHT = 2
wait_for: Any = jax.block_until_ready
Schedule = Callable[[int, int], float]


def cosine(epoch: int, epochs: int) -> float:
    """Share of the learning rate in an epoch, from 0: 1 at first, near 0 at last."""
    return 0.5 * (1 + math.cos(math.pi * min(epoch / max(epochs, 1), 1.0)))


def constant(epoch: int, epochs: int) -> float:
    return 1.0


class Steering(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the run log what `fit` does, and `fit` what the control file asks.

    Args:
        log: Of the run.
        epochs: After how many to end; `set` may change it.
        start_step: Steps taken before, in an earlier process.
        schedule: Share of the learning rate for `(epoch, epochs)`; None leaves the
            optimiser's alone.
        learning_rate: What the schedule's share is of.
        preview: An image batch and its labels to draw after each epoch.
        checkpoint_every_s: At the end of an epoch, save if the last one is older.
    """

    def __init__(
        self,
        log: RunLog,
        *,
        epochs: int,
        start_step: int = 0,
        schedule: Schedule | None = None,
        learning_rate: float | None = None,
        preview: tuple[Any, Any] | None = None,
        checkpoint_every_s: float = 10.0,
    ) -> None:
        super().__init__()
        self.log, self.epochs, self.step = log, epochs, start_step
        self.stopped = False
        self._schedule, self._base_rate = schedule, learning_rate
        self._preview = preview
        self._every_s, self._saved_s = checkpoint_every_s, time.monotonic()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[Path] | None = None
        self._epoch = 0
        self._steps_per_epoch: int | None = None
        self._pending: deque[Any] = deque()
        self._active_s, self._active_steps = 0.0, 0
        self._batch_began_s = 0.0

    @property
    def position(self) -> dict[str, Any]:
        """Where training stands: what a checkpoint holds beside the arrays."""
        return {
            "step": self.step,
            "epochs": self.epochs,
            "learning_rate": self._base_rate,
        }

    def count_steps(self, steps_per_epoch: int) -> None:
        """Say how many steps a whole epoch has, where `fit` sees only a part of one."""
        self._steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs: Any = None) -> None:
        if self._steps_per_epoch is None:
            self._steps_per_epoch = self.params.get("steps")
        self.log.update(
            epochs=self.epochs, step=self.step, steps_per_epoch=self._steps_per_epoch
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._epoch_began_s = epoch, time.monotonic()
        self._batch_began_s = time.monotonic()
        self._apply_rate()
        self.log.update(now=False, epoch=epoch + 1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        logs = logs or {}
        self.step += 1
        self._pending.append(logs)
        if len(self._pending) > _IN_FLIGHT:
            wait_for(self._pending.popleft())
        now = time.monotonic()
        if self.log.state in ("queued", "compiling", "validating"):
            self.log.enter("running")  # and the first step's compilation is no pace
        else:
            self._active_s += now - self._batch_began_s
            self._active_steps += 1
        if self.log.wants_batch():
            values = {name: float(value) for name, value in logs.items()}
            self.log.batch(epoch=self._epoch + 1, step=self.step, **values)
        self.log.update(now=False, step=self.step, eta_s=self._eta_s())
        self._obey()
        self._batch_began_s = time.monotonic()

    def on_test_begin(self, logs: Any = None) -> None:
        if not self.stopped:
            self.log.enter("validating")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._obey()
        if self.stopped:
            self.model.stop_evaluating = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._pending.clear()
        if self.stopped:
            return
        seconds = time.monotonic() - self._epoch_began_s
        values = {name: float(value) for name, value in (logs or {}).items()}
        rate = self._rate()
        if rate is not None:
            values["lr"] = rate
        self.log.epoch(epoch=epoch + 1, step=self.step, **values, seconds=seconds)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        self.log.say(f"epoch {epoch + 1}/{self.epochs}  {shown}  {seconds:.1f} s")
        self._draw(epoch + 1)
        if epoch + 1 >= self.epochs:
            self.model.stop_training = True
        elif time.monotonic() - self._saved_s >= self._every_s:
            self.save(wait=False)
        self._obey()

    def save(self, *, wait: bool = True) -> None:
        """Write a checkpoint of this very step.

        Args:
            wait: Until it lies on disk. A slow disk must hold up neither the next batch
                nor a Stop, so what nobody waits for is written by a thread.
        """
        self.model.jax_state_sync()
        packed = pack(self.model, self.position)
        if self._writing is not None:
            self._writing.result()
        folder = self.log.folder / "checkpoints"
        self._writing = self._disk.submit(write_checkpoint, folder, self.step, packed)
        if wait:
            self._writing.result()
        self._saved_s = time.monotonic()

    def warm_up(self, model: keras.Model, validation_data: Any) -> None:
        """Compile what validation and preview need, while Stop can still end it all."""
        if self._preview is not None:
            model.predict_on_batch(self._preview[0])
        if isinstance(validation_data, keras.utils.PyDataset):
            model.test_on_batch(*validation_data[0])
        if self._preview is not None or validation_data is not None:
            model.reset_metrics()

    def _obey(self) -> None:
        for command in self.log.commands():
            self._act(command)
        while self.log.state == "paused" and not self.stopped:
            time.sleep(_POLL_S)
            for command in self.log.commands():
                self._act(command)

    def _act(self, command: dict[str, Any]) -> None:
        cmd, args = command["cmd"], command.get("args") or {}
        if cmd == "stop":
            self.stopped = self.model.stop_training = True
            self.log.enter("stopping")
        elif cmd == "resume" and self.log.state == "paused":
            self.log.enter("running")
        elif cmd == "pause" and not self.stopped and self.log.state != "paused":
            self.log.update(now=False, eta_s=None)
            self.log.enter("paused")
        elif cmd == "set":
            self._set(args)
        if cmd == "checkpoint":  # acted upon once it lies on disk
            self.save()
        self.log.acknowledge(command)
        if cmd == "pause" and self.log.state == "paused":
            # The machine may be switched off before anyone resumes.
            self.save(wait=False)

    def _set(self, args: dict[str, Any]) -> None:
        if "epochs" in args:
            self.epochs = max(int(args["epochs"]), self._epoch + 1)
            self.log.update(now=False, epochs=self.epochs)
        if "learning_rate" in args:
            self._base_rate = float(args["learning_rate"])
            self.model.jax_state_sync()
            self._apply_rate()

    def _apply_rate(self) -> None:
        if self._base_rate is None or self._rate() is None:
            return
        share = self._schedule(self._epoch, self.epochs) if self._schedule else 1.0
        self.model.optimizer.learning_rate = self._base_rate * share

    def _rate(self) -> float | None:
        rate = getattr(self.model.optimizer, "_learning_rate", None)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return None  # the optimiser follows a schedule of its own
        return float(self.model.optimizer.learning_rate)

    def _eta_s(self) -> float | None:
        if not self._active_steps or not self._steps_per_epoch:
            return None
        left = max(0, self.epochs * self._steps_per_epoch - self.step)
        return round(left * self._active_s / self._active_steps, 1)

    def _draw(self, epoch: int) -> None:
        if self._preview is None:
            return
        images, labels = self._preview
        logits = self.model.predict_on_batch(images)
        folder: Path = self.log.folder / "preview"
        file = write_preview(folder, epoch, images[0], labels[0], logits[0].argmax(-1))
        self.log.preview(epoch=epoch, file=file)
