"""`fit`: Keras' own, with a run folder that tells how it goes and takes commands."""

import contextlib
import json
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.scans import find_home
from medlab.train._checkpoint import replace_synced
from medlab.train._log import logged, new_run_folder
from medlab.train._run import Run
from medlab.train._steering import Steering

_ENDLESS = 1_000_000
"""Epochs told to Keras: how many there really are may change, so Steering ends it."""


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    *,
    epochs: int = 1,
    run: str = "",
    home: Any = None,
    validation_data: Any = None,
    preview: tuple[Any, Any] | None = None,
    callbacks: Iterable[Any] = (),
    **arguments: Any,
) -> Run:
    """Train any compiled `keras.Model`, in the sidebar and under its buttons.

    Args:
        model: Compiled, on JAX.
        x, y: As for `keras.Model.fit`.
        epochs: How many.
        run: What to call it in the list of runs.
        home: Whose runs it joins; found from the working folder by default.
        validation_data: As for `keras.Model.fit`.
        preview: Images `(B, H, W[, D], C)` and labels `(B, H, W[, D])`, B small: the
            first is drawn after each epoch with the model's prediction.
        callbacks: Further Keras callbacks.
        arguments: Whatever else `keras.Model.fit` takes.

    Returns:
        The run, `finished` or `stopped`.

    Raises:
        MedlabError: If the model is not compiled.
    """
    if not model.compiled:
        raise MedlabError(
            "fit needs a compiled model, and this one is not. Call "
            "model.compile(optimizer, loss) first.",
            code="not-compiled",
        )
    home = home or find_home()
    about = {"name": run or model.name, "template": model.name, "where": "inline"}
    folder = new_run_folder(home.runs, {**about, "versions": versions()}, epochs=epochs)
    rate = getattr(model.optimizer, "_learning_rate", None)
    fixed = not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    with logged(folder) as log:
        steering = Steering(
            log,
            epochs=epochs,
            preview=preview,
            learning_rate=float(model.optimizer.learning_rate) if fixed else None,
        )
        arguments = {"verbose": 0, **arguments, "validation_data": validation_data}
        carry_on(model, steering, [{"x": x, "y": y, **arguments}], callbacks)
    return Run(folder)


def carry_on(
    model: keras.Model,
    steering: Steering,
    parts: list[dict[str, Any]],
    callbacks: Iterable[Any] = (),
) -> None:
    """Run `model.fit` on each part in turn, then save what came of it.

    Args:
        model: Compiled.
        steering: The callback that logs and obeys.
        parts: Arguments of one call of `fit` each: a training that goes on in the
            middle of an epoch first ends that epoch.
        callbacks: Further callbacks.
    """
    log = steering.log
    log.enter("compiling")
    _describe(model, log.folder)
    steering.set_model(model)
    steering.warm_up(model, parts[0].get("validation_data"))
    try:
        for part in parts:
            if steering.stopped:
                break
            model.fit(**{"epochs": _ENDLESS, **part}, callbacks=[*callbacks, steering])
    except BaseException:
        # Keras has put the weights back into the model on its way out.
        if steering.step:
            with contextlib.suppress(Exception):
                steering.save()
        raise
    steering.save()
    save_model(model, log.folder / "model.keras")
    if steering.stopped:
        log.close("stopped", f"Stopped on request at step {steering.step}.")
    else:
        log.close("finished")


def plain_copy(model: keras.Model) -> keras.Model:
    """Copy a model without loss and metrics, which a loader would need to know.

    A model of the user's own classes may have no description: it is returned itself.
    """
    try:
        copy = keras.models.model_from_json(_description(model))
        copy.set_weights(model.get_weights())
    except Exception:
        return model
    return copy


def save_model(model: keras.Model, path: Path) -> None:
    """Write a plain `.keras` file that anybody's Keras loads, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".save-") as folder:
        draft = Path(folder) / "model.keras"
        plain_copy(model).save(draft)
        replace_synced(path, draft.read_bytes())


def versions() -> dict[str, str]:
    """The versions that decide whether the same seed gives the same weights."""
    names = ("medlab", "keras", "jax", "jaxlib", "numpy")
    return {name: version(name) for name in names}


def _describe(model: keras.Model, folder: Path) -> None:
    # Without a description, only the finished `model.keras` can be loaded.
    with contextlib.suppress(Exception):
        replace_synced(folder / "model.json", _description(model).encode())


def _description(model: keras.Model) -> str:
    content = json.loads(model.to_json())
    content.pop("compile_config", None)
    return json.dumps(content)
