"""Writing a whole scan, 4D and colour too, in a form that other programs read.

As `_write.py`: whole or not at all, and read back by another library before it counts.
Nothing is resampled, turned or cropped. Where the scan gives no spacing, the file does not
pretend to know it: its unit is left unknown.
"""

import io
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._atomic import replacing
from medlab.scans._limits import check_size
from medlab.scans._volume import Volume
from medlab.scans._write import NotWritten

ENDINGS = {"nifti": ".nii.gz", "nrrd": ".nrrd"}
"""Of the files, by format."""

_TOLERANCE_MM = 1e-4
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def write_scan(path: Path, volumes: Sequence[Volume], *, name: str) -> None:
    """Write a scan as `.nii.gz` or `.nrrd`; an older file stays until the new one is whole.

    Args:
        path: Where. The ending tells the format.
        volumes: One; or those of a 4D scan, all on the same grid, in their order.
        name: What messages call the scan.

    Raises:
        MedlabError: If the format cannot keep such voxels or such a geometry.
        NotWritten: If what was written did not read back equal.
    """
    array = stacked(volumes, name)
    affine = check_affine(volumes[0].affine, name)
    colour = volumes[0].channels == 3
    is_known = volumes[0].spacing_unit == "mm"
    write = _write_nifti if path.name.endswith(".nii.gz") else _write_nrrd
    with replacing(path) as temporary:
        write(temporary, array, affine, colour, is_known)
        if not holds(temporary, volumes, name):
            raise NotWritten(
                f"{name} must read back as it was written, got something else; the older "
                "file, if any, was kept. Write to another disk, or as NRRD if the scan "
                "lies metres from its origin."
            )


def holds(path: Path, volumes: Sequence[Volume], name: str) -> bool:
    """Whether a file holds exactly these voxels, in this place (within 1e-4 mm)."""
    array = stacked(volumes, name)
    colour = volumes[0].channels == 3
    read = _read_nifti if path.name.endswith(".nii.gz") else _read_nrrd
    try:
        voxels, affine = read(path, colour)
    except Exception:
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in array.shape[:3]])).reshape(
        3, -1
    )
    apart = (affine - volumes[0].affine) @ np.vstack([corners, np.ones(8)])
    is_real = array.dtype.kind == "f"
    same = voxels.dtype == array.dtype and np.array_equal(
        voxels, array, equal_nan=is_real
    )
    return same and bool(np.abs(apart).max() <= _TOLERANCE_MM)


def stacked(volumes: Sequence[Volume], name: str) -> NDArray[Any]:
    """The voxels of all volumes in one array, in a type that files have.

    Returns:
        `(I, J, K)`, `(I, J, K, T)` or, for colour, `(I, J, K, 3)`.

    Raises:
        MedlabError: If the volumes lie on different grids or are colour over time.
    """
    first = volumes[0]
    if len(volumes) == 1:
        return _storable(np.asarray(first.voxels), name)
    same = all(
        volume.voxels.shape == first.voxels.shape
        and np.allclose(volume.affine, first.affine, atol=_TOLERANCE_MM)
        for volume in volumes
    )
    if not same or first.channels != 1:
        what = "colours that change" if same else "volumes on different grids"
        raise MedlabError(
            f"{name} must be volumes of one grid and one channel, got {what}. "
            "Open its frames one by one and write each to a file of its own.",
            code="not-one-grid",
        )
    dtype = np.result_type(*{volume.voxels.dtype for volume in volumes})
    check_size(name, (*first.shape, len(volumes)), dtype.itemsize)
    array = np.empty((*first.shape, len(volumes)), dtype, order="F")
    for number, volume in enumerate(volumes):
        array[..., number] = volume.voxels
    return _storable(array, name)


def _storable(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        low, high = int(array.min()), int(array.max())
        for narrow in (np.uint8, np.int16, np.int32):
            if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
                return array.astype(narrow)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise MedlabError(
            f"{name} must hold whole or real numbers of up to 64 bits, got "
            f"{array.dtype}. Convert them in Python first.",
            code="voxels",
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _write_nifti(
    path: Path, array: NDArray[Any], affine: NDArray[Any], colour: bool, is_known: bool
) -> None:
    nibabel: Any = import_module("nibabel")

    if colour and array.dtype == np.uint8:
        array = np.ascontiguousarray(array).view(_RGB)[..., 0]
    elif colour:
        array = array[:, :, :, None, :]
    image = nibabel.Nifti1Image(array, affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm" if is_known else "unknown")
    if colour and array.ndim == 5:
        image.header.set_intent("vector")
    with warnings.catch_warnings():
        # A skewed affine has no quaternion; the sform, which all readers prefer, keeps it.
        warnings.simplefilter("ignore")
        image.set_sform(affine, code=1)
        image.set_qform(affine, code=1, strip_shears=True)
        if not np.allclose(image.get_qform(), affine, atol=1e-3):
            image.header["qform_code"] = 0
    image.header.set_slope_inter(1, 0)
    nibabel.save(image, path)


def _read_nifti(path: Path, colour: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    nibabel: Any = import_module("nibabel")

    image: Any = nibabel.load(path)
    array = np.asanyarray(image.dataobj)
    if array.dtype.names:
        array = np.ascontiguousarray(array)[..., None].view(np.uint8)
    elif colour:
        array = array[:, :, :, 0, :]
    return array, image.affine


def _write_nrrd(
    path: Path, array: NDArray[Any], affine: NDArray[Any], colour: bool, is_known: bool
) -> None:
    nrrd: Any = import_module("nrrd")

    lps = swap_lps_ras(affine)
    directions, kinds = lps[:3, :3].T, ["domain"] * 3
    nowhere = np.full((1, 3), np.nan)
    if colour:
        # As other programs expect them: the colours of a voxel side by side.
        array = np.moveaxis(array, -1, 0)
        directions, kinds = np.vstack([nowhere, directions]), ["RGB-color", *kinds]
    elif array.ndim == 4:
        directions, kinds = np.vstack([directions, nowhere]), [*kinds, "list"]
    fields = {
        "space": "left-posterior-superior",
        "space directions": directions,
        "space origin": lps[:3, 3],
        "space units": ["mm" if is_known else "pixels"] * 3,
        "kinds": kinds,
        "encoding": "gzip",
    }
    content = io.BytesIO()
    nrrd.write(content, array, fields, index_order="F", compression_level=4)
    path.write_bytes(content.getvalue())


def _read_nrrd(path: Path, colour: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    nrrd: Any = import_module("nrrd")

    array, fields = nrrd.read(str(path), index_order="F")
    directions = np.asarray(fields["space directions"], np.float64)
    lps = np.eye(4)
    lps[:3, :3] = directions[~np.isnan(directions).any(axis=1)].T
    lps[:3, 3] = fields["space origin"]
    return np.moveaxis(array, 0, -1) if colour else array, swap_lps_ras(lps)
