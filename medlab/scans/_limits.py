"""What a scan may claim before it is believed: checked on the header, before decoding.

A file of 2 MB can unpack to gigabytes. A header that promises more than fits is refused in
a sentence, where reading it would have ended the kernel.
"""

import math
import os
from collections.abc import Iterable
from pathlib import Path

from medlab.errors import MedlabError

HEADER_BYTES = 4 << 20
"""More header than any honest NIfTI or NRRD file has."""

DEFLATED_BYTES = 512 << 20
"""What a deflated DICOM file may unpack to."""

_DEFLATED_FROM_BYTES = 64 << 20
_RATIO, _RATIO_FROM_BYTES = 400, 1 << 30


class NotAScan(MedlabError):
    """The file is not what its name says, or is damaged."""

    code = "not-a-scan"


class TooLarge(MedlabError):
    """The scan would not fit in memory."""

    code = "too-large"


def volume_limit_bytes() -> int:
    """The largest volume that is decoded: `MEDLAB_MAX_VOLUME_BYTES`, or 4 GiB."""
    return int(os.environ.get("MEDLAB_MAX_VOLUME_BYTES", 4 << 30))


def check_size(name: str, shape: Iterable[int], itemsize: int) -> None:
    """Refuse a volume that is empty or larger than the limit.

    Args:
        name: What to call the scan in the message.
        shape: All axes, channels included.
        itemsize: Bytes a voxel.
    """
    sizes = [int(n) for n in shape]
    if not sizes or min(sizes) < 1:
        raise NotAScan(
            f"{name} must hold at least one voxel along each axis, got "
            f"{' x '.join(map(str, sizes)) or 'none'}. The file is damaged: copy it again."
        )
    size, limit = math.prod(sizes) * itemsize, volume_limit_bytes()
    if size > limit:
        raise TooLarge(
            f"{name} would unpack to {_gib(size)} of voxels, more than the limit of "
            f"{_gib(limit)}. If it really is that large, set MEDLAB_MAX_VOLUME_BYTES."
        )


def data_file(header: Path, where: str, name: str, ending: str) -> Path:
    """The file beside a header that holds its voxels.

    A header may name any file of the machine, through a link as well: only an ordinary
    file in its own folder is its own.

    Args:
        header: The file that names the other.
        where: What it names.
        name: What to call the scan in the message.
        ending: Of the format that holds header and voxels in one file.

    Raises:
        NotAScan: If it names anything else.
    """
    ways = ("/", "\\", "%", "\0")
    path = (
        header.with_name(where) if where and not any(w in where for w in ways) else None
    )
    if where.upper().startswith("LIST") or where in (".", "..", header.name):
        path = None
    if path is not None and (path.exists() or path.is_symlink()):
        real = path.resolve()
        if real.parent != header.resolve().parent or not real.is_file():
            path = None
    if path is None:
        raise NotAScan(
            f"{name} must keep its voxels in one file beside it, got another place. "
            f"Put both in one folder, or save the scan as one {ending} file."
        )
    if not path.exists():
        raise NotAScan(
            f"{name} must keep its voxels in the file beside it that it names, got no "
            "such file. Copy both files again."
        )
    return path


def check_ratio(name: str, unpacked_bytes: int, file_bytes: int) -> None:
    """Refuse a file that packs more than a GiB into next to nothing, as no scan does."""
    if unpacked_bytes > _RATIO_FROM_BYTES and unpacked_bytes > _RATIO * file_bytes:
        raise TooLarge(
            f"{name} would unpack to {_gib(unpacked_bytes)}, {_RATIO} times its size and "
            "more. No scan packs that well; such a file is usually made to do harm. "
            "If it is yours, save it unpacked (.nii)."
        )


def check_packing(name: str, unpacked_bytes: int, file_bytes: int) -> None:
    """Refuse a file of which 64 MiB and more come out of less than a hundredth."""
    if unpacked_bytes > _DEFLATED_FROM_BYTES and unpacked_bytes > 100 * file_bytes:
        raise TooLarge(
            f"{name} would unpack to more than {_DEFLATED_FROM_BYTES >> 20} MiB, 100 times "
            "its size and more. Such a file is usually made to do harm: leave it out."
        )


def damaged(name: str, kind: str) -> NotAScan:
    """The error for a file that its format's reader cannot make sense of."""
    return NotAScan(
        f"{name} cannot be read as {kind}: it is damaged or holds something else. "
        "Copy it again from its source, or convert it to NIfTI."
    )


def cut_short(name: str, kind: str) -> NotAScan:
    """The error for a file that ends before its data do."""
    return NotAScan(
        f"{name} is not a whole {kind} file: it ends before its voxels do. "
        "Copy it again from its source."
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
