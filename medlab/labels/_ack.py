"""What a writer is told: that an edit is on disk, or that it came too late."""

from dataclasses import dataclass

from medlab.errors import MedlabError
from medlab.labels._frame import Frame, encode_frame


class StaleEdit(MedlabError):
    """An edit builds on an older revision; `missed` holds what came since."""

    code = "stale"

    def __init__(self, rev: int, base: int, missed: list[bytes]) -> None:
        super().__init__(
            f"The edit must build on revision {rev}, got {base}. "
            "Apply the edits it missed, and send it again."
        )
        self.missed = missed


@dataclass(frozen=True)
class Ack:
    """An edit is on disk, and this is its revision."""

    layer: str
    rev: int
    session: str
    seq: int

    def encode(self) -> bytes:
        fields = {"layer": self.layer, "rev": self.rev, "session": self.session}
        header = {"op": "ack", **fields, "seq": self.seq, "state": "on-disk"}
        return encode_frame(Frame(header))
