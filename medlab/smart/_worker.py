"""The worker process: takes orders from standard input until whoever started it is gone.

Run as `python -m medlab.smart._worker tools` (or `model`, which alone imports Keras).
"""

import contextlib
import os
import queue
import sys
import threading
import traceback
from typing import Any, BinaryIO

from medlab.errors import MedlabError
from medlab.smart._pipe import receive, send


class Cancelled(Exception):
    """Nobody wants the result any more."""


class Bench:
    """What a worker has at hand: the pipe, and which order was taken back."""

    def __init__(self, replies: BinaryIO) -> None:
        self._replies = replies
        self.taken_back: set[str] = set()
        self.orders: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen(self, pipe: BinaryIO) -> None:
        """Take messages; end the process at once when there is nobody left to ask."""
        while True:
            message = receive(pipe)
            if message is None:
                os._exit(0)
            header, _ = message
            if "cancel" in header:
                self.taken_back.add(header["cancel"])
            else:
                self.orders.put(header)

    def report(self, job: str, fraction: float, message: str) -> None:
        if job in self.taken_back:
            raise Cancelled
        progress = min(max(fraction, 0.0), 1.0)
        send(self._replies, {"job": job, "progress": progress, "message": message})

    def reply(self, order: dict[str, Any], kind: str) -> None:
        job = order["job"]
        try:
            told, payload = self._answer(order, kind)
        except Cancelled:
            told, payload = _error("Cancelled.", "cancelled"), b""
        except MedlabError as error:
            told, payload = _error(str(error), error.code), b""
            told["error"]["missing"] = isinstance(error, LookupError)
        except MemoryError:
            sentence = (
                "The tool needs more memory than it may take. Choose a smaller region, or "
                "hide what is not needed."
            )
            told, payload = _error(sentence, "out-of-memory"), b""
        except OSError as error:
            sentence = (
                f"The server's disk refused ({error.strerror}). Nothing was changed."
            )
            told, payload = _error(sentence, "disk"), b""
        except Exception as error:
            traceback.print_exc()
            sentence = (
                f"The tool failed ({type(error).__name__}); the log tells where. "
                "Nothing was changed."
            )
            told, payload = _error(sentence, "tool-failed"), b""
        send(self._replies, {"job": job, **told}, payload)

    def _answer(self, order: dict[str, Any], kind: str) -> tuple[dict[str, Any], bytes]:
        def report(fraction: float, message: str) -> None:
            self.report(order["job"], fraction, message)

        if kind == "model":
            from medlab.smart._model_work import answer_order
        else:
            from medlab.smart._tool_work import answer_order
        content, payload = answer_order(order, report)
        return {"done": content}, payload


def _error(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "missing": False}}


def _step_aside() -> None:
    """Be the first to go when memory runs out, instead of the server."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("600")


def _limit_memory() -> None:
    from medlab.scans._worker import default_memory_bytes

    try:
        import resource
    except ImportError:  # Windows
        return
    memory = int(os.environ.get("MEDLAB_TOOL_MEMORY_BYTES", default_memory_bytes()))
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def main(kind: str) -> None:
    """Work until standard input ends."""
    # What a library prints must not get between the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    orders = os.fdopen(os.dup(0), "rb")
    bench = Bench(replies)
    threading.Thread(target=bench.listen, args=(orders,), daemon=True).start()
    _step_aside()
    if kind == "tools":
        _limit_memory()
        import medlab.smart._tool_work  # noqa: F401  Now, not at the first order.
    send(replies, {"ready": kind})
    while True:
        bench.reply(bench.orders.get(), kind)


if __name__ == "__main__":
    main(sys.argv[1])
