"""``history.csv``: the learning curve, one row an evaluation."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from musiclstm.files import atomic_write_bytes
from musiclstm.training.report import Evaluation


def write_history(path: Path, rows: Sequence[Evaluation]) -> None:
    """Write all rows, atomically.

    Args:
        path: The file.
        rows: At least one.
    """
    table = [row.as_dict() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    atomic_write_bytes(path, text.getvalue().encode())
