"""What a server says about each instance that it was sent, in sentences.

Source:
    DICOM PS3.18, table 10.5.3-2 and annex I.2 (store instances response); PS3.4, annex B.2.3;
    PS3.7, annex C (status codes).
"""

from dataclasses import dataclass
from typing import Any, Literal

from medlab.dicomweb._json import count_of, items_of, text_of

_FAILED, _REFERENCED = "00081198", "00081199"
_INSTANCE, _REASON, _WARNING = "00081155", "00081197", "00081196"

_EXACT = {
    0x0105: "it knows no such attribute",
    0x0106: "an attribute has a value it does not take",
    0x0107: "an attribute is not in the list it takes",
    0x0110: "it failed while storing",
    0x0111: "it has an instance of that number already",
    0x0112: "it knows no such instance",
    0x0115: "an attribute has a value it does not take",
    0x0117: "the number of the instance is no UID",
    0x0118: "it does not know this kind of object",
    0x0119: "the object does not fit its kind",
    0x0120: "an attribute is missing",
    0x0121: "an attribute is empty that must not be",
    0x0122: "it does not store this kind of object",
    0x0124: "this login may not store there",
    0x0131: "the study or series is closed there",
    0x0213: "it has no room or memory left",
    0xC122: "it does not take this transfer syntax",
    0xB000: "it changed some attributes",
    0xB006: "it left some attributes out",
    0xB007: "the object does not fit its kind, and was stored all the same",
}
_FAMILIES = {
    0xA700: "it has no room or memory left",
    0xA900: "the object does not fit its kind",
    0xC000: "it cannot understand the object",
}

State = Literal["stored", "changed", "refused"]


@dataclass(frozen=True)
class SentInstance:
    """What became of one instance.

    Attributes:
        instance: SOPInstanceUID.
        state: "stored"; "changed" if stored with a warning; "refused".
        reason: Why, where the server said so: a sentence for people.
        status: The code that the reason was read from, 0 where there is none.
    """

    instance: str
    state: State
    reason: str = ""
    status: int = 0


def explain(answer: Any, sent: list[str]) -> list[SentInstance]:
    """One line for each instance that was sent, in that order.

    Args:
        answer: DICOM JSON: an object, or a list of one.
        sent: SOPInstanceUIDs.

    Example:
        >>> answer = {"00081198": {"Value": [{
        ...     "00081155": {"Value": ["1.2.3"]}, "00081197": {"Value": [49442]}}]}}
        >>> explain(answer, ["1.2.3"])[0].reason
        'The server refused it: it does not take this transfer syntax.'
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    told = {}
    for item in items_of(answer, _REFERENCED):
        status = count_of(item, _WARNING)
        uid = text_of(item, _INSTANCE)
        told[uid] = _line(uid, "changed" if status else "stored", status)
    for item in items_of(answer, _FAILED):
        uid = text_of(item, _INSTANCE)
        told[uid] = _line(uid, "refused", count_of(item, _REASON))
    silence = "The server did not say what became of it. Look whether it is there."
    return [told.get(uid, SentInstance(uid, "refused", silence)) for uid in sent]


def _line(uid: str, state: State, status: int) -> SentInstance:
    if state == "stored":
        return SentInstance(uid, state)
    family = status & 0xFF00 if status >> 8 in (0xA7, 0xA9) else status & 0xF000
    why = _EXACT.get(status) or _FAMILIES.get(family) or "it did not say why"
    code = f" (status {status:04X}h)" if status and status not in _EXACT else ""
    verb = "refused it" if state == "refused" else "stored it with a warning"
    return SentInstance(uid, state, f"The server {verb}: {why}{code}.", status)
