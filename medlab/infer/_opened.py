"""What predicts: one model or several, the recipe they follow, and what they tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.backend import keras
from medlab.data import (
    canonical_spacing_mm,
    normalise,
    resample_to,
    resampled_shape,
    to_canonical,
)
from medlab.errors import MedlabError
from medlab.infer._network import networks
from medlab.infer._sliding_window import output_channels
from medlab.train import Recipe, Run, open_run
from medlab.train.losses import number_regions, region_members

_ALIKE = ("plane", "spacing_mm", "normalise", "segments", "regions")
"""What members of an ensemble must have in common: one picture goes to all of them."""


@dataclass(frozen=True, eq=False)
class Opened:
    """Models ready to predict.

    Args:
        models: One, or the members of an ensemble.
        recipe: How they were trained.
        home: Where a first stage is looked for.
    """

    models: tuple[keras.Model, ...]
    recipe: Recipe
    home: Any = None

    def __post_init__(self) -> None:
        _check(self.models)
        looks = networks(self.models, by_regions=self.recipe.regions is not None)
        object.__setattr__(self, "looks", looks)

    looks: Any = None

    @property
    def by_slice(self) -> bool:
        return len(self.models[0].input_shape) == 4

    @property
    def channels(self) -> int:
        """Channels that come out."""
        return output_channels(self.models[0])

    @property
    def members(self) -> NDArray[np.float32] | None:
        """Which label lies in which region, `(regions, labels)`; None for classes."""
        regions, segments = self.recipe.regions, self.recipe.segments
        if regions is None:
            return None
        if segments is None or len(regions) != self.channels:
            raise MedlabError(
                f"This model tells {self.channels} regions apart, but the recipe names "
                f"{len(regions)} of {len(segments or ())} segments. Pass the recipe it "
                "was trained by.",
                code="bad-regions",
            )
        return region_members(number_regions(regions, segments), len(segments) + 1)

    @property
    def names(self) -> list[str]:
        """Names of the labels 1, 2, ..."""
        found = self.recipe.segments
        return found or [f"segment {number}" for number in range(1, self.channels)]

    def picture(self, volume: Any) -> NDArray[np.float32]:
        """What the models look at: `(X, Y, Z, C)` in canonical order and spacing."""
        recipe = self.recipe
        image = to_canonical(np.asarray(volume.voxels), volume.affine)
        image = normalise(image, kind=recipe.normalise, modality=volume.modality)
        image = image if image.ndim == 4 else image[..., None]
        if recipe.spacing_mm:
            own_mm = canonical_spacing_mm(volume.affine)
            target = tuple(recipe.spacing_mm)
            shape = resampled_shape(image.shape[:3], own_mm, target)
            image = resample_to(image, shape)
        if recipe.first_stage:
            found = first_stage_channels(
                recipe.first_stage, volume, image.shape[:3], home=self.home
            )
            image = np.concatenate([image, found], axis=-1)
        channels = self.models[0].input_shape[-1]
        if channels not in (None, image.shape[-1]):
            raise MedlabError(
                f"This model takes scans of {channels} channels, got {image.shape[-1]}. "
                "Choose a scan like those it was trained on.",
                code="channels-differ",
            )
        return image


def open_models(model: Any, recipe: Recipe | None = None, home: Any = None) -> Opened:
    """Open whatever `predict` takes as its model.

    Raises:
        MedlabError: If there is no such run, it is no such model, or the members of an
            ensemble do not look at scans alike.
    """
    told = list(model) if isinstance(model, (list, tuple)) else [model]
    if not told:
        raise MedlabError(
            "predict needs a model or a run, got an empty list. Name at least one.",
            code="bad-model",
        )
    models, recipes = [], []
    for one in told:
        if isinstance(one, keras.Model):
            models.append(one)
            recipes.append(recipe or Recipe())
            continue
        run = open_run(one, home)
        models.append(_load(str(run.folder), _stamp(run)))
        recipes.append(recipe or run.recipe)
    for other in recipes[1:]:
        differ = [
            name for name in _ALIKE if getattr(other, name) != getattr(recipes[0], name)
        ]
        if differ:
            raise MedlabError(
                "The members of an ensemble must look at scans alike, but their recipes "
                f"differ in {', '.join(differ)}. Predict with each group by itself.",
                code="bad-ensemble",
            )
    return Opened(tuple(models), recipes[0], home)


def first_stage_channels(
    run: "Run | str | Path", volume: Any, shape: Sequence[int], *, home: Any = None
) -> NDArray[np.float32]:
    """Let the first stage of a cascade look at a scan.

    Args:
        run: The first stage.
        volume: The scan.
        shape: Of the picture that the second stage sees.
        home: Where runs are looked for.

    Returns:
        `(*shape, segments)`: 1 where the first stage sees that segment, in canonical
        order.

    Source:
        Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, "3D U-Net
        cascade".
    """
    from medlab.infer._predict import predict

    found = predict(run, volume, home=home)
    labels = to_canonical(found.voxels, volume.affine)
    labels = resample_to(labels, tuple(shape), labels=True)
    numbers = np.array([segment.id for segment in found.segments])
    return np.asarray(labels[..., None] == numbers, np.float32)


@lru_cache(maxsize=8)
def _load(folder: str, _stamp: int) -> Any:
    # Kept, so that a second scan finds its program compiled.
    return Run(Path(folder)).model()


def _stamp(run: Run) -> int:
    """Changes whenever a run has saved something."""
    files = [*run.folder.glob("checkpoints/*"), *run.folder.glob("model.*")]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def _check(models: Sequence[keras.Model]) -> None:
    first: Any = None
    for model in models:
        inputs, outputs = model.input_shape, model.output_shape
        finest = outputs[0] if isinstance(outputs, list) else outputs
        if (
            not isinstance(inputs, tuple)
            or not isinstance(finest, tuple)
            or len(inputs) not in (4, 5)
            or len(finest) != len(inputs)
        ):
            raise MedlabError(
                "predict needs a model from slices (B, H, W, C) or patches (B, X, Y, Z, "
                f"C) to as many classes a voxel, got one from {inputs} to {outputs}.",
                code="bad-model",
            )
        first = first or (len(inputs), inputs[-1], finest[-1])
        if (len(inputs), inputs[-1], finest[-1]) != first:
            raise MedlabError(
                "The members of an ensemble must take and tell apart the same, got "
                f"models from {models[0].input_shape} and from {inputs}, to {first[-1]} "
                f"and {finest[-1]} channels. Leave out those that differ.",
                code="bad-ensemble",
            )
