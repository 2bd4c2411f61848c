"""open_labels: label maps from the formats other programs write."""

from dataclasses import replace
from pathlib import Path

from medlab.labels._color_tables import find_color_table, read_color_table
from medlab.labels._dicom_seg import read_dicom_seg
from medlab.labels._grid import OnGrid, grid_of, place_on
from medlab.labels._label_volume import as_labels, read_label_volume
from medlab.labels._labels import Labels
from medlab.labels._rtstruct import RTSTRUCT, read_rtstruct
from medlab.labels._seg_nrrd import read_seg_nrrd
from medlab.labels._stack import LayerStack, complete, flatten
from medlab.scans import Home, find_home, is_dicom, read_dicom
from medlab.scans._limits import damaged


def open_labels(
    path: Path | str, scan: OnGrid | None = None, *, home: Home | None = None
) -> Labels:
    """Open a label file as one map.

    Args:
        path: `.seg.nrrd` of 3D Slicer; `.nii`, `.nii.gz`, `.nrrd`, `.mha` with an integer a
            voxel; a DICOM segmentation (SEG) or structure set (RTSTRUCT). A table of names
            and colours beside a NIfTI file (`.labels.json`, ITK-SNAP's `.txt`, 3D Slicer's
            `.ctbl` or `.csv`) is used.
        scan: What the labels were drawn on; they are put on its voxels exactly, or refused.
            RTSTRUCT needs it.
        home: Where the workplace lies; found by itself when not given.

    Returns:
        The labels. Segments without a name are called after their number; where segments
        overlap the later one is kept, which `warnings` tells. `open_label_layers` keeps
        both.

    Raises:
        MedlabError: If it cannot be read, holds something else than labels, or does not
            lie on the scan.
    """
    stack = complete(flatten(_read(Path(path), scan, home)))
    return _labels(stack, 0)


def open_label_layers(
    path: Path | str, scan: OnGrid | None = None, *, home: Home | None = None
) -> tuple[Labels, ...]:
    """Open a label file as layers in which nothing overlaps; as `open_labels`."""
    stack = complete(_read(Path(path), scan, home))
    return tuple(_labels(stack, layer) for layer in range(len(stack.layers)))


def _labels(stack: LayerStack, layer: int) -> Labels:
    first = layer == 0
    return Labels(
        stack.layers[layer],
        stack.affine,
        stack.segments[layer],
        stack.warnings if first else (),
        stack.marks if first else (),
    )


def _read(path: Path, scan: OnGrid | None, home: Home | None) -> LayerStack:
    path = _found(path, home)
    if path.name.lower().endswith(".seg.nrrd"):
        stack = read_seg_nrrd(path, path.name)
        whole = tuple(as_labels(voxels, path.name) for voxels in stack.layers)
        stack = replace(stack, layers=whole)
    elif path.is_file() and is_dicom(path):
        # Both put themselves on the scan: a structure set has no grid of its own.
        return _read_dicom(path, scan, home)
    else:
        stack = read_label_volume(path, path.name, home)
        table = find_color_table(path)
        if table is not None:
            stack = replace(stack, segments=(read_color_table(table),))
    return stack if scan is None else place_on(stack, scan, path.name)


def _found(path: Path, home: Home | None) -> Path:
    """The path itself, or below the root of the workplace."""
    given = path.expanduser()
    if given.exists() or given.is_absolute():
        return given
    below = (home or find_home()).root / given
    return below if below.exists() else given


def _read_dicom(path: Path, scan: OnGrid | None, home: Home | None) -> LayerStack:
    grid = None if scan is None else grid_of(scan, home)
    header = read_dicom(path, path.name).header
    try:
        kind = str(header.get("SOPClassUID", ""))
    except Exception as error:  # Values are made sense of when they are asked for.
        raise damaged(path.name, "DICOM") from error
    if kind == RTSTRUCT:
        return read_rtstruct(path, path.name, grid)
    return read_dicom_seg(path, path.name, grid)
