"""Tls: the certificates that prove who talks to a Dask cluster."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tls:
    """Files in PEM form. Dask's own settings are used for those that are not given.

    Args:
        ca: Certificate of the authority that both sides trust.
        certificate: Of this client.
        key: Of this client.
    """

    ca: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None
