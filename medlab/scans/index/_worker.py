"""The process that reads pieces for an index: one after another from standard input.

It ends when its input does, so also when the process that started it is killed.
"""

import contextlib
import os
import sys

from medlab.scans.index._pool import receive, send
from medlab.scans.index._read import read_piece

_MEMORY_BYTES = 3 << 30


def main() -> None:
    """Answer every piece with its entries."""
    pipe = os.fdopen(os.dup(1), "wb")
    # What libraries print must not get between the answers.
    os.dup2(2, 1)
    _limit_memory()
    while True:
        try:
            piece = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer: object = read_piece(piece)
        except MemoryError:
            os._exit(1)  # As for any other death: the file is found and left out.
        except Exception as error:
            answer = RuntimeError(f"Reading a piece failed: {type(error).__name__}")
        with contextlib.suppress(BrokenPipeError):
            send(pipe, answer)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
