"""Writing volumes as NIfTI or NRRD: whole or not at all, and read back before it counts."""

import io
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._atomic import replacing
from medlab.scans.formats import _nifti, _nrrd

_TOLERANCE_MM = 1e-4
_NIFTI_TYPES = (
    np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64,
)  # fmt: skip


class NotWritten(MedlabError, OSError):
    """A file that was written did not come back as it should."""

    code = "not-written"


def write_nifti(path: Path | str, voxels: ArrayLike, affine: ArrayLike) -> None:
    """Write a `.nii` or `.nii.gz` file; an older file stays until the new one is whole.

    Args:
        path: Where. Its folder is made when missing.
        voxels: `(I, J, K)`, any integer or float type of 8 to 64 bits.
        affine: 4x4, voxel to RAS mm. Kept to within 1e-4 mm a corner: single precision.

    Raises:
        MedlabError: If the array or the affine cannot be kept in NIfTI.
        NotWritten: If what was written did not read back equal.
    """
    nibabel: Any = import_module("nibabel")

    target = Path(path)
    array = _accepted(voxels, target.name, (".nii", ".nii.gz"))
    matrix = check_affine(affine, target.name)
    image = nibabel.Nifti1Image(array, matrix)
    image.header.set_xyzt_units("mm")
    with warnings.catch_warnings():
        # A skewed affine has no quaternion; the sform, which all readers prefer, keeps it.
        warnings.simplefilter("ignore")
        image.set_sform(matrix, code=1)
        image.set_qform(matrix, code=1, strip_shears=True)
        if not np.allclose(image.get_qform(), matrix, atol=1e-3):
            image.header["qform_code"] = 0
    image.header.set_slope_inter(1, 0)
    with replacing(target) as temporary:
        nibabel.save(image, temporary)
        _compare(_nifti.read(temporary, target.name), array, matrix, target.name)


def write_nrrd(
    path: Path | str,
    voxels: ArrayLike,
    affine: ArrayLike,
    header: dict[str, Any] | None = None,
) -> None:
    """Write a `.nrrd` file (gzip inside); as `write_nifti`.

    Args:
        path: Where.
        voxels: `(I, J, K)`.
        affine: 4x4, voxel to RAS mm; kept in double precision.
        header: Further fields, such as `Segment0_Name` of a segmentation.

    Raises:
        MedlabError: If the array or the affine cannot be kept in NRRD.
        NotWritten: If what was written did not read back equal.
    """
    import nrrd

    target = Path(path)
    array = _accepted(voxels, target.name, (".nrrd",))
    matrix = check_affine(affine, target.name)
    lps = swap_lps_ras(matrix)
    fields = {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
        "kinds": ["domain"] * 3,
        "encoding": "gzip",
        **(header or {}),
    }
    content = io.BytesIO()
    nrrd.write(content, array, fields, index_order="F", compression_level=4)
    with replacing(target) as temporary:
        temporary.write_bytes(content.getvalue())
        _compare(_nrrd.read(temporary, target.name), array, matrix, target.name)


def _accepted(voxels: ArrayLike, name: str, endings: tuple[str, ...]) -> NDArray[Any]:
    array = np.asarray(voxels)
    if not name.lower().endswith(endings):
        raise MedlabError(
            f"The file name must end with {' or '.join(endings)}, got {name!r}.",
            code="file-name",
        )
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.dtype in (np.int64, np.uint64) and array.size:
        low, high = int(array.min()), int(array.max())
        for narrow in (np.uint8, np.int16, np.int32):
            if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
                array = array.astype(narrow)
                break
    if array.ndim != 3 or not array.size or array.dtype not in _NIFTI_TYPES:
        shape = " x ".join(map(str, array.shape)) or "a single number"
        raise MedlabError(
            f"{name} must hold (I, J, K) numbers, got {shape} of type {array.dtype}. "
            "Write one volume a file, as integers up to 32 bits or floats.",
            code="voxels",
        )
    return array


def _compare(
    back: Any, array: NDArray[Any], affine: NDArray[np.float64], name: str
) -> None:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in array.shape])).reshape(3, -1)
    apart = (back.affine - affine) @ np.vstack([corners, np.ones(8)])
    same = np.array_equal(back.voxels, array, equal_nan=array.dtype.kind == "f")
    if not same or np.abs(apart).max() > _TOLERANCE_MM:
        raise NotWritten(
            f"{name} must read back as it was written, got something else; the older file, "
            "if any, was kept. Write to another disk, or as .nrrd if the scan lies metres "
            "from its origin."
        )
