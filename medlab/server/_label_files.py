"""`labels`: saving layers to files for other programs, and reading theirs.

Files lie below the root. A file that another program changed is never overwritten unseen.
"""

from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.labels import (
    FORMATS,
    Frame,
    Grid,
    Layer,
    encode_frame,
    encode_runs,
    file_state,
    find_label_files,
    format_of_file,
    join_frames,
    marks_to_json,
    open_label_layers,
    read_marks,
    save_layers,
    segments_to_json,
)
from medlab.scans import (
    DicomSlice,
    confined,
    find_scan,
    find_summary,
    series_slices,
)
from medlab.server._base import MedlabHandler, answer
from medlab.server._workplace import Workplace


class SaveHandler(MedlabHandler):
    """POST labels/{id}/{layer}/save `{path, format?, layers?, replace?}`."""

    @answer
    async def post(self, scan: str, name: str) -> None:
        scan_id, body = self.scan_id(scan), self.json_body()
        self.reply_json(
            await self.workplace.run(
                "files", _save, self.workplace, scan_id, name, body
            )
        )


class FileHandler(MedlabHandler):
    """GET labels/{id}/{layer}/file: where the layer was saved last, and what became of it."""

    @answer
    async def get(self, scan: str, name: str) -> None:
        scan_id = self.scan_id(scan)
        self.reply_json(
            await self.workplace.run(
                "files",
                lambda: file_state(
                    self.workplace.home, self.workplace.layer(scan_id, name)
                ),
            )
        )


class FilesHandler(MedlabHandler):
    """GET labels/{id}/files: label files that fit the scan."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id = self.scan_id(scan)
        files = await self.workplace.run("files", _list, self.workplace, scan_id)
        self.reply_json({"files": files})


class ReadHandler(MedlabHandler):
    """POST labels/{id}/{layer}/read `{path}`: snapshot frames of a file; writes nothing."""

    @answer
    async def post(self, scan: str, name: str) -> None:
        scan_id, path = self.scan_id(scan), self.json_body().get("path")
        frames = await self.workplace.run(
            "files", _read, self.workplace, scan_id, name, path
        )
        self.reply_bytes(join_frames(frames))


def _save(
    workplace: Workplace, scan_id: str, name: str, body: dict[str, Any]
) -> dict[str, Any]:
    others, replace = body.get("layers") or [], body.get("replace")
    is_list = isinstance(others, list) and all(isinstance(n, str) for n in others)
    if not is_list or not (replace is None or isinstance(replace, str)):
        raise MedlabError(
            "layers must be a list of names and replace a sha256. Leave them out to save "
            "this layer to a new file.",
            code="bad-request",
        )
    names = dict.fromkeys([name, *others])
    layers = [workplace.layer(scan_id, one) for one in names]
    target = _target(workplace, body.get("path"), body.get("format"))
    source = find_scan(scan_id, workplace.home)
    if target == workplace.home.locate(source.path).resolve():
        raise MedlabError(
            f"{target.name!r} is the scan itself. Choose another name.", code="exists"
        )
    grid = _grid(workplace, layers[0], with_images=target.suffix.lower() == ".dcm")
    return confined(
        lambda: save_layers(workplace.home, layers, target, grid, replace=replace),
        folders=_open_to(workplace),
    )


def _target(workplace: Workplace, path: Any, kind: Any) -> Path:
    """The file to write, confined to the root, with the suffix of its format."""
    if kind is not None and kind not in FORMATS:
        raise MedlabError(
            f"format must be one of {', '.join(FORMATS)}, got {kind!r}.",
            code="bad-request",
        )
    if not isinstance(path, str) or not path.strip() or path.endswith("/"):
        raise MedlabError(
            "path must name a file relative to the root. Send one.", code="bad-request"
        )
    told = format_of_file(path)
    if kind is not None and told != kind:
        path, told = path + FORMATS[kind], kind
    if told is None:
        raise MedlabError(
            f"The file must end with {', '.join(FORMATS.values())}, or a format be given. "
            "Choose one.",
            code="bad-suffix",
        )
    return _visible(workplace, path)


def _visible(workplace: Workplace, path: str) -> Path:
    """The file that a request names: below the root, and nothing hidden."""
    target, home = workplace.inside(path), workplace.home
    if target.is_relative_to(home.folder / "dicomweb"):
        return target  # Fetched by medlab, next to the series that it belongs to.
    parts = [*Path(path).parts, *target.relative_to(home.root).parts]
    if any(part.startswith(".") for part in parts):
        raise MedlabError(
            "Labels are not saved to hidden files or folders, nor read from them. Choose "
            "another path.",
            code="bad-request",
        )
    return target


def _list(workplace: Workplace, scan_id: str) -> list[dict[str, str]]:
    source = find_scan(scan_id, workplace.home)
    return find_label_files(source, workplace.home)


def _read(workplace: Workplace, scan_id: str, name: str, path: Any) -> list[bytes]:
    if not isinstance(path, str) or not path.strip():
        raise MedlabError(
            "path must name a file relative to the root. Send one.", code="bad-request"
        )
    layer, target = workplace.layer(scan_id, name), _visible(workplace, path)
    if format_of_file(target.name) in ("coco", "csv"):
        now = layer.labels()
        read = confined(read_marks, target, layer.affine, folders=_open_to(workplace))
        marks = (*layer.marks, *_new(layer, read))
        listed: Any = [(now.voxels, layer.segments, marks)]
    else:
        grid = _grid(workplace, layer, with_images=True)
        found = confined(
            lambda: open_label_layers(target, grid, home=workplace.home),
            folders=_open_to(workplace),
        )
        listed = [
            (
                one.voxels,
                one.segments,
                (*(layer.marks if n == 0 else ()), *_new(layer, one.marks)),
            )
            for n, one in enumerate(found)
        ]
    frames = []
    for number, (voxels, segments, marks) in enumerate(listed, start=1):
        header = {
            "op": "snapshot",
            "scan": scan_id,
            "layer": name if number == 1 else f"{name}-{number}",
            "rev": layer.rev,
            **{"shape": list(layer.shape), "dtype": voxels.dtype.str[1:], "enc": "rle"},
            "segments": segments_to_json(segments),
            "marks": marks_to_json(marks),
            "crc": None,
        }
        frames.append(encode_frame(Frame(header, encode_runs(voxels))))
    return frames


def _open_to(workplace: Workplace) -> list[Path]:
    """Where label files are read and written, whatever a folder was just swapped for."""
    return [workplace.home.root, workplace.home.folder]


def _new(layer: Layer, marks: Any) -> list[Any]:
    """Marks that the layer has not: reading a file twice makes none twice."""
    there = {mark.id for mark in layer.marks}
    return [mark for mark in marks if mark.id not in there]


def _grid(workplace: Workplace, layer: Layer, *, with_images: bool) -> Grid:
    source = find_scan(layer.scan_id, workplace.home)
    unit = find_summary(layer.scan_id, workplace.home).spacing_unit
    slices: tuple[DicomSlice, ...] = ()
    if with_images and source.series is not None:
        slices = tuple(series_slices(source, workplace.home))
    return Grid(layer.shape, layer.affine, slices, unit)


# Before the handlers of layers: `files` is no layer.
ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("labels/{scan}/files", FilesHandler),
    ("labels/{scan}/{layer}/save", SaveHandler),
    ("labels/{scan}/{layer}/file", FileHandler),
    ("labels/{scan}/{layer}/read", ReadHandler),
]
