"""The history of a run as one line, whatever was logged twice.

A run that was killed goes on from its last checkpoint and logs the steps behind it
again. The later line counts; what came after the checkpoint the first time did not
happen to the model that training went on with. `training/series.ts` follows the same
rules for the curves, and `tests/contract/resumed.json` holds both to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]


@dataclass
class History:
    """What the lines of `metrics.jsonl` come to.

    Args:
        epochs: Lines of kind `epoch`, steps ascending.
        batches: Lines of kind `batch`, steps ascending.
        marks: What people and the machine did to the run, oldest first: `cmd` is
            `pause`, `resume`, `stop`, `checkpoint` or `set` (by command), `resumed`
            (went on from a checkpoint) or `alert`; `step` and `epoch` tell where;
            `undone` tells that the run went on from a checkpoint before it.
        previews: Lines of kind `preview`, epochs ascending.
    """

    epochs: list[Line] = field(default_factory=list)
    batches: list[Line] = field(default_factory=list)
    marks: list[Line] = field(default_factory=list)
    previews: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "History":
        """Gather all lines of a run log."""
        history = cls()
        for line in lines:
            history.add(line)
        return history

    def add(self, line: Line) -> int | None:
        """Take up one more line.

        Returns:
            The first step that no longer holds as it was told before, or None.
        """
        match line.get("kind"):
            case "epoch":
                return self._add_epoch(line)
            case "batch":
                return self._add_batch(line)
            case "preview":
                self.previews = _before(self.previews, "epoch", line.get("epoch"))
                self.previews.append(line)
            case "control":
                self._mark(line, str(line.get("cmd")))
            case "alert":
                self._mark(line, "alert")
            case "rewind":
                return self._go_on_from(line)
        return None

    @property
    def step(self) -> int:
        """The last step that any line tells of."""
        return max((int(of[-1]["step"]) for of in self._curves if of), default=0)

    @property
    def _curves(self) -> tuple[list[Line], list[Line]]:
        return self.epochs, self.batches

    def _add_epoch(self, line: Line) -> int | None:
        step = line.get("step")
        if not isinstance(step, int):
            return None
        again = bool(self.epochs) and step <= self.epochs[-1]["step"]
        self.epochs = _before(self.epochs, "step", step)
        self.batches = _before(self.batches, "step", step + 1)
        self.epochs.append(line)
        return step if again else None

    def _add_batch(self, line: Line) -> int | None:
        step = line.get("step")
        if not isinstance(step, int):
            return None
        again = step <= self.step
        self.epochs = _before(self.epochs, "step", step)
        self.batches = _before(self.batches, "step", step)
        self.batches.append(line)
        return step if again else None

    def _go_on_from(self, line: Line) -> int | None:
        step = int(line.get("step") or 0)
        again, epoch = step < self.step, self._epoch_of(step)
        self.epochs = _before(self.epochs, "step", step + 1)
        self.batches = _before(self.batches, "step", step + 1)
        # Changed settings are acted on again at their steps, and told again then.
        self.marks = [
            {**mark, "undone": mark["undone"] or mark["step"] > step}
            for mark in self.marks
            if mark["cmd"] != "set" or mark["step"] <= step
        ]
        self._mark({**line, "epoch": epoch}, "resumed")
        return step + 1 if again else None

    def _mark(self, line: Line, cmd: str) -> None:
        step = line.get("step", self.step)
        kept: Line = {
            key: line[key] for key in ("t", "args", "code", "message") if key in line
        }
        epoch = line.get("epoch", self._epoch_of(step))
        self.marks.append(
            {"cmd": cmd, "step": step, "epoch": epoch, "undone": False, **kept}
        )

    def _epoch_of(self, step: int) -> int:
        """The epoch that a step belongs to, as far as the lines tell."""
        known = [*self.epochs, *self.batches]
        later = [each for each in known if each["step"] >= step]
        if later:
            return int(min(later, key=_place).get("epoch") or 0)
        return int(max(known, key=_place).get("epoch") or 0) if known else 0


def metrics_of(line: Line) -> dict[str, float]:
    """The metrics of an epoch or a batch: its numbers that do not say where it stands."""
    return {
        name: value
        for name, value in line.items()
        if name not in _NO_METRICS
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    }


_NO_METRICS = ("t", "epoch", "step", "seq")


def _before(lines: list[Line], key: str, value: Any) -> list[Line]:
    end = len(lines)
    while end and isinstance(value, int) and lines[end - 1][key] >= value:
        end -= 1
    return lines[:end] if end < len(lines) else lines


def _place(line: Line) -> tuple[int, int]:
    return int(line["step"]), int(line.get("epoch") or 0)
