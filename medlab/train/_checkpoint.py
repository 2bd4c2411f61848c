"""Checkpoints: everything a training needs to go on exactly as if nothing had happened.

A checkpoint holds all of the model's variables (weights, running statistics, dropout
seeds), all of the optimiser's, the running metrics of the epoch, what callbacks
remember, and the position. Data order and augmentation need no state (see
`medlab.data`).

The folder holds files of arrays (see `_weights.py`) and `manifest.json`, which names
the two newest with their SHA-256, each with the best weights of its time, which lie
apart. A file is written beside, synced to disk and renamed; then the manifest is
replaced the same way; only then are older files removed. So whenever a trainer dies,
the manifest names whole files. Killing one while Keras' own saver saved left 28 of 30
files unreadable.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medlab.backend import jax, keras
from medlab.errors import MedlabError
from medlab.train._weights import read_arrays, write_arrays

KEPT = 2
MANIFEST = "manifest.json"
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError)
_OURS = ("keras", "medlab", "builtins")

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """The state of a training at one step, held apart from the training itself.

    Args:
        arrays: By name, on the device or not.
        position: Plain values: where training stands; `step` among them.
        best: The best weights so far, and of which step; None if nothing is measured.
    """

    arrays: Arrays
    position: dict[str, Any]
    best: "tuple[int, Arrays] | None" = field(default=None)


def copy_state(
    model: keras.Model, *, optimizer: bool = True, metrics: bool = True
) -> dict[str, Any]:
    """Copy a model's variables on the device, without waiting for it.

    The steps that follow give the originals away; the copy stays as it is.

    Args:
        model: Built. During `fit` its state must have been synced.
        optimizer: With the optimiser's variables.
        metrics: With the running metrics.
    """
    kinds = _variables(model)
    wanted = {"model", *(["optimizer"] * optimizer), *(["metrics"] * metrics)}
    found = {
        f"{kind}/{index:04d}": variable.value
        for kind, variables in kinds.items()
        if kind in wanted
        for index, variable in enumerate(variables)
    }
    copied: dict[str, Any] = _copy(found)
    return copied


def write_checkpoint(folder: Path, snapshot: Snapshot) -> Path:
    """Put a snapshot on disk for good, and remove what two newer ones replace.

    Args:
        folder: `checkpoints/` of a run.
        snapshot: Its step names the file.

    Raises:
        OSError: If the disk does not take it. What was there before stays whole.
    """
    step = int(snapshot.position["step"])
    known = _entries(folder)
    entry = _write(folder, f"step-{step:08d}", snapshot.arrays, snapshot.position)
    entry["step"] = step
    if snapshot.best is not None:
        best_step, weights = snapshot.best
        have = [e["best"] for e in known if e.get("best", {}).get("step") == best_step]
        entry["best"] = (
            have[0]
            if have
            else {
                **_write(folder, f"best-{best_step:08d}", weights, {}),
                "step": best_step,
            }
        )
    # A run taken up again from an earlier step leaves later ones behind.
    older = [e for e in known if e["step"] < step]
    kept = [entry, *older][:KEPT]
    _write_manifest(folder, kept)
    return folder / str(entry["file"])


def find_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read the newest whole checkpoint: its arrays and its position, or None."""
    for entry in _entries(folder):
        with contextlib.suppress(*_DAMAGE):
            arrays, about = _read(folder, entry)
            position = json.loads(about["position"])
            best = entry.get("best")
            if best is not None:
                position["best_arrays"] = _read(folder, best)[0]
            return arrays, position
    return None


def load_checkpoint(
    folder: Path, model: keras.Model, *, optimizer: bool = True, best: bool = False
) -> dict[str, Any] | None:
    """Put the newest whole checkpoint into a model.

    Args:
        folder: `checkpoints/` of a run.
        model: Of the same architecture; compiled, if `optimizer`.
        optimizer: Restore the optimiser's variables too.
        best: The best weights instead of the newest, where there are any.

    Returns:
        The position it was saved at, or None if there is no whole checkpoint. With it
        come `metrics_arrays`, `callbacks_arrays` and, if there are any, `best_arrays`:
        who goes on puts them back when they are due.

    Raises:
        MedlabError: If the checkpoint is that of another model.
    """
    found = find_checkpoint(folder)
    if found is None:
        return None
    arrays, position = found
    if best and "best_arrays" in position:
        arrays = {**arrays, **position["best_arrays"]}
    kinds = _variables(model)
    for kind in ("model", "optimizer") if optimizer else ("model",):
        put_back(arrays, kind, kinds[kind])
    for kind in ("metrics", "callbacks"):
        few = {n: array for n, array in arrays.items() if n.startswith(f"{kind}/")}
        position[f"{kind}_arrays"] = few
    return position


def put_back(arrays: Arrays, kind: str, variables: list[Any]) -> None:
    """Give variables the values that a checkpoint has for them.

    Raises:
        MedlabError: If number or shapes differ: the checkpoint is that of another model.
    """
    saved = [arrays[name] for name in sorted(arrays) if name.startswith(f"{kind}/")]
    shapes = [tuple(variable.shape) for variable in variables]
    if [array.shape for array in saved] != shapes:
        raise MedlabError(
            "This checkpoint is that of another model: its arrays differ in "
            "number or shape. Start a new run, or restore the recipe.",
            code="other-model",
        )
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)


