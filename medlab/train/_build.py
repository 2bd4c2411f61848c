"""From a recipe to a compiled model, and to the step that trains it."""

from typing import Any

from medlab.augment import Augmentation, augment_batch
from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.layers import accelerate
from medlab.models import TEMPLATES
from medlab.train._recipe import Recipe
from medlab.train._samples import Plan
from medlab.train._step import Prepare
from medlab.train.losses import SegmentDice, make_loss, number_regions, region_members


def build_model(recipe: Recipe, plan: Plan) -> keras.Model:
    """Build and compile the template, with weights drawn from the seed.

    Raises:
        MedlabError: If there is no such template, or it takes other arguments.
    """
    if recipe.template not in TEMPLATES:
        raise MedlabError(
            f"template is one of {', '.join(TEMPLATES)}, got {recipe.template!r}.",
            code="unknown-template",
        )
    rank, channels = len(plan.patch), plan.samples[0][0].shape[-1]
    classes = len(plan.segments) + 1
    regions = _regions(recipe, plan)
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        model = TEMPLATES[recipe.template](
            (*(None,) * rank, channels),
            classes=len(regions) if regions else classes,
            **recipe.template_args,
        )
    except TypeError as error:
        raise MedlabError(
            f"The template {recipe.template} takes other arguments: {error}.",
            code="bad-template-args",
        ) from None
    finally:
        keras.config.set_dtype_policy(before)
    loss = make_loss(
        recipe.loss,
        classes=classes,
        class_weights=recipe.class_weights,
        regions=regions,
    )
    optimizer = make_optimizer(recipe)
    model.compile(optimizer, metrics=[SegmentDice(classes, regions=regions)])
    _judge_by(model, loss)
    optimizer.build(model.trainable_variables)
    return accelerate(model)


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make the optimiser that a recipe names."""
    kind, more = {
        "adam": (keras.optimizers.Adam, {}),
        "adamw": (keras.optimizers.AdamW, {}),
        "sgd": (keras.optimizers.SGD, {"momentum": 0.99, "nesterov": True}),
    }[recipe.optimizer]
    if recipe.weight_decay is not None:
        more["weight_decay"] = recipe.weight_decay
    if recipe.clip_norm is not None:
        more["global_clipnorm"] = recipe.clip_norm
    return kind(recipe.learning_rate, **more)


def augmenting(recipe: Recipe) -> Prepare:
    """Make what turns a raw batch into the one a step learns from, on the device."""
    limits = Augmentation.of(recipe.augmentation)
    plain = limits == Augmentation.of("none")
    # Slices lie in a plane whose voxels are nearly square; bodies in 3D do not.
    told: dict[str, Any] = {}
    if recipe.plane is None and recipe.spacing_mm:
        told["spacing_mm"] = tuple(recipe.spacing_mm)

    def prepare(batch: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        images, labels, marks = batch
        if plain:
            return images, labels
        seed, epoch, places = marks[0, 0], marks[0, 1], marks[:, 2]
        augmented: tuple[Any, Any] = augment_batch(
            seed, epoch, places, images, labels, limits=limits, **told
        )
        return augmented

    return prepare


def winner(recipe: Recipe, plan: Plan) -> Any:
    """Make what turns logits `(..., C)` into labels, for the preview."""
    regions = _regions(recipe, plan)
    if not regions:
        return lambda logits: logits.argmax(-1)
    members = region_members(regions, len(plan.segments) + 1)
    return lambda logits: (logits.astype("float32") @ members).argmax(-1)


def _regions(recipe: Recipe, plan: Plan) -> dict[str, tuple[int, ...]] | None:
    if not recipe.regions:
        return None
    return number_regions(recipe.regions, plan.segments)


def _judge_by(model: keras.Model, loss: Any) -> None:
    """Have a model's own training compute this loss, of one head or several.

    Keras pairs each output with labels of its own; here all heads share the labels, and
    the third part of a batch is no weight of samples.
    """
    own_metrics = model.compute_metrics

    def compute_loss(
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return sum(model.losses, loss(y, y_pred))

    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        finest = y_pred[0] if isinstance(y_pred, (list, tuple)) else y_pred
        return own_metrics(x, y, finest, None)

    model.compute_loss = compute_loss
    model.compute_metrics = compute_metrics
