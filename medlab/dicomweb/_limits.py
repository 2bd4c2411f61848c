"""What a DICOMweb server may answer before it is stopped: bytes, counts and time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much of a server is believed. A hospital's archive stays far below.

    Attributes:
        connect_s: Seconds until a connection must stand.
        silence_s: Seconds without a byte after which a server counts as gone.
        reply_s: Seconds in which an answer must begin and a short one end.
        slowest_bytes_s: A longer answer must come at least this fast on the whole.
        json_bytes: A list or an answer, unpacked.
        instance_bytes: One DICOM file.
        series_bytes: All files of a series.
        instances: Files of a series.
        series: Series of one list.
        attempts: How often a file is asked for when a server is busy or breaks off.
    """

    connect_s: float = 10
    silence_s: float = 30
    reply_s: float = 60
    slowest_bytes_s: int = 16 << 10
    json_bytes: int = 32 << 20
    instance_bytes: int = 2 << 30
    series_bytes: int = 64 << 30
    instances: int = 20_000
    series: int = 500
    attempts: int = 3


LIMITS = Limits()
