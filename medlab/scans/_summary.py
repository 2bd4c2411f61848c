"""ScanSummary: one line of the scan browser."""

from dataclasses import asdict, dataclass, field
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._affine import axis_codes, spacing_mm
from medlab.scans._header import Header
from medlab.scans._volume import ScanSource, SpacingUnit


@dataclass(frozen=True)
class ScanSummary:
    """What a list shows of a scan. Sent as tests/contract/scans.json says.

    `patient`, `patient_id`, `study`, `description` are private and hostile text: for the
    screen only. A scan that cannot be read has `error` (what is wrong and what to do next),
    the code and title of that error, and an empty shape.

    Attributes:
        frames: Volumes of a 4D scan, which is one line; 1 otherwise.
        frame_kind, frame_values: What tells its volumes apart, as in `Header`.
        spacing_unit: "mm", or "pixels" where the file does not say how large they are.
        patient_key, study_key: Twelve hex digits that tell patients and studies apart
            without naming them; only this workplace can make them.
        attachments: DICOM segmentations and structure sets that refer to this series:
            `kind` ("seg" or "rtstruct"), `path`, `name`.
        origin: "disk", or "dicomweb" for what was fetched from a server; `source` in JSON.
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
    frames: int = 1
    frame_kind: str = ""
    frame_values: list[float | str] = field(default_factory=list)
    spacing_unit: SpacingUnit = "mm"
    body_part: str = ""
    series_number: int | None = None
    patient_id: str = ""
    patient_key: str = ""
    study_key: str = ""
    attachments: list[dict[str, str]] = field(default_factory=list)
    origin: str = "disk"
    error_code: str | None = None
    error_title: str | None = None

    @property
    def source(self) -> ScanSource:
        """What `volume_cache` and the label layers call this scan."""
        return ScanSource(self.path, self.series)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain lists and strings; what tells of an error only with one."""
        fields = asdict(self)
        if self.error is None:
            del fields["error_code"], fields["error_title"]
        fields["source"] = fields.pop("origin")
        return fields

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "ScanSummary":
        """The other way round. Fields of other versions are left out."""
        known = {**fields, "origin": fields.get("source", "disk")}
        return cls(**{name: known[name] for name in known if name in _FIELDS})


_FIELDS = frozenset(ScanSummary.__dataclass_fields__)


def summarise(
    source: ScanSource, kind: str, size_bytes: int, header: Header
) -> ScanSummary:
    """The summary of a scan that can be read, but for its keys."""
    number = header.series_number
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
        frames=header.frames,
        frame_kind=header.frame_kind,
        frame_values=list(header.frame_values),
        spacing_unit=header.spacing_unit,
        body_part=header.body_part,
        series_number=int(number) if number.isascii() and number.isdigit() else None,
        patient_id=header.patient_id,
    )


def summarise_error(
    source: ScanSource, kind: str, size_bytes: int, error: MedlabError
) -> ScanSummary:
    """The summary of a scan that cannot be read, with the reason."""
    return ScanSummary(
        id=source.scan_id,
        path=source.path,
        series=source.series,
        name=source.name,
        format=kind,
        size_bytes=size_bytes,
        error=str(error),
        error_code=error.code,
        error_title=error.title,
    )
