"""`fit`: Keras' own, with a run folder that tells how it goes and takes commands."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medlab import ops
from medlab.backend import jax, keras
from medlab.errors import MedlabError
from medlab.layers import accelerate
from medlab.scans import find_home
from medlab.train import runs
from medlab.train._alerts import is_out_of_memory, out_of_memory
from medlab.train._arrays import ArrayBatches, are_arrays
from medlab.train._checkpoint import load_checkpoint, replace_synced
from medlab.train._log import RunLog, logged, new_run_folder, queue_again
from medlab.train._run import Run, check_ended, open_run
from medlab.train._steering import Steering
from medlab.train._step import Step, TooLarge

_ENDLESS = 1_000_000
"""Epochs told to Keras: how many there really are may change, so Steering ends it."""

_SMALLER = (
    "half the batch_size (about half of it)",
    "inputs half as long along one axis (about half of it)",
    "keras.config.set_dtype_policy('mixed_bfloat16') before the model is built (about "
    "0.6 of it)",
)


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
    resume: "Run | str | None" = None,
    seed: int = 0,
    checkpoint_every_s: float = 30.0,
    **arguments: Any,
) -> Run:
    """Train any compiled `keras.Model`, in the sidebar and under its buttons.

    Args:
        model: Compiled, on JAX. Its layers are accelerated, see `medlab.accelerate`.
        x, y: As for `keras.Model.fit`.
        epochs: How many.
        run: What to call it in the list of runs.
        home: Whose runs it joins; found from the working folder by default.
        validation_data: As for `keras.Model.fit`.
        preview: Images `(B, H, W[, D], C)` and labels `(B, H, W[, D])`, B small: the
            first is drawn after each epoch with the model's prediction.
        callbacks: Further Keras callbacks. What they remember is saved with each
            checkpoint: their `get_state()` and `set_state(state)` where they have
            both, their public attributes otherwise.
        resume: A run of this function that was lost, stopped or failed: goes on from
            its last checkpoint, exactly, given the same model, arrays and callbacks.
        seed: Decides the order of samples, where x and y are arrays.
        checkpoint_every_s: Longest time between two checkpoints.
        arguments: Whatever else `keras.Model.fit` takes.

    Returns:
        The run, `finished` or `stopped`.

    Raises:
        MedlabError: If the model is not compiled, if loss or gradient stop being
            numbers, if memory runs out, or if the run cannot be resumed.
    """
    if not model.compiled:
        raise MedlabError(
            "fit needs a compiled model, and this one is not. Call "
            "model.compile(optimizer, loss) first.",
            code="not-compiled",
        )
    batches = None
    if are_arrays(x, y, arguments):
        batches = ArrayBatches(x, y, seed=seed, **arguments)
    elif resume is not None:
        raise MedlabError(
            "Only a training on arrays x and y, without further arguments than "
            "batch_size, shuffle and verbose, can be resumed. Pass arrays.",
            code="not-resumable",
        )
    home, callbacks = home or find_home(), list(callbacks)
    folder = _folder(model, run, home, epochs, resume)
    accelerate(model)
    step = Step(model)
    with logged(folder) as log, memory_watched(step, lambda needed: _SMALLER):
        position = None
        if resume is not None:
            model.optimizer.build(model.trainable_variables)
            position = load_checkpoint(folder / "checkpoints", model)
        rate = getattr(model.optimizer, "_learning_rate", None)
        fixed = not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
        steering = Steering(
            log,
            step,
            epochs=epochs,
            position=position,
            planned=go_back(log, position) if resume is not None else (),
            preview=preview,
            learning_rate=float(model.optimizer.learning_rate) if fixed else None,
            checkpoint_every_s=checkpoint_every_s,
            callbacks=callbacks,
        )
        if batches is None:
            parts = [{"x": x, "y": y, "verbose": 0, **arguments}]
        else:
            verbose = arguments.get("verbose", 0)
            parts = parts_of(batches, steering, {"verbose": verbose, "shuffle": False})
        carry_on(model, steering, step, parts, callbacks, validation=validation_data)
    return Run(folder)


def parts_of(
    batches: Any, steering: Steering, shared: dict[str, Any]
) -> list[dict[str, Any]]:
    """The calls of `fit`: the rest of an epoch begun earlier, then whole epochs.

    Args:
        batches: With `steps` an epoch, and `after(step)`.
        steering: Knows where the training stands.
        shared: Arguments of every call.
    """
    steering.count_steps(batches.steps)
    epoch, begun = divmod(steering.step, batches.steps)
    parts = []
    if begun:
        rest = {"steps_per_epoch": batches.steps - begun, "epochs": epoch + 1}
        x = batches.after(steering.step)
        parts.append({"x": x, **rest, "initial_epoch": epoch, **shared})
        epoch += 1
    if epoch < steering.epochs:
        x = batches.after(epoch * batches.steps)
        steps = {"steps_per_epoch": batches.steps, "initial_epoch": epoch}
        parts.append({"x": x, **steps, **shared})
    return parts


def carry_on(
    model: keras.Model,
    steering: Steering,
    step: Step,
    parts: list[dict[str, Any]],
    callbacks: Sequence[Any] = (),
    *,
    validation: Any = None,
) -> None:
    """Run `model.fit` on each part in turn, then save what came of it.

    Args:
        model: Compiled.
        steering: The callback that logs and obeys.
        step: Does the steps.
        parts: Arguments of one call of `fit` each: a training that goes on in the
            middle of an epoch first ends that epoch.
        callbacks: Further callbacks.
        validation: As `validation_data` of `fit`.
    """
    log = steering.log
    log.enter("compiling")
    if log.writes:
        _describe(model, log.folder)
    steering.set_model(model)
    steering.warm_up(model, validation)
    everyone = [*callbacks, steering]
    # Of one call Keras itself knows best how many steps it has.
    several = len(parts) != 1 or steering.closing is not None
    together = _Together(everyone, model=model) if several else None
    compiled = not model.run_eagerly and model.steps_per_execution == 1
    ours = step.installed() if compiled and model.jit_compile else _keras_own()
    try:
        with ours:
            if together is not None:
                together.begin()
                if steering.closing is not None:
                    _close_epoch(model, steering, together, validation)
            for part in parts:
                if steering.stopped or model.stop_training:
                    break
                part = {"epochs": _ENDLESS, **part, "validation_data": validation}
                model.fit(**part, callbacks=together or everyone)
            if together is not None:
                together.end()
    except BaseException:
        # Keras has put the weights back into the model on its way out.
        if step.done:
            with contextlib.suppress(Exception):
                steering.save_what_is_left()
        raise
    finally:
        _let_go(parts)
    if not steering.stopped:
        steering.save()
    if not steering.saver.close():
        raise MedlabError(
            "The last checkpoint could not be saved: the disk is full or refuses. Free "
            f"some space, then go on with medlab train --resume {log.folder.name}",
            code="disk-full",
        )
    if steering.stopped:
        log.close("stopped", f"Stopped on request at step {steering.step}.")
        return
    try:
        if log.writes:
            save_model(model, log.folder / "model.keras")
    except OSError as error:
        log.say(f"model.keras could not be written: {error.strerror}.")
    log.close("finished")


def go_back(log: RunLog, position: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Set a run's history back to its checkpoint.

    Returns:
        The commands that changed settings after it, or were meant for a later step:
        the training that goes on acts on them at the same steps.
    """
    history = runs.read_history(log.folder)
    position = position or {}
    kept = min(int(position.get("lines", 0)), len(history))
    again = [
        {**_command(line), "at_step": int(line["step"])}
        for line in history[kept:]
        if line.get("kind") == "control" and line.get("cmd") == "set"
    ]
    settled = {line.get("seq") for line in history if line.get("kind") == "control"}
    waiting = [
        _command(line)
        for line in history
        if line.get("kind") == "planned" and line.get("seq") not in settled
    ]
    step, epoch = int(position.get("step", 0)), int(position.get("epoch", 0))
    log.rewind(lines=kept, step=step, epoch=epoch)
    for command in (planned := [*again, *waiting]):
        log.note(command)  # again: whoever resumes next must know them too
    return planned


