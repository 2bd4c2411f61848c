"""Values of DICOM JSON (PS3.18, annex F), which a server may have filled with anything."""

from typing import Any

_LETTERS = 200


def text_of(item: Any, tag: str) -> str:
    """The first value of an attribute as printable text, at most 200 letters.

    Example:
        >>> text_of({"00080060": {"vr": "CS", "Value": ["CT"]}}, "00080060")
        'CT'
        >>> text_of({"00100010": {"Value": [{"Alphabetic": "Doe^Jane"}]}}, "00100010")
        'Doe^Jane'
    """
    value = _first(item, tag)
    if isinstance(value, dict):
        named = (value.get(kind) for kind in ("Alphabetic", "Ideographic", "Phonetic"))
        value = next((one for one in named if isinstance(one, str)), "")
    if not isinstance(value, (str, int, float)):
        return ""
    return "".join(c for c in str(value) if c.isprintable()).strip()[:_LETTERS]


def count_of(item: Any, tag: str) -> int:
    """The first value of an attribute as a count, 0 where there is none."""
    text = text_of(item, tag)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def items_of(item: Any, tag: str) -> list[Any]:
    """The items of a sequence."""
    entry = item.get(tag) if isinstance(item, dict) else None
    values = entry.get("Value") if isinstance(entry, dict) else None
    return values if isinstance(values, list) else []


def _first(item: Any, tag: str) -> Any:
    values = items_of(item, tag)
    return values[0] if values else None
