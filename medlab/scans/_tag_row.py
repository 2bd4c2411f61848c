"""Rows of the header viewer: one a field, whatever the format."""

from typing import Any, TypedDict

import numpy as np

from medlab.scans._header import plain


class TagRow(TypedDict):
    """One field of a header. `tag` and `vr` are empty outside DICOM."""

    tag: str
    keyword: str
    vr: str
    value: str
    depth: int
    is_private: bool
    identifies: bool


def tag_row(
    keyword: str,
    value: Any,
    *,
    identifies: bool = False,
    is_private: bool = False,
    depth: int = 0,
) -> TagRow:
    """A field of a format that has no DICOM tags.

    Args:
        keyword: Its name in the file.
        value: Number, text or array; shown as one printable line of 200 characters.
        identifies: Free text, a name, a date or a place: hidden unless asked for.
        is_private: Not a field of the standard.
        depth: How deep it lies in a group of fields.

    Example:
        >>> tag_row("pixdim", np.array([1.0, 0.5]))["value"]
        '1 0.5'
    """
    return TagRow(
        tag="",
        keyword=plain(keyword),
        vr="",
        value=plain(_text(value)),
        depth=depth,
        is_private=is_private,
        identifies=identifies,
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("utf-8", "replace")
    if isinstance(value, np.ndarray | list | tuple):
        flat = np.asarray(value, dtype=object).ravel()[:100]
        return " ".join(_text(part) for part in flat)
    if isinstance(value, float | np.floating):
        return f"{float(value):.9g}"
    return str(value)
