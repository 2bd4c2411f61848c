"""confined: work that can open nothing outside the root, whatever a link is swapped for.

A path that was checked can lead elsewhere a moment later: somebody who may write below the
root replaces a file by a link. So it is not the check that guards what is read but the kernel:
the work is done by a thread that may open files below the root, and of the rest of the machine
only programs and libraries.

Linux from 5.13 on has Landlock for that. Elsewhere the work is done without: there, files below
a root that others may write to are as safe as the check before.

Source:
    Linux, Documentation/userspace-api/landlock.rst
"""

import contextlib
import ctypes
import os
import site
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

_Result = TypeVar("_Result")

# The same on every architecture since these calls were added after the numbers were unified.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_BENEATH = 1
_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FIRST_VERSION = (1 << 13) - 1
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/nix", "/gnu", "/proc", "/sys/devices")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_SHARED_MEMORY = "/dev/shm"
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types")


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def can_confine() -> bool:
    """Whether this machine's kernel can."""
    return _version() > 0


def confined(
    work: Callable[..., _Result], *args: Any, folders: Iterable[Path]
) -> _Result:
    """Do work that may read and write in these folders, and else read only programs.

    It is done in a thread of its own, because what a thread gave up it never gets back.

    Args:
        work: Called with `args`.
        folders: Absolute paths; those that are not there are left out.

    Raises:
        BaseException: What `work` raises; a `PermissionError` if it strayed.

    Example:
        >>> confined(lambda a, b: a + b, 1, 2, folders=[])
        3
    """
    if not can_confine():
        return work(*args)
    done: list[_Result] = []
    failed: list[BaseException] = []

    def alone() -> None:
        try:
            _restrict(folders)
            done.append(work(*args))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=alone, name="medlab-confined")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def confine_process(folders: Iterable[Path]) -> None:
    """As `confined`, for the calling thread and every one it starts, for good."""
    if can_confine():
        _restrict(folders)


def _restrict(folders: Iterable[Path]) -> None:
    handled = _FIRST_VERSION
    if _version() >= 2:
        handled |= _REFER
    if _version() >= 3:
        handled |= _TRUNCATE
    ruleset = _Ruleset(handled)
    number = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    try:
        for place in (*_SYSTEM, *_libraries(), *_SETTINGS):
            _allow(number, place, _READ & handled)
        for place in _DEVICES:
            _allow(number, place, (_READ | _WRITE_FILE) & handled)
        for place in (_SHARED_MEMORY, *map(str, folders)):
            _allow(number, place, handled)
        _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        _call(_RESTRICT_SELF, number, 0)
    finally:
        os.close(number)


def _allow(ruleset: int, place: str, access: int) -> None:
    try:
        handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(place).is_dir():
            access &= _FOR_FILES
        rule = _Rule(access, handle)
        with contextlib.suppress(OSError):  # /proc can be of a kind that has no rules.
            _call(_ADD_RULE, ruleset, _BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)


@cache
def _libraries() -> tuple[str, ...]:
    """Where Python and its packages lie; not the current folder, which holds anything."""
    found = {Path(path) for path in sys.path if path} - {Path.cwd()}
    found |= {Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix)}
    found |= {Path(site.getusersitepackages()), Path(__file__).resolve().parents[2]}
    return tuple(sorted(str(path) for path in found if path.is_absolute()))


@cache
def _version() -> int:
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION)
    except (OSError, AttributeError):
        return 0


def _call(*args: Any) -> int:
    got = int(_libc().syscall(*args))
    if got < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return got


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
