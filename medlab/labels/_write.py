"""Label files for other programs: whole or not at all, and read back before they count."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medlab.errors import MedlabError
from medlab.labels._color_tables import read_color_table, table_path
from medlab.labels._dicom_seg import read_dicom_seg
from medlab.labels._dicom_seg_write import write_dicom_seg
from medlab.labels._grid import Grid
from medlab.labels._label_volume import read_label_volume
from medlab.labels._mark_files import write_marks
from medlab.labels._seg_nrrd import read_seg_nrrd, write_seg_nrrd
from medlab.labels._segment import segments_to_json
from medlab.labels._stack import (
    LayerStack,
    check_came_back,
    check_stack,
    complete,
    one_map,
    with_plain_names,
)
from medlab.scans import replacing, write_nifti

MARK_ENDINGS = (".json", ".csv")
"""Files of marks alone."""


_NAME_LETTERS = 1024  # Of a SegmentDescription.

Confirm = Callable[[Path], None]
"""Called with the new file, whole and checked, right before it takes its place."""


def write_stack(
    path: Path,
    stack: LayerStack,
    scan: Grid | None,
    *,
    labelmap: bool = False,
    confirm: Confirm = lambda _: None,
) -> None:
    """Write layers in the format that the suffix names. See `save_labels`."""
    name = path.name.lower()
    check_stack(stack)
    stack = with_plain_names(stack)
    if name.endswith(".seg.nrrd"):
        with replacing(path) as temporary:
            write_seg_nrrd(temporary, stack)
            check_came_back(stack, read_seg_nrrd(temporary, path.name), path.name)
            confirm(temporary)
    elif name.endswith((".nii", ".nii.gz")):
        _write_nifti(path, stack, confirm)
    elif name.endswith(".dcm"):
        _write_dicom(path, stack, scan, labelmap=labelmap, confirm=confirm)
    elif name.endswith(MARK_ENDINGS):
        segments = [segment for listed in stack.segments for segment in listed]
        write_marks(
            *(path, stack.marks, stack.affine, segments, stack.shape),
            spacing_unit=stack.spacing_unit,
            confirm=confirm,
        )
    else:
        raise MedlabError(
            "Labels are written as .seg.nrrd, .nii.gz, .nii or .dcm, and marks as .json or "
            f".csv, got {path.name!r}. Choose one of these.",
            code="bad-suffix",
        )


def _write_nifti(path: Path, stack: LayerStack, confirm: Confirm) -> None:
    voxels, segments = one_map(stack, path.name)
    flat = LayerStack((voxels,), stack.affine, (segments,))
    table = table_path(path)
    content = json.dumps({"segments": segments_to_json(segments)}, indent=2)
    with replacing(path) as temporary:
        write_nifti(temporary, voxels, stack.affine)
        with replacing(table) as draft:
            draft.write_text(content, "utf-8")
            back = read_label_volume(temporary, path.name)
            told = (read_color_table(draft, table.name),)
            check_came_back(flat, LayerStack(back.layers, back.affine, told), path.name)
            confirm(temporary)


def _write_dicom(
    path: Path,
    stack: LayerStack,
    scan: Grid | None,
    *,
    labelmap: bool,
    confirm: Confirm,
) -> None:
    if scan is None:
        raise MedlabError(
            "DICOM SEG must name the images it was drawn on, got no scan. Pass "
            "scan=open_scan(...), or save as .seg.nrrd or .nii.gz.",
            code="no-scan",
        )
    stack = with_plain_names(_without_empty_layers(complete(stack)), _NAME_LETTERS)
    if labelmap:
        voxels, listed = one_map(stack, path.name)
        stack = LayerStack((voxels,), stack.affine, (listed,))
    with replacing(path) as temporary:
        write_dicom_seg(temporary, stack, scan, labelmap=labelmap)
        check_came_back(stack, read_dicom_seg(temporary, path.name, scan), path.name)
        confirm(temporary)


def _without_empty_layers(stack: LayerStack) -> LayerStack:
    """DICOM SEG knows segments and no layers: one without segments leaves no trace."""
    kept = [n for n, listed in enumerate(stack.segments) if listed] or [0]
    layers = tuple(stack.layers[n] for n in kept)
    return replace(
        stack, layers=layers, segments=tuple(stack.segments[n] for n in kept)
    )
