"""What happens between two batches: log, obey, preview, save.

Keras on JAX keeps the weights outside the model while `fit` runs, and dispatches steps
ahead of the device. Three habits follow. Whoever reads or changes variables calls
`jax_state_sync` first. A loss is turned into a number only when a line is due, not at
every batch. And while one step computes at most one more is dispatched, or Stop would
have to wait for all that were.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medlab.backend import keras
from medlab.train._alerts import not_finite
from medlab.train._callbacks import remember, remind
from medlab.train._checkpoint import put_back
from medlab.train._log import RunLog
from medlab.train._preview import write_preview
from medlab.train._saver import Saver
from medlab.train._schedules import Schedule
from medlab.train._step import Step

_POLL_S = 0.02
_IN_FLIGHT = 1


class Steering(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the run log what `fit` does, and `fit` what the control file asks.

    Args:
        log: Of the run.
        step: What does the steps, and knows how they went.
        epochs: After how many to end; `set` may change it.
        position: Where to go on, as `load_checkpoint` tells it; None at the beginning.
        planned: Commands with an `at_step`, to act on when it comes.
        schedule: Share of the learning rate for `(epoch, epochs)`; None leaves the
            optimiser's alone.
        learning_rate: What the schedule's share is of.
        preview: An image batch and its labels to draw after each epoch.
        winner: From logits to the labels that the preview shows.
        checkpoint_every_s: Longest time between two checkpoints.
        callbacks: What they remember belongs into a checkpoint.
        cases_of: Tells which samples a step's batch holds, by place; for messages.
    """

    def __init__(
        self,
        log: RunLog,
        step: Step,
        *,
        epochs: int,
        position: dict[str, Any] | None = None,
        planned: Sequence[dict[str, Any]] = (),
        schedule: Schedule | None = None,
        learning_rate: float | None = None,
        preview: tuple[Any, Any] | None = None,
        winner: Callable[[Any], Any] = lambda logits: logits.argmax(-1),
        checkpoint_every_s: float = 30.0,
        callbacks: Sequence[Any] = (),
        cases_of: Callable[[int], str] | None = None,
    ) -> None:
        super().__init__()
        position = position or {}
        self.log, self.epochs = log, int(position.get("epochs", epochs))
        self.step = int(position.get("step", 0))
        self.stopped = self._halted = False
        self.saver = Saver(log, every_s=checkpoint_every_s)
        self.saver.go_on(position, position.get("best_arrays"))
        self._start = position
        self._first_step = self.step
        self._does = step
        self._planned = sorted(planned, key=lambda c: (c["at_step"], c["seq"]))
        self._schedule = schedule
        self._base_rate = position.get("learning_rate", learning_rate)
        self._preview, self._winner = preview, winner
        self._callbacks = list(callbacks)
        self._cases_of = cases_of
        self._epoch = int(position.get("epoch", 0))
        self._closed = self._epoch
        self._closing: dict[str, Any] | None = position.get("closing")
        self._steps_per_epoch: int | None = None
        self._pending: deque[tuple[int, int, Any]] = deque()
        self._active_s, self._active_steps = 0.0, 0
        self._batch_began_s = self._epoch_began_s = time.monotonic()
        self._waited_s = 0.0

    @property
    def position(self) -> dict[str, Any]:
        """Where training stands: what a checkpoint holds beside the arrays."""
        return {
            "step": self.step,
            "epoch": self._closed,
            "epochs": self.epochs,
            "learning_rate": self._base_rate,
            "lines": self.log.lines,
            "closing": self._closing,
        }

    @property
    def closing(self) -> dict[str, float] | None:
        """What the steps of an epoch came to whose validation is still to be done."""
        return dict(self._closing["logs"]) if self._closing else None

    def count_steps(self, steps_per_epoch: int) -> None:
        """Say how many steps a whole epoch has, where `fit` sees only a part of one."""
        self._steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs: Any = None) -> None:
        if self._steps_per_epoch is None:
            self._steps_per_epoch = self.params.get("steps")
        self.log.update(
            epochs=self.epochs, step=self.step, steps_per_epoch=self._steps_per_epoch
        )
        if self._start.get("callbacks"):
            arrays = self._start.get("callbacks_arrays", {})
            for name in remind(self._callbacks, self._start["callbacks"], arrays):
                self.log.say(f"The callback {name} is new and begins afresh.")
        self._act_as_planned()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._epoch_began_s = epoch, time.monotonic()
        self._batch_began_s = time.monotonic()
        self._waited_s = self._does.waited_s
        metrics, self._start = self._start.get("metrics_arrays"), {}
        if self._is_amid_epoch():
            # The rate is that of the checkpoint: a new schedule waits for the next one.
            if metrics:
                put_back(metrics, "metrics", list(self.model.metrics_variables))
        else:
            self._apply_schedule()
        self.log.update(now=False, epoch=epoch + 1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        logs = logs or {}
        self.step += 1
        health = self._does.health if self._does.health is not None else logs
        self._pending.append((self.step, self._epoch + 1, health))
        self._look_back(_IN_FLIGHT)
        now = time.monotonic()
        if self.log.state in ("queued", "compiling", "validating"):
            self.log.update(now=False, compile_s=round(self._does.compile_s, 2))
            self.log.enter("running")  # and the first step's compilation is no pace
        else:
            self._active_s += now - self._batch_began_s
            self._active_steps += 1
        if self.log.wants_batch():
            values = {name: float(value) for name, value in logs.items()}
            self.log.batch(epoch=self._epoch + 1, step=self.step, **values)
        self.log.update(now=False, step=self.step, eta_s=self._eta_s())
        if self._is_last_batch():
            self._look_back(0)
            self._closing = {"logs": self._epoch_logs(logs), "lr": self._rate()}
        self._obey()
        if self.log.agree(self.saver.is_due):
            self.save()
        self._batch_began_s = time.monotonic()

    def on_test_begin(self, logs: Any = None) -> None:
        if not self.stopped:
            self.log.enter("validating")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._obey()
        if self.stopped:
            self.model.stop_evaluating = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look_back(0)
        if self.stopped:
            return
        seconds = time.monotonic() - self._epoch_began_s
        values = {name: float(value) for name, value in (logs or {}).items()}
        rate = self._closing["lr"] if self._closing else self._rate()
        if rate is not None:
            values["lr"] = rate
        share = min(1.0, (self._does.waited_s - self._waited_s) / max(seconds, 1e-9))
        times = {"seconds": seconds, "wait_share": share}
        self.log.update(now=False, wait_share=round(share, 4))
        self.log.epoch(epoch=epoch + 1, step=self.step, **values, **times)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        self.log.say(f"epoch {epoch + 1}/{self.epochs}  {shown}  {seconds:.1f} s")
        self._draw(epoch + 1)
        self.saver.judge(self.model, values, step=self.step, epoch=epoch + 1)
        self._closed, self._closing = epoch + 1, None
        self._obey()
        if epoch + 1 >= self.epochs:
            self.model.stop_training = True
        elif self.log.agree(self.saver.is_due) and not self.stopped:
            self.save()

    def save(self, *, wait: bool = False) -> bool:
        """Write a checkpoint of this very step.

        Args:
            wait: Until it lies on disk; if not, a thread writes it.

        Returns:
            False if the disk refused; always True without `wait`.
        """
        self.model.jax_state_sync()
        states, arrays = remember(self._callbacks)
        position = {**self.position, "callbacks": states}
        self.saver.save(self.model, position, arrays)
        return self.saver.wait() if wait else True

    def save_what_is_left(self) -> None:
        """Save where a training was torn: after the last step the weights have seen."""
        if not self._halted and self._does.done:
            # A callback that failed may have kept this one from counting the step.
            self.step = self._first_step + self._does.done
        each = self._steps_per_epoch
        amid = each is None or self.step < (self._epoch + 1) * each
        if amid or self._closing or self._closed > self._epoch:
            self.save(wait=True)

    def warm_up(self, model: keras.Model, validation_data: Any) -> None:
        """Compile what validation and preview need, while Stop can still end it all."""
        if self._preview is not None:
            model.predict_on_batch(self._preview[0])
        if isinstance(validation_data, keras.utils.PyDataset):
            model.test_on_batch(*validation_data[0])
        if self._preview is not None or validation_data is not None:
            model.reset_metrics()

    def _look_back(self, in_flight: int) -> None:
        """Wait for all but so many of the dispatched steps, and see how they went."""
        while len(self._pending) > in_flight:
            step, epoch, health = self._pending.popleft()
            if isinstance(health, dict):  # not our step: the loss has to tell
                loss = float(health.get("loss", 0.0))
                norm, halted = 0.0, not math.isfinite(loss)
            else:
                loss, norm, flag = (float(number) for number in np.asarray(health))
                halted = flag > 0
            if halted:
                self._pending.clear()
                self.step, self._halted, self._closing = step - 1, True, None
                cases = self._cases_of(step) if self._cases_of else ""
                raise not_finite(
                    step=step, epoch=epoch, loss=loss, norm=norm, cases=cases
                )

    def _is_last_batch(self) -> bool:
        each = self._steps_per_epoch
        return bool(each) and self.step == (self._epoch + 1) * int(each or 0)

    def _is_amid_epoch(self) -> bool:
        return bool(self._steps_per_epoch and self.step % self._steps_per_epoch)

    def _epoch_logs(self, logs: dict[str, Any]) -> dict[str, float]:
        """What `fit` will say of the epoch, before validation uses the same metrics."""
        self.model.jax_state_sync()
        found = self.model.get_metrics_result()
        chosen = found if set(found) == set(logs) else logs
        return {name: float(value) for name, value in chosen.items()}

    def _obey(self) -> None:
        self._act_as_planned()
        for command in self.log.commands():
            self._hear(command)
        while self.log.state == "paused" and not self.stopped:
            time.sleep(_POLL_S)
            for command in self.log.commands():
                self._hear(command)

    def _hear(self, command: dict[str, Any]) -> None:
        if int(command.get("at_step") or 0) > self.step:
            self.log.note(command)
            self._planned.append(command)
            self._planned.sort(key=lambda c: (c["at_step"], c["seq"]))
        else:
            self._act(command)

    def _act_as_planned(self) -> None:
        while self._planned and self._planned[0]["at_step"] <= self.step:
            self._act(self._planned.pop(0))

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
            self.save(wait=True)
        self.log.acknowledge(command, step=self.step, epoch=self._epoch + 1)
        if cmd in ("pause", "stop"):
            # The machine may be switched off before anyone resumes.
            self.save()

    def _set(self, args: dict[str, Any]) -> None:
        if "epochs" in args:
            self.epochs = max(int(args["epochs"]), self._epoch + 1)
            self.log.update(now=False, epochs=self.epochs)
        if "learning_rate" in args:
            self._base_rate = float(args["learning_rate"])
            self.model.jax_state_sync()
            if self._rate() is not None:
                self.model.optimizer.learning_rate = self._base_rate * self._share()

    def _share(self) -> float:
        return self._schedule(self._epoch, self.epochs) if self._schedule else 1.0

    def _apply_schedule(self) -> None:
        # Without a schedule of ours, callbacks may change the rate as they like.
        if self._schedule and self._base_rate is not None and self._rate() is not None:
            self.model.optimizer.learning_rate = self._base_rate * self._share()

    def _rate(self) -> float | None:
        optimizer = self.model.optimizer
        rate = getattr(optimizer, "_learning_rate", None)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return None  # the optimiser follows a schedule of its own
        return float(optimizer.learning_rate)

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
        # Of several heads the finest comes first.
        logits = logits[0] if isinstance(logits, (list, tuple)) else logits
        folder: Path = self.log.folder / "preview"
        try:
            found = self._winner(logits[0])
            file = write_preview(folder, epoch, images[0], labels[0], found)
        except OSError:
            return  # a picture that finds no room on the disk is not missed
        self.log.preview(epoch=epoch, file=file)
