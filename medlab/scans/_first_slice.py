"""One slice of a scan, before the others are decoded.

A viewer shows something at once: of a DICOM series one picture is decoded, of another
format the whole scan is.
"""

from dataclasses import replace

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._open import read_source
from medlab.scans._source_files import series_files
from medlab.scans._volume import ScanSource, Volume
from medlab.scans.dicom import _series


def read_slice(source: ScanSource, home: Home, k: int | None = None) -> Volume:
    """Decode one slice along the third voxel axis.

    Args:
        source: The scan; its `frame` chooses a volume of a 4D one.
        home: Where the workplace lies.
        k: Index of the slice, from 0; the one in the middle when not given.

    Returns:
        As `open_scan`, with one voxel along K, in the place of that slice.

    Raises:
        ScanNotFound: If the scan's files are gone.
        MedlabError: If it cannot be decoded, or has no such slice.
    """
    if source.series is not None:
        files = series_files(source, home)
        found = _series.read_one(files, source.name, k, source.frame or 0)
        return replace(found, source=source)
    whole = read_source(source, home)
    count = whole.shape[2]
    index = count // 2 if k is None else k
    if not 0 <= index < count:
        raise MedlabError(
            f"{source.name} has slices 0 to {count - 1}, got slice {index}. "
            "Ask for one of these.",
            code="no-slice",
        )
    affine = whole.affine.copy()
    affine[:3, 3] += index * affine[:3, 2]
    return replace(whole, voxels=whole.voxels[:, :, index : index + 1], affine=affine)
