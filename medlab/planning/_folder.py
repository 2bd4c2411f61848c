"""Find scans and their labels in a folder, by the ways people name them."""

from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import find_home, list_scans

_ENDINGS = (".nii.gz", ".seg.nrrd", ".nii", ".nrrd", ".mha", ".mhd")
_MARKS = ("seg", "labels", "label", "mask", "msk", "segmentation")
_FOLDERS = {"imagesTr": "labelsTr", "images": "labels"}
_LAYER = "labels"


def cases_in(folder: str | Path, home: Any = None) -> list[dict[str, Any]]:
    """Pair scans with their labels.

    Labels lie beside the scan under its name with `seg`, `labels` or `mask` added
    (`a.nii.gz` and `a_seg.nii.gz` or `a.seg.nrrd`); or under the same name in `labelsTr`
    beside `imagesTr` (`a_0000.nii.gz` and `a.nii.gz`), or in `labels` beside `images`;
    or in the layer `labels` of the editor.

    Args:
        folder: Looked through with all below it.
        home: Whose layers; found from the working folder by default.

    Returns:
        Cases as a recipe names them; scans without labels are left out.

    Raises:
        MedlabError: If there is no folder, or no labelled scan in it.
    """
    home = home or find_home()
    folder = Path(folder)
    if not folder.is_dir():
        raise MedlabError(
            f"A folder with scans and labels was expected, got {folder.name!r}, which is "
            "none. Name a folder, or a recipe.yaml.",
            code="folder-not-found",
        )
    found = []
    for scan in list_scans(folder.resolve(), home=home):
        path = home.locate(scan.path)
        case = {"scan": scan.path, **({"series": scan.series} if scan.series else {})}
        labels = labels_of(path) if path.is_file() else None
        if scan.error is not None:
            continue
        if labels is not None:
            found.append({**case, "labels": home.name(labels)})
        elif _LAYER in scan.layers:
            found.append({**case, "labels": f"layer:{_LAYER}"})
    if not found:
        raise MedlabError(
            f"There is no scan with labels in {folder.name!r}. Put a.seg.nrrd or "
            "a_seg.nii.gz beside a.nii.gz, or label some slices in the editor.",
            code="no-labels",
        )
    return found


def labels_of(scan: Path) -> Path | None:
    """Find the label file that belongs to a scan file, if there is one."""
    stem = _stem(scan.name)
    if stem is None or _is_marked(stem):
        return None
    for ending in _ENDINGS:
        for mark in _MARKS:
            for joint in "_-.":
                beside = scan.with_name(f"{stem}{joint}{mark}{ending}")
                if beside.is_file():
                    return beside
        beside = scan.with_name(f"{stem}{ending}")
        if ending == ".seg.nrrd" and beside.is_file():
            return beside
    other = _FOLDERS.get(scan.parent.name)
    if other is not None:
        case = stem.removesuffix("_0000")
        for ending in _ENDINGS:
            beside = scan.parent.with_name(other) / f"{case}{ending}"
            if beside.is_file():
                return beside
    return None


def _stem(name: str) -> str | None:
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return None


def _is_marked(stem: str) -> bool:
    return any(stem.lower().endswith(f"{j}{m}") for m in _MARKS for j in "_-.")
