"""A recipe: everything that decides a training, in one file a person can edit."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from medlab.errors import MedlabError
from medlab.scans import write_atomically

_SCHEDULES = ("cosine", "poly", "constant")
_OPTIMIZERS = ("adamw", "adam", "sgd")
_PRECISIONS = ("float32", "mixed_bfloat16")
_PLANES = ("axial", "coronal", "sagittal")
_LOSSES = (
    *("dice+cross-entropy", "cross-entropy", "dice", "focal", "dice+focal"),
    *("generalised-dice", "generalised-dice+cross-entropy"),
    *("tversky", "tversky+cross-entropy"),
    *("cldice", "cldice+dice", "cldice+cross-entropy"),
    *("boundary", "boundary+dice", "boundary+cross-entropy"),
)


@dataclass(frozen=True)
class Recipe:
    """What to train, on what, and how. The defaults suit a few labelled slices.

    Args:
        cases: Each a mapping with `scan` (path), and where the default does not suit
            `labels` (path, or `layer:<name>`; `layer:labels` by default), `series`,
            `slices` (labelled slices, numbered along the scan's own axis) and `patient`
            (whose scan it is: no patient is on both sides of a split).
        segments: Names of the segments to learn; None for all that the cases have.
        regions: Names of overlapping regions, each with the segments it is made of
            (BraTS style): learnt one by one instead of the segments. None: segments.
        name: What to call the runs.
        task: `segmentation`.
        template: Name in `medlab.models.TEMPLATES`.
        template_args: Keyword arguments of the template, beyond shape and classes.
        plane: `axial`, `coronal` or `sagittal`: slice by slice. None: 3D patches.
        validation: Share of cases held back (of labelled slices, where there is one
            case), or `auto`: a fifth from 5 cases or 15 slices on, none below that.
        folds: How many parts cross-validation divides the patients into.
        fold: Which part, from 0, is held back instead of `validation`; None: no folds.
        spacing_mm: Voxel size to resample to: right, front, up. None: as they are.
        patch: Size of what the model sees in training; None: a whole slice up to 256
            a side, or a cube of 64.
        normalise: See `medlab.data.normalise`.
        first_stage: Id of a run whose predictions are further channels (a cascade).
        foreground: Share of the patches that hold a segment for certain.
        sampling: How often the patches with a segment centre on each, by name; None:
            all alike.
        augmentation: `default`, `none`, or limits (see `medlab.augment.Augmentation`).
        batch: Samples a step; None: 4 slices, or 2 patches.
        loss: Name in `medlab.train.losses.LOSSES`, or a mapping with `name` and the
            settings of that loss.
        class_weights: How much background and each segment count; None: all alike.
        optimizer: `adamw`, `adam` or `sgd` (with Nesterov's momentum).
        learning_rate: At the start.
        weight_decay: Of the optimiser; None: its usual one.
        clip_norm: Longest gradient that is not shortened; None: any.
        schedule: `cosine` or `poly` (both down to nothing at the last epoch), or
            `constant`.
        epochs: How many.
        steps_per_epoch: None: once through the samples, 10 at least, 250 at most.
        seed: Decides weights, order, crops and augmentation. Same seed, same model.
        precision: `float32` or `mixed_bfloat16`.
        workers: Threads that prepare batches; None: as the machine allows; 0: none.
            The result does not depend on it.
        checkpoint_every_s: Longest time between two checkpoints.
        largest_only: Segments of which prediction keeps the largest part only.

    Example:
        >>> recipe = Recipe(cases=[{"scan": "chest.nrrd"}], epochs=5)
        >>> recipe.replace(seed=2).seed
        2
    """

    cases: list[dict[str, Any]] = field(default_factory=list)
    segments: list[str] | None = None
    regions: dict[str, list[str]] | None = None
    name: str = ""
    task: str = "segmentation"
    template: str = "unet"
    template_args: dict[str, Any] = field(
        default_factory=lambda: {"widths": [8, 16, 32, 64, 128]}
    )
    plane: str | None = "axial"
    validation: float | str = "auto"
    folds: int = 5
    fold: int | None = None
    spacing_mm: list[float] | None = None
    patch: list[int] | None = None
    normalise: str | dict[str, Any] = "auto"
    first_stage: str | None = None
    foreground: float = 0.5
    sampling: dict[str, float] | None = None
    augmentation: str | dict[str, Any] = "default"
    batch: int | None = None
    loss: str | dict[str, Any] = "dice+cross-entropy"
    class_weights: list[float] | None = None
    optimizer: str = "adam"
    learning_rate: float = 3e-3
    weight_decay: float | None = None
    clip_norm: float | None = None
    schedule: str = "cosine"
    epochs: int = 30
    steps_per_epoch: int | None = None
    seed: int = 1
    precision: str = "float32"
    workers: int | None = None
    checkpoint_every_s: float = 30.0
    largest_only: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            # A widget or a script may well hand over tuples and numpy's numbers.
            object.__setattr__(self, name, _plain(value))
        _check(self)

    @classmethod
    def load(cls, path: str | Path) -> "Recipe":
        """Read a recipe from a `.yaml` or `.json` file.

        Raises:
            MedlabError: If the file is none, or holds a field that recipes have not.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            content = json.loads(text) if path.suffix == ".json" else _yaml(text)
        except FileNotFoundError:
            raise MedlabError(
                f"There is no recipe {path.name}. Recipe(...).save(path) writes one.",
                code="recipe-not-found",
            ) from None
        except (ValueError, yaml.YAMLError) as error:
            raise MedlabError(
                f"A recipe is a YAML or JSON file, but {path.name} cannot be read as "
                f"one: {' '.join(str(error).split())[:200]}",
                code="bad-recipe",
            ) from None
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Any) -> "Recipe":
        """Make a recipe of a mapping, as `run.json` and recipe files hold it."""
        if not isinstance(content, dict):
            raise MedlabError(
                "A recipe file holds fields such as 'cases:' and 'epochs:', got "
                f"{type(content).__name__}. Recipe(...).save(path) writes an example.",
                code="bad-recipe",
            )
        known = [f.name for f in fields(cls)]
        unknown = sorted(str(name) for name in set(content) - set(known))
        if unknown:
            raise MedlabError(
                f"A recipe has the fields {', '.join(known)}, got "
                f"{', '.join(unknown)} too. Correct or remove them.",
                code="bad-recipe",
            )
        return cls(**content)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values: what `save` writes."""
        return asdict(self)

    def save(self, path: str | Path) -> Path:
        """Write the recipe as YAML, or as JSON if the name ends so."""
        path = Path(path)
        if path.suffix == ".json":
            text = json.dumps(self.to_dict(), indent=2) + "\n"
        else:
            text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)
        write_atomically(path, text.encode("utf-8"))
        return path

    def replace(self, **changes: Any) -> "Recipe":
        """Make a recipe that differs in some fields."""
        unknown = sorted(set(changes) - {f.name for f in fields(self)})
        if unknown:
            return Recipe.from_dict({**self.to_dict(), **changes})
        return replace(self, **changes)


def _yaml(text: str) -> Any:
    return yaml.safe_load(text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, Path):
        return value.as_posix()
    # numpy's arrays and numbers, without importing numpy for it
    return value.tolist() if hasattr(value, "tolist") else value


def _check(recipe: Recipe) -> None:
    _one_of("task", recipe.task, ("segmentation",))
    _one_of("plane", recipe.plane, (*_PLANES, None))
    loss = recipe.loss
    _one_of("loss", loss.get("name") if isinstance(loss, dict) else loss, _LOSSES)
    _one_of("optimizer", recipe.optimizer, _OPTIMIZERS)
    _one_of("schedule", recipe.schedule, _SCHEDULES)
    _one_of("precision", recipe.precision, _PRECISIONS)
    for name in ("epochs", "folds", "batch", "steps_per_epoch", "workers"):
        value = getattr(recipe, name)
        if name == "workers" and value == 0:
            continue  # this very thread prepares the batches
        optional = name not in ("epochs", "folds") and value is None
        if not optional and not (isinstance(value, int) and value >= 1):
            raise MedlabError(
                f"{name} is a whole number of at least 1, got {value!r}.",
                code="bad-recipe",
            )
    if not _is_number(recipe.learning_rate) or recipe.learning_rate <= 0:
        raise MedlabError(
            f"learning_rate is a number above 0, got {recipe.learning_rate!r}. In YAML "
            "write 0.001 or 1.0e-3: 1e-3 is text there.",
            code="bad-recipe",
        )
    for name in ("weight_decay", "clip_norm", "checkpoint_every_s"):
        value = getattr(recipe, name)
        if value is None and name != "checkpoint_every_s":
            continue
        lowest = "above 0" if name == "clip_norm" else "of 0 or more"
        if not _is_number(value) or value < 0 or (value == 0 and name == "clip_norm"):
            raise MedlabError(
                f"{name} is a number {lowest}, got {value!r}.", code="bad-recipe"
            )
    if recipe.fold is not None and recipe.fold not in range(recipe.folds):
        raise MedlabError(
            f"fold is one of 0 to {recipe.folds - 1}, as there are {recipe.folds} "
            f"folds, got {recipe.fold!r}.",
            code="bad-recipe",
        )
    share = recipe.validation
    if share != "auto" and not (_is_number(share) and 0 <= float(share) < 1):
        raise MedlabError(
            f"validation is 'auto' or a share from 0 to below 1, got {share!r}.",
            code="bad-recipe",
        )
    for case in recipe.cases:
        extra = set(case) - {"scan", "labels", "series", "slices", "patient"}
        if not isinstance(case.get("scan"), str) or extra:
            raise MedlabError(
                "A case names its scan, and if need be labels, series and slices, got "
                f"the fields {', '.join(sorted(case)) or 'none'}.",
                code="bad-recipe",
            )


def _one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        raise MedlabError(
            f"{name} is one of {', '.join(map(str, allowed))}, got {value!r}.",
            code="bad-recipe",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
