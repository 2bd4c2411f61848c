"""send: DICOM files from the disk to a server (STOW-RS)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from medlab.dicomweb._answers import SentInstance, explain
from medlab.dicomweb._connection import Connection
from medlab.dicomweb._limits import LIMITS, Limits
from medlab.dicomweb._servers import Server, find_server
from medlab.errors import MedlabError
from medlab.scans import dicom_candidates, is_dicom, read_dicom

_BATCH_BYTES = 64 << 20
_FILE_BYTES = 1 << 30


@dataclass(frozen=True)
class Sent:
    """What became of everything that was sent."""

    instances: tuple[SentInstance, ...]

    @property
    def stored(self) -> int:
        """How many the server has now."""
        return sum(one.state != "refused" for one in self.instances)

    @property
    def refused(self) -> int:
        """How many it did not take."""
        return len(self.instances) - self.stored


def send(
    server: Server | str,
    path: Path | str,
    *,
    cancelled: Callable[[], bool] | None = None,
    limits: Limits = LIMITS,
) -> Sent:
    """Send a DICOM file, or all DICOM files directly in a folder.

    Args:
        server: A name of the administrator's table.
        path: For example a segmentation that `medlab labels export` wrote.
        cancelled: Asked often; when true, it ends with an error "cancelled".
        limits: How much of the answer is believed.

    Returns:
        One line for each instance. A refusal by the server is no error here.

    Raises:
        MedlabError: If no such server is allowed, it takes nothing, does not answer as it
            must, or there is no DICOM file.
    """
    if isinstance(server, str):
        server = find_server(server)
    if not server.can_send:
        raise MedlabError(
            f"The server {server.called!r} must be open for sending, got one that is set up "
            "to be read only. Choose another, or ask its administrator.",
            code="not-allowed",
        )
    files = _files(Path(path))
    told: list[SentInstance] = []
    with Connection(server, cancelled=cancelled, limits=limits) as connection:
        client = connection.client()
        for batch in _batches(files):
            images = [read_dicom(f, f.name, everything=True).header for f in batch]
            uids = [str(image.SOPInstanceUID) for image in images]
            with connection.asking():
                told += explain(_store(client, images), uids)
    return Sent(tuple(told))


def _store(client: Any, images: list[Any]) -> Any:
    try:
        answer = client.store_instances(images)
    except requests.exceptions.HTTPError as error:
        # 409: none was stored, and the body says why.
        if error.response is None or error.response.status_code != 409:
            raise
        return error.response.json()
    return answer.to_json_dict()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = [file for file in dicom_candidates(path) if is_dicom(file)]
    else:
        files = [path] if path.is_file() and is_dicom(path) else []
    if not files:
        raise MedlabError(
            f"There must be a DICOM file at {path.name!r}, got none. "
            "Export labels as .dcm first, or name another file.",
            code="not-found",
        )
    for file in files:
        if file.stat().st_size > _FILE_BYTES:
            raise MedlabError(
                f"{file.name} must be at most {_FILE_BYTES >> 20} MiB to be sent, got more. "
                "Send it with a program made for such files, as dcmtk's storescu.",
                code="too-large",
            )
    return files


def _batches(files: list[Path]) -> Iterator[list[Path]]:
    """Files in groups that fit into memory."""
    batch: list[Path] = []
    size = 0
    for file in files:
        more = file.stat().st_size
        if batch and size + more > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += more
    yield batch