@contextlib.contextmanager
def memory_watched(
    step: Step, smaller: Callable[[int | None], Sequence[str]]
) -> Iterator[None]:
    """Turn an exhausted memory into an error that tells settings which need less.

    Args:
        step: Knows how much one takes.
        smaller: From that number of bytes, or None, to settings that need less.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, TooLarge) and not is_out_of_memory(error):
            raise
        free = error.available if isinstance(error, TooLarge) else None
        told = out_of_memory(smaller(step.needed), needed=step.needed, available=free)
        raise told from None


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
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".save-") as folder,
        _by_this_process(),
    ):
        draft = Path(folder) / "model.keras"
        plain_copy(model).save(draft)
        replace_synced(path, draft.read_bytes())


def versions() -> dict[str, str]:
    """What decides whether the same seed gives the same weights."""
    names = ("medlab", "keras", "jax", "jaxlib", "numpy")
    device = jax.devices()[0]
    found = {name: version(name) for name in names}
    return {**found, "device": device.device_kind, "convolutions": ops.path()}


class _Together(keras.callbacks.CallbackList):  # type: ignore[misc]
    """Callbacks over several calls of `fit`, which to them are one training."""

    def __init__(self, callbacks: Sequence[Any], *, model: keras.Model) -> None:
        super().__init__(list(callbacks), add_history=True, model=model)

    def begin(self) -> None:
        super().on_train_begin()

    def end(self) -> None:
        super().on_train_end()

    def on_train_begin(self, logs: Any = None) -> None:
        """Nothing: `fit` says it of each part."""

    def on_train_end(self, logs: Any = None) -> None:
        """Nothing: `fit` says it of each part."""


def _close_epoch(
    model: keras.Model, steering: Steering, everyone: _Together, validation: Any
) -> None:
    """Do what is left of an epoch that was interrupted after its last step."""
    logs = steering.closing or {}
    epoch = steering.position["epoch"]
    if validation is not None:
        x, y, *_ = validation if isinstance(validation, tuple) else (validation, None)
        told = {"callbacks": everyone, "return_dict": True, "verbose": 0}
        found = model.evaluate(x, y, **told)
        logs |= {f"val_{name}": value for name, value in found.items()}
    everyone.on_epoch_end(epoch, logs)


def _let_go(parts: Sequence[dict[str, Any]]) -> None:
    """End the threads that prepare batches."""
    for part in parts:
        if hasattr(part.get("x"), "close"):
            part["x"].close()


def _folder(model: keras.Model, name: str, home: Any, epochs: int, resume: Any) -> Path:
    if resume is None:
        about = {"name": name or model.name, "template": model.name, "where": "inline"}
        told = {**about, "versions": versions()}
        return new_run_folder(home.runs, told, epochs=epochs)
    run = open_run(resume, home)
    check_ended(run)
    queue_again(run.folder)
    return run.folder


def _command(line: dict[str, Any]) -> dict[str, Any]:
    return {k: line[k] for k in ("seq", "cmd", "args", "at_step") if k in line}


@contextlib.contextmanager
def _by_this_process() -> Iterator[None]:
    """Make variables here alone: in a team, each would wait for the other processes."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


@contextlib.contextmanager
def _keras_own() -> Iterator[None]:
    """Leave the steps to Keras: the model runs eagerly, or several steps at a time."""
    yield


def _describe(model: keras.Model, folder: Path) -> None:
    # Without a description, only whoever has the code can build the model again.
    with contextlib.suppress(Exception):
        replace_synced(folder / "model.json", _description(model).encode())


def _description(model: keras.Model) -> str:
    content = json.loads(model.to_json())
    content.pop("compile_config", None)
    return json.dumps(content)
