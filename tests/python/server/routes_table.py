"""One row for each route and method: how it is asked well, and what comes then.

The suites of the server read it; a route without a row fails `test_every_route.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

RUN = "20261121T013000Z-0a1b2c"

JSON, OCTETS, PNG = "application/json", "application/octet-stream", "image/png"


@dataclass(frozen=True)
class Row:
    """A route and a method.

    Attributes:
        path: An address that is answered with `status`; `{scan}` and `{series}` stand for
            the ids of a NIfTI and a DICOM scan that are there, `{frames}` for edits.
        body: What is sent: an object, or a function that makes bytes.
        kind: Content type of the reply.
        limit: Bytes that a body may have.
    """

    method: str
    template: str
    path: str
    body: Any = None
    status: int = 200
    kind: str = JSON
    limit: int = 256 << 10

    @property
    def id(self) -> str:
        return f"{self.method} {self.template}"


def post(template: str, path: str, body: Any = None, **rest: Any) -> Row:
    return Row("POST", template, path, {} if body is None else body, **rest)


def get(template: str, path: str, **rest: Any) -> Row:
    return Row("GET", template, path, **rest)


Edits = Callable[[], bytes]
LAYER = "labels/{scan}/lungs"

ROWS: tuple[Row, ...] = (
    post("scans/search", "scans/search", {"words": "thorax"}),
    post("scans/groups", "scans/groups", {"by": "study"}),
    get("scans/index", "scans/index"),
    post("scans/index", "scans/index", {"cmd": "start"}),
    get("scans/{scan}", "scans/{scan}"),
    get("scans/{scan}/thumbnail", "scans/{scan}/thumbnail", kind=PNG),
    post("scans/{scan}/tags", "scans/{series}/tags", {"words": "name"}),
    get("volumes/{scan}", "volumes/{scan}"),
    get("volumes/{scan}/slab", "volumes/{scan}/slab?k0=0&k1=2", kind=OCTETS),
    get("volumes/{scan}/first", "volumes/{scan}/first", kind=OCTETS),
    get("labels/{scan}", "labels/{scan}"),
    post("labels/{scan}/{layer}", LAYER, {"segments": []}),
    get("labels/{scan}/{layer}", LAYER),
    get("labels/{scan}/{layer}/snapshot", f"{LAYER}/snapshot", kind=OCTETS),
    get(
        *("labels/{scan}/{layer}/ops", f"{LAYER}/ops?from=0"),
        **{"kind": OCTETS, "limit": 256 << 20},
    ),
    post(
        *("labels/{scan}/{layer}/ops", f"{LAYER}/ops"),
        *(lambda: b"",),
        **{"kind": OCTETS, "limit": 256 << 20},
    ),
    get(
        "labels/{scan}/{layer}/history",
        f"{LAYER}/history?by=0123abcd",
        kind=OCTETS,
    ),
    post("labels/{scan}/{layer}/recover", f"{LAYER}/recover"),
    get("labels/{scan}/files", "labels/{scan}/files"),
    post("labels/{scan}/{layer}/save", f"{LAYER}/save", {"path": "saved.nii.gz"}),
    get("labels/{scan}/{layer}/file", f"{LAYER}/file"),
    post(
        "labels/{scan}/{layer}/read",
        f"{LAYER}/read",
        {"path": "beside.nii.gz"},
        kind=OCTETS,
    ),
    get("runs", "runs"),
    get("runs/{run}", f"runs/{RUN}"),
    get("runs/{run}/metrics", f"runs/{RUN}/metrics?from=0"),
    get("runs/{run}/log", f"runs/{RUN}/log"),
    get("runs/{run}/export/{csv|json}", f"runs/{RUN}/export/csv", kind="text/csv"),
    get("runs/{run}/preview/{file}", f"runs/{RUN}/preview/epoch-0001.png", kind=PNG),
    post("runs/{run}/control", f"runs/{RUN}/control", {"cmd": "pause"}),
    get("smart/jobs/{job}", "smart/jobs/none", status=404, limit=1 << 20),
    Row("DELETE", "smart/jobs/{job}", "smart/jobs/none", limit=1 << 20),
    post(
        *("smart/{tool}", "smart/none", {"scan": "{scan}"}),
        **{"status": 404, "limit": 1 << 20},
    ),
    get("dicomweb/servers", "dicomweb/servers"),
    get("dicomweb/jobs", "dicomweb/jobs"),
    get("dicomweb/jobs/{job}", "dicomweb/jobs/none", status=404),
    Row("DELETE", "dicomweb/jobs/{job}", "dicomweb/jobs/none", status=404),
    post("dicomweb/{server}/search", "dicomweb/none/search", status=404),
    post("dicomweb/{server}/fetch", "dicomweb/none/fetch", status=404),
    post("dicomweb/{server}/send", "dicomweb/none/send", status=404),
)
