"""Text that goes into a label file: one line, and nothing a header could trip over."""


def plain_text(text: str, limit: int | None = None, *, without: str = "") -> str:
    """One line of printable text; what is not printable becomes a blank.

    Args:
        text: A name or note, from anybody.
        limit: Most characters that the file has room for.
        without: Further characters that the format cannot hold.

    Example:
        >>> plain_text(" left\\nlung\\x00 ")
        'left lung'
        >>> plain_text("a^b", without="^")
        'a b'
    """
    kept = (c if c.isprintable() and c not in without else " " for c in text)
    return "".join(kept).strip()[:limit].strip()


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255.

    Example:
        >>> rgb("#56b4e9")
        (86, 180, 233)
    """
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def hex_color(red: float, green: float, blue: float) -> str:
    """`#rrggbb` of three numbers from 0 to 255; those outside are brought to the ends.

    Example:
        >>> hex_color(86, 180.2, 300)
        '#56b4ff'
    """
    parts = (round(min(max(float(part), 0.0), 255.0)) for part in (red, green, blue))
    return "#" + "".join(f"{part:02x}" for part in parts)


def guarded(text: str) -> str:
    """A cell of a table that no spreadsheet takes for a formula; `unguarded` undoes it.

    Source:
        OWASP, "CSV Injection".

    Example:
        >>> guarded("=1+1"), unguarded("'=1+1"), unguarded("'tis")
        ("'=1+1", '=1+1', "'tis")
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(cell: str) -> str:
    """The text of a cell that `guarded` wrote."""
    is_guarded = cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA)
    return cell[1:] if is_guarded else cell


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
