"""Codes and states of segments, as other programs write them.

Sources:
    3D Slicer developer guide, "Segmentations", TerminologyEntry tag and segment status.
    DICOM PS3.16, CID 7150 (segmentation property categories).
"""

from typing import Any

from medlab.labels._plain_text import plain_text

STRUCTURE = {"scheme": "SCT", "value": "123037004", "meaning": "Anatomical Structure"}
"""The category of everything that has a code, and the type of what has none."""

_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGIONS = "Anatomic codes - DICOM master list"
_STATES = {
    "not-started": "notstarted",
    "in-progress": "inprogress",
    "completed": "completed",
    "flagged": "flagged",
}


def state_tag(state: str) -> str:
    """The word 3D Slicer has for a state."""
    return _STATES.get(state, "notstarted")


def state_of_tag(word: str) -> str:
    """The state that a word of 3D Slicer means; one it does not know is not started."""
    return next(
        (ours for ours, theirs in _STATES.items() if theirs == word), "not-started"
    )


def terminology_entry(code: dict[str, Any]) -> str:
    """A code as the type in a TerminologyEntry tag.

    Example:
        >>> terminology_entry({"scheme": "SCT", "value": "39607008", "meaning": "Lung"})[64:]
        'SCT^123037004^Anatomical Structure~SCT^39607008^Lung~^^~Anatomic codes - DICOM \
master list~^^~^^'
    """
    kind, category = (
        "^".join(
            plain_text(str(item[part]), without="^~|") or "?"
            for part in ("scheme", "value", "meaning")
        )
        for item in (code, STRUCTURE)
    )
    return f"{_CONTEXT}~{category}~{kind}~^^~{_REGIONS}~^^~^^"


def code_of_entry(entry: str) -> dict[str, str] | None:
    """The type that a TerminologyEntry names, else None. Modifiers such as "Left" are lost.

    Example:
        >>> code_of_entry("list~SCT^123037004^Structure~SCT^39607008^Lung~^^~~^^~^^")
        {'scheme': 'SCT', 'value': '39607008', 'meaning': 'Lung'}
    """
    parts = entry.split("~")
    kind = parts[2].split("^") if len(parts) > 2 else []
    scheme, value, meaning = (plain_text(text, 200) for text in (*kind, "", "", "")[:3])
    if not (scheme and value):
        return None
    return {"scheme": scheme, "value": value, "meaning": meaning or value}
