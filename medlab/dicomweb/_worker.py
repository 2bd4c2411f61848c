"""The process that asks a server on behalf of a Jupyter server.

Reads one order from standard input, writes progress and the answer to standard output, a line
of JSON each. It breaks off when its input ends: somebody cancelled, or whoever started it is
gone.
"""

import contextlib
import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medlab.dicomweb._connection import explained
from medlab.dicomweb._fetch import Progress, fetch_series
from medlab.dicomweb._search import SeriesQuery, find_series
from medlab.dicomweb._send import send
from medlab.dicomweb._servers import Server
from medlab.errors import MedlabError
from medlab.scans import Home, update_index

MEMORY_BYTES = 6 << 30


def main() -> None:
    """Carry out the order on standard input."""
    _limit_memory()
    order = json.loads(sys.stdin.readline())
    gone = threading.Event()
    threading.Thread(target=_wait_for_end, args=(gone,), daemon=True).start()
    server = Server(**order["server"])
    try:
        _tell({"answer": _ORDERS[order["do"]](server, order, gone.is_set)})
    except MedlabError as error:
        _tell(
            {"error": {"message": str(error), "code": error.code, "told": error.told}}
        )
    except OSError as error:
        sentence = f"The disk refused ({error.strerror}). Make room, and try again."
        _tell({"error": {"message": sentence, "code": "disk", "told": {}}})
    except MemoryError as error:
        fault = explained(server, error)
        _tell({"error": {"message": str(fault), "code": fault.code, "told": {}}})


def _find(server: Server, order: dict[str, Any], cancelled: Any) -> Any:
    found = find_series(server, SeriesQuery(**order["query"]), cancelled=cancelled)
    return [one.to_json() for one in found]


def _fetch(server: Server, order: dict[str, Any], cancelled: Any) -> Any:
    home = Home(Path(order["root"]), Path(order["folder"]))

    def tell(progress: Progress) -> None:
        _tell({"progress": asdict(progress)})

    done = fetch_series(
        *(server, order["study"], order["series"], home, tell), cancelled=cancelled
    )
    update_index(home, home.locate(done.source.path), workers=0)
    told = {"instances": done.instances, "kept": done.kept}
    return {"scan": done.source.scan_id, "path": done.source.path, **told}


def _send(server: Server, order: dict[str, Any], cancelled: Any) -> Any:
    sent = send(server, order["path"], cancelled=cancelled)
    return [asdict(one) for one in sent.instances]


_ORDERS = {"find": _find, "fetch": _fetch, "send": _send}


def _wait_for_end(gone: threading.Event) -> None:
    # Not by sys.stdin: a thread that waits in it could not be left at the end.
    while os.read(0, 4096):
        pass
    gone.set()


def _tell(line: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(line), flush=True)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        within = (
            MEMORY_BYTES if most == resource.RLIM_INFINITY else min(MEMORY_BYTES, most)
        )
        resource.setrlimit(resource.RLIMIT_AS, (within, most))


if __name__ == "__main__":
    main()
