"""Case: where a scan and what somebody labelled on it are."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """Where a scan and its labels are.

    Args:
        scan: Path of a file or a DICOM folder, as `open_scan` takes it.
        labels: Path of a label file, or `layer:<name>` for a layer of the editor.
        series: Which DICOM series, where the folder holds several.
        slices: Labelled slices, numbered along the scan's own axis; None to find out.
        patient: Whose scan it is, in whatever words; None to find out, see
            `patient_keys`. Private: it is compared, never written anywhere.
    """

    scan: str
    labels: str = "layer:labels"
    series: str | None = None
    slices: tuple[int, ...] | None = None
    patient: str | None = field(default=None, repr=False)
