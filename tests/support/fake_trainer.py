"""A trainer that trains nothing: it writes a run folder as a real one does."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from medlab.train import runs


class FakeTrainer:
    """Writes a run folder as a trainer does, step by step, under the test's control.

    Args:
        root: The Jupyter root.
        run_id: Such as `20261121T013000Z-0a1b2c`.
        name: What the run is called.
        recipe: What it follows; None for none.
    """

    def __init__(
        self,
        root: Path,
        run_id: str,
        name: str,
        recipe: dict[str, Any] | None = None,
    ) -> None:
        self.folder = root / ".medlab" / "runs" / run_id
        (self.folder / "preview").mkdir(parents=True)
        self.step = 0
        self.status: dict[str, Any] = {}
        self.say("running")
        about = {"name": name, "template": "unet", "created": time.time()}
        self._replace("run.json", {**about, "recipe": recipe or {}})

    def say(self, state: str, **more: Any) -> None:
        """Enter a state; what `more` tells stays until it is told anew."""
        self.status |= more
        status = {
            **{"state": state, "heartbeat": time.time() + 3600, "pid": os.getpid()},
            **{"host": socket.gethostname(), "epoch": 1 + self.step // 10},
            **{"epochs": 100, "step": self.step, "steps_per_epoch": 10},
            **{"eta_s": 42.0, "ack_seq": 0, "message": ""},
            **self.status,
        }
        self._replace("status.json", status)

    def train(self, steps: int) -> None:
        """Log so many steps more, with a loss that falls."""
        for _ in range(steps):
            self.step += 1
            self._add({"kind": "batch", **self._place, "loss": 1 / self.step})
        self.say("running")

    def end_epochs(self, count: int, **metrics: float) -> None:
        """Log so many whole epochs of ten steps, without their batches."""
        for _ in range(count):
            self.step += 10
            values = {"loss": 3 / self.step, "lr": 0.001, **metrics}
            self._add({"kind": "epoch", **self._place, **values, "seconds": 1.0})
        self.say("running")

    def write(self, kind: str, **content: Any) -> None:
        """Log any other line."""
        self._add({"kind": kind, **content})

    def wait_for_command(self, seq: int) -> dict[str, Any]:
        """Return the command of that number as soon as it was sent to this run."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for command in runs.read_commands(self.folder, seq - 1):
                return command
            time.sleep(0.05)
        raise AssertionError(f"Command {seq} did not come.")

    @property
    def _place(self) -> dict[str, int]:
        return {"epoch": max(1, (self.step + 9) // 10), "step": self.step}

    def _add(self, line: dict[str, Any]) -> None:
        line = {"kind": line["kind"], "t": round(time.time(), 3), **line}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _replace(self, name: str, content: dict[str, Any]) -> None:
        temporary = self.folder / f".{name}"
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(self.folder / name)
