"""A disk that fails at the call one names: the n-th of those that touch it."""

import errno
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from medlab.labels import _journal

CALLS = (
    *("open", "write", "pwrite", "fsync", "ftruncate", "replace", "rename"),
    *("unlink", "link", "mkdir", "chmod", "close"),
)
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)


class Disk:
    """Counts the calls, and lets one or all from one on fail.

    Args:
        fails_at: Number of the first call that fails, from 0; None lets all pass.
        stays: All later calls fail too.
        after: The call does its work before it fails; a write does half of it.
        only: Names of the calls that fail at all.
    """

    def __init__(
        self,
        fails_at: int | None = None,
        *,
        stays: bool = False,
        after: bool = False,
        only: Sequence[str] = (),
    ) -> None:
        self.calls: list[str] = []
        self._only = only
        self._fails_at, self._stays, self._after = fails_at, stays, after

    @contextmanager
    def mounted(self) -> Iterator["Disk"]:
        """The disk, for all of this process."""
        real_open = io.open
        with mock.patch.object(_journal, "_sync_data", self._wrap("fdatasync")):
            patches = [mock.patch.object(os, name, self._wrap(name)) for name in CALLS]
            patches.append(
                mock.patch.object(io, "open", self._wrap("io.open", real_open))
            )
            for patch in patches:
                patch.start()
            try:
                yield self
            finally:
                for patch in reversed(patches):
                    patch.stop()

    def _wrap(self, name: str, real: Callable[..., Any] | None = None) -> Any:
        do = real or getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            number = len(self.calls)
            self.calls.append(name)
            if not self._is_bad(number) or (self._only and name not in self._only):
                return do(*args, **options)
            if self._after or name == "close":  # A handle is gone even then.
                self._do_some(name, do, args, options)
            code = ERRORS[number % len(ERRORS)]
            raise OSError(code, os.strerror(code))

        return call

    def _is_bad(self, number: int) -> bool:
        if self._fails_at is None:
            return False
        return number >= self._fails_at if self._stays else number == self._fails_at

    def _do_some(
        self, name: str, do: Callable[..., Any], args: Any, options: Any
    ) -> None:
        if name in ("write", "pwrite"):
            handle, data, *rest = args
            do(handle, bytes(data)[: len(data) // 2], *rest)
        elif name in ("open", "io.open"):
            made = do(*args, **options)
            if isinstance(made, int):
                REAL_CLOSE(made)
            else:
                made.close()
        else:
            do(*args, **options)


REAL_CLOSE = os.close
