"""History: which steps a person can take back, and which they can do again.

Nothing of it is stored: it is read off the journal. An edit begins or continues a step; an
edit with a `turn` takes a step back or does it again. So undo outlives a reload, a restart
and a change of machine, and two tabs of one person share it.
"""

from dataclasses import dataclass, field
from typing import Any

StepKey = tuple[str, int]


@dataclass
class Step:
    """What one undo takes back.

    Attributes:
        session: Of its first edit.
        number: `seq` of its first edit.
        edits: Revisions of its edits, oldest first.
        turns: Revisions of the edits that took it back or did it again.
    """

    session: str
    number: int
    edits: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)


@dataclass
class Line:
    """The steps of one author, each list with the newest last."""

    done: dict[StepKey, Step] = field(default_factory=dict)
    undone: dict[StepKey, Step] = field(default_factory=dict)

    def newest(self, steps: int) -> list[Step]:
        """The last steps that can be taken back, and all that can be done again."""
        done = list(self.done.values())
        return [*done[max(0, len(done) - steps) :], *self.undone.values()]


class History:
    """The steps of every author of a journal."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._places: dict[int, tuple[int, int]] = {}

    def line(self, author: str) -> Line:
        return self._lines.get(author, Line())

    def place(self, rev: int) -> tuple[int, int]:
        """Where the record of a revision begins and ends in the journal."""
        return self._places[rev]

    def take(self, header: dict[str, Any], start: int, end: int) -> None:
        """Take the next edit of the journal, by its frame's header.

        Example:
            >>> history = History()
            >>> edit = {"rev": 1, "session": "00c0ffee", "seq": 4}
            >>> history.take(edit, 0, 100)
            >>> undo = {**edit, "rev": 2, "seq": 5, "turn": ["undo", "00c0ffee", 4]}
            >>> history.take(undo, 100, 200)
            >>> line = history.line("00c0ffee")
            >>> len(line.done), line.undone["00c0ffee", 4].edits
            (0, [1])
        """
        rev, session = int(header["rev"]), header["session"]
        self._places[rev] = (start, end)
        line = self._lines.setdefault(header.get("by") or session, Line())
        turn = header.get("turn")
        if turn is None:
            step = header.get("step")
            key = (session, header["seq"] if step is None else step)
            line.undone.clear()
            line.done.setdefault(key, Step(*key)).edits.append(rev)
            return
        which, key = turn[0], (turn[1], turn[2])
        source, target = (line.done, line.undone)[:: 1 if which == "undo" else -1]
        if key in source:
            target[key] = source.pop(key)
        if key in target:
            target[key].turns.append(rev)
