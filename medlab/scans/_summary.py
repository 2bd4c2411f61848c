"""ScanSummary: one line of the scan browser."""

from dataclasses import asdict, dataclass, field
from typing import Any

from medlab.scans._affine import axis_codes, spacing_mm
from medlab.scans._header import Header
from medlab.scans._volume import ScanSource


@dataclass(frozen=True)
class ScanSummary:
    """What a list shows of a scan. Sent as tests/contract/scans.json says.

    `patient`, `study`, `description` are private and hostile text: for the screen only.
    A scan that cannot be read has `error` (one sentence) and an empty shape.
    """

    id: str
    path: str
    series: str | None
    name: str
    format: str
    modality: str = "unknown"
    shape: list[int] = field(default_factory=list)
    spacing_mm: list[float] = field(default_factory=list)
    orientation: str = ""
    size_bytes: int = 0
    slices: int = 0
    patient: str = ""
    study: str = ""
    description: str = ""
    date: str = ""
    labels: bool = False
    layers: list[str] = field(default_factory=list)
    error: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def source(self) -> ScanSource:
        """What `volume_cache` and the label layers call this scan."""
        return ScanSource(self.path, self.series)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain lists and strings."""
        return asdict(self)


def summarise(
    source: ScanSource, kind: str, size_bytes: int, header: Header
) -> ScanSummary:
    """The summary of a scan that can be read."""
    return ScanSummary(
        id=source.scan_id,
        path=source.path,
        series=source.series,
        name=source.name,
        format=kind,
        modality=header.modality,
        shape=list(header.shape),
        spacing_mm=[round(mm, 6) for mm in spacing_mm(header.affine)],
        orientation=axis_codes(header.affine),
        size_bytes=size_bytes,
        slices=header.shape[2],
        patient=header.patient,
        study=header.study,
        description=header.description,
        date=header.date,
        warnings=list(header.warnings),
    )


def summarise_error(
    source: ScanSource, kind: str, size_bytes: int, error: str
) -> ScanSummary:
    """The summary of a scan that cannot be read, with the reason."""
    return ScanSummary(
        id=source.scan_id,
        path=source.path,
        series=source.series,
        name=source.name,
        format=kind,
        size_bytes=size_bytes,
        error=error,
    )
