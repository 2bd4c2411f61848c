"""Tables of metrics, as CSV that any program opens."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlab.scans import write_atomically


def write_table(
    path: str | Path, scores: Mapping[str, Any], *, metric: str = "dice"
) -> Path:
    """Write metrics, one line a segment.

    Args:
        path: The `.csv` file.
        scores: A number for each segment; or, to compare several models or seeds, for
            each segment a mapping from their names to numbers.
        metric: Heading of the only column of numbers.

    Returns:
        The path. A number that is none (NaN) leaves its cell empty.
    """
    rows = {
        name: dict(value) if isinstance(value, Mapping) else {metric: value}
        for name, value in scores.items()
    }
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["segment", *columns])
    for name, row in rows.items():
        writer.writerow([name, *(_cell(row.get(column)) for column in columns)])
    write_atomically(Path(path), text.getvalue().encode("utf-8"))
    return Path(path)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
