"""Header: what a scan says about itself before its voxels are decoded."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._volume import FrameKind, SpacingUnit, Volume


@dataclass(frozen=True, eq=False)
class Header:
    """What every reader tells about a scan without decoding it.

    `patient`, `patient_id`, `study` and `description` are private and hostile text: they go
    to the screen of who may see the scan, never into messages, names or logs. Text is
    printable and at most 200 characters long (see `plain`).

    Attributes:
        shape: `(I, J, K)`.
        affine: 4x4, voxel to RAS mm, or to pixels if `spacing_unit` says so.
        frames: Volumes of a 4D scan, 1 otherwise.
        frame_kind: What tells the volumes apart, "" if there is only one.
        frame_values: One for each volume: seconds, ms of echo time, s/mm2, or words.
        study_uid: Leaves this folder only as a salted hash.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    modality: str = "unknown"
    frames: int = 1
    channels: int = 1
    warnings: tuple[str, ...] = ()
    patient: str = ""
    study: str = ""
    description: str = ""
    date: str = ""
    spacing_unit: SpacingUnit = "mm"
    body_part: str = ""
    patient_id: str = ""
    series_number: str = ""
    study_uid: str = ""
    frame_kind: FrameKind = ""
    frame_values: tuple[float | str, ...] = ()

    def volume(self, voxels: NDArray, *, is_inverted: bool = False) -> Volume:
        """The scan of this header with its voxels, `(I, J, K)` or `(I, J, K, C)`."""
        return Volume(
            voxels,
            self.affine,
            self.modality,
            self.warnings,
            spacing_unit=self.spacing_unit,
            is_inverted=is_inverted,
        )


def plain(value: Any) -> str:
    """What a file says, as printable text of at most 200 characters.

    Example:
        >>> plain(None), plain(" CHEST\\n ")
        ('', 'CHEST')
    """
    text = str("" if value is None else value)
    return "".join(c for c in text if c.isprintable()).strip()[:200]


def modality_from_name(name: str) -> str:
    """Guess the modality from a file name such as `sub-01_T1w.nii.gz` or `CTChest4.nrrd`.

    Example:
        >>> [modality_from_name(n) for n in ("a_ct.nii.gz", "CTChest.nrrd", "actor.nii")]
        ['CT', 'CT', 'unknown']
    """
    word = r"(?:^|[^A-Za-z0-9]){}(?:$|[^A-Za-z0-9])"
    if re.search(word.format("(?:ct|CT|cta|CTA)"), name) or re.match("CT[A-Z]", name):
        return "CT"
    mr = "(?:mr|mri|mprage|flair|bold|dwi|epi|[Tt][12]|t[12]w|pdw)"
    if re.search(word.format(mr), name, re.IGNORECASE) or "_T1_" in name:
        return "MR"
    return "unknown"


def looks_like_ct(low: float, high: float) -> bool:
    """Whether intensities from `low` to `high` are those of a CT in HU: air to bone."""
    return -4096 <= low <= -900 and 100 <= high <= 40000


def named_by_intensity(volume: Volume) -> Volume:
    """The volume, called CT where no name told and its intensities are those of one."""
    voxels = volume.voxels
    is_open = volume.modality == "unknown" and volume.channels == 1
    if not is_open or voxels.dtype.kind not in "if" or voxels.dtype.itemsize == 1:
        return volume
    is_ct = looks_like_ct(float(voxels.min()), float(voxels.max()))
    return replace(volume, modality="CT") if is_ct else volume


def pick_frame(name: str, frames: int, frame: int | None) -> int:
    """The frame to read, or an error that says how to choose among several.

    Raises:
        MedlabError: If the scan has several frames and none was chosen, or no such one.
    """
    if frame is None:
        if frames == 1:
            return 0
        raise MedlabError(
            f"{name} must be one volume, got a series of {frames} (4D). Choose one: "
            f"open_scan(path, frame=0) up to frame={frames - 1}.",
            code="several-frames",
        )
    if not 0 <= frame < frames:
        raise MedlabError(
            f"{name} has frames 0 to {frames - 1}, got frame={frame}.", code="no-frame"
        )
    return frame


def rescaled(voxels: NDArray, slope: float, intercept: float) -> NDArray:
    """Apply `slope * voxels + intercept`, in integers where that loses nothing.

    Returns:
        The narrowest of int16, int32 and float32 (float64 for 64-bit input) that holds
        the result; the same array if there is nothing to do.

    Example:
        >>> rescaled(np.array([0, 1000], np.uint16), 1, -1024)
        array([-1024,   -24], dtype=int16)
    """
    if slope == 1 and intercept == 0:
        return voxels
    small = voxels.dtype.kind in "iu" and voxels.dtype.itemsize <= 4 and voxels.size
    if small and float(slope).is_integer() and float(intercept).is_integer():
        ends = [int(voxels.min()) * int(slope), int(voxels.max()) * int(slope)]
        low, high = min(ends) + int(intercept), max(ends) + int(intercept)
        for whole in (np.int16, np.int32):
            if np.iinfo(whole).min <= low and high <= np.iinfo(whole).max:
                if (
                    slope == 1
                    and whole is np.int16
                    and voxels.dtype in (np.int16, np.uint16)
                ):
                    # Sixteen bits wrap round to the right value where the result fits.
                    added = voxels.view(np.uint16) + np.uint16(int(intercept) % 65536)
                    return added.view(np.int16)
                # In a wider type first: a stored value may not fit the final one.
                narrow = voxels.dtype.itemsize <= 2 and abs(slope) == 1
                wide = voxels.astype(np.int32 if narrow else np.int64)
                np.multiply(wide, int(slope), out=wide)
                np.add(wide, int(intercept), out=wide)
                return wide.astype(whole)
    real = voxels.astype(np.float64 if voxels.dtype.itemsize > 4 else np.float32)
    np.multiply(real, slope, out=real)
    np.add(real, intercept, out=real)
    return real
