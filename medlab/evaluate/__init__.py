"""Evaluation: how well labels agree with other labels, in numbers and in a picture."""

from medlab.evaluate._dice import dice
from medlab.evaluate._picture import picture
from medlab.evaluate._table import write_table

__all__ = ["dice", "picture", "write_table"]
