"""Placeholder until the trial in a process of its own stands."""

import functools


@functools.cache
def remembered_verdict() -> str:
    return "onednn"