def load_model(run: Path, *, best: bool = False) -> keras.Model:
    """Load the model of a run as it was at its last checkpoint, or at its best one.

    Only a description in JSON and plain arrays are read. Nobody's `.keras` file is
    opened, and no class is imported that is neither Keras' nor medlab's.

    Args:
        run: Folder of the run.
        best: The weights with the best validation, where there was one.

    Raises:
        MedlabError: If the run has saved nothing yet, or its model has parts that a
            description cannot tell.
    """
    described = run / "model.json"
    if not described.is_file():
        if not _entries(run / "checkpoints"):
            raise _nothing_saved()
        raise MedlabError(
            "This run's model has parts of its maker's own, which cannot be built from "
            "a description. Build it as when it was trained, then call "
            "run.load_weights_into(model).",
            code="own-model",
        )
    model = model_of(described.read_text(encoding="utf-8"))
    load_weights(run, model, best=best)
    return model


def load_weights(run: Path, model: keras.Model, *, best: bool = False) -> None:
    """Put the weights of a run's last checkpoint, or its best, into a model.

    Raises:
        MedlabError: If the run has saved nothing yet, or another model.
    """
    folder = run / "checkpoints"
    if load_checkpoint(folder, model, optimizer=False, best=best) is None:
        raise _nothing_saved()


def model_of(description: str) -> keras.Model:
    """Build a model from its description in JSON.

    Raises:
        MedlabError: If it names a class from elsewhere, or holds code.
    """
    content = json.loads(description)
    foreign = sorted(_foreign(content))
    if foreign:
        raise MedlabError(
            "A model is built from a description when its parts are Keras' or medlab's "
            f"own, and this one has {', '.join(foreign)}. Build it yourself, then call "
            "run.load_weights_into(model).",
            code="foreign-model",
        )
    return keras.models.model_from_json(description)


def replace_synced(
    path: Path, data: bytes | memoryview | Callable[[BinaryIO], object]
) -> None:
    """Replace a file so that it survives a kill and a power cut: the old or the new.

    Args:
        path: The file.
        data: Its bytes, or what writes them into an open file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        # On a full disk a part of a file would only make matters worse.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


class _Summed:
    """A file that adds up the SHA-256 of what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += memoryview(data).nbytes
        return self._file.write(data)


def _write(
    folder: Path, stem: str, arrays: Arrays, position: Mapping[str, Any]
) -> dict[str, Any]:
    path = folder / f"{stem}.safetensors"
    plain = {name: np.asarray(array) for name, array in arrays.items()}
    about = {"position": json.dumps(position)}
    summed: list[_Summed] = []

    def write(file: BinaryIO) -> None:
        summed[:] = [_Summed(file)]
        write_arrays(summed[0], plain, about)  # type: ignore[arg-type]

    replace_synced(path, write)
    digest = summed[0].digest.hexdigest()
    return {"file": path.name, "sha256": digest, "bytes": summed[0].size}


def _read(
    folder: Path, entry: dict[str, Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    path = folder / Path(entry["file"]).name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != entry["sha256"]:
        raise ValueError("The file is not what the manifest says.")
    return read_arrays(path)


def _write_manifest(folder: Path, entries: list[dict[str, Any]]) -> None:
    content = json.dumps({"version": 1, "checkpoints": entries}, indent=1)
    replace_synced(folder / MANIFEST, content.encode())
    needed = {MANIFEST}
    for entry in entries:
        needed |= {entry["file"], entry.get("best", entry)["file"]}
    for path in folder.iterdir():
        if path.name not in needed:
            with contextlib.suppress(OSError):
                path.unlink()


def _entries(folder: Path) -> list[dict[str, Any]]:
    """What the manifest names, newest first."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        entries = list(content["checkpoints"])
        return sorted(entries, key=lambda entry: -int(entry["step"]))
    except _DAMAGE:
        return []


def _variables(model: keras.Model) -> dict[str, list[Any]]:
    optimizer = getattr(model, "optimizer", None)
    return {
        "model": list(model.variables),  # the seeds of dropout are among them
        "optimizer": list(optimizer.variables) if optimizer is not None else [],
        "metrics": list(model.metrics_variables),
    }


@jax.jit
def _copy(arrays: Any) -> Any:
    return jax.tree.map(jax.numpy.copy, arrays)


def _foreign(content: Any) -> set[str]:
    """Names of classes in a description that are neither Keras' nor medlab's."""
    if isinstance(content, list):
        return set().union(*map(_foreign, content)) if content else set()
    if not isinstance(content, dict):
        return set()
    found = set().union(*map(_foreign, content.values())) if content else set()
    name = content.get("class_name")
    if name in ("Lambda", "__lambda__", "function"):
        found.add(str(name))
    if isinstance(name, str) and "module" in content:
        root = str(content["module"] or "").partition(".")[0]
        registered = content.get("registered_name")
        # What somebody registered in this very process is their own choice.
        known = root in _OURS or keras.saving.get_registered_object(registered)
        if not known and (root or registered):
            found.add(name)
    return found


def _nothing_saved() -> MedlabError:
    return MedlabError(
        "This run has no checkpoint yet. Wait for its first epochs, or send it the "
        "command checkpoint.",
        code="no-checkpoint",
    )
