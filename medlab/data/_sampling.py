"""Which sample comes at which place of an epoch, and which segment it is centred on.

An epoch goes through all samples before any comes again. Some of its places must show a
segment (`foreground`); where the sample whose turn it is has none, or not the one that is
wanted, another that has takes the place. All of it is decided by seed and epoch.

Source:
    Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z: a third of
    the patches of each batch hold a segment for certain.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from medlab.errors import MedlabError

ANYWHERE = -1


class Turn(NamedTuple):
    """What comes at a place of an epoch: a sample, and the label in its middle."""

    sample: int
    label: int


def turns(
    segments: Sequence[tuple[int, ...]],
    count: int,
    random: np.random.Generator,
    *,
    foreground: float,
    weights: Mapping[int, float] | None = None,
) -> list[Turn]:
    """Draw an epoch.

    Args:
        segments: The segments that each sample holds.
        count: Places in the epoch.
        random: Decides.
        foreground: Share of the places that show a segment, spread evenly.
        weights: How often a segment is wanted, in relation to the others. None: each
            sample keeps its turn, and its own segments are wanted alike.

    Returns:
        One turn a place; `ANYWHERE` where no certain segment is wanted.

    Example:
        >>> turns([(2,)], 2, np.random.default_rng(0), foreground=0.5)
        [Turn(sample=0, label=-1), Turn(sample=0, label=2)]
    """
    rounds = -(-count // len(segments))
    order = np.concatenate([random.permutation(len(segments)) for _ in range(rounds)])
    holders = {
        label: _Rotation([n for n, own in enumerate(segments) if label in own], random)
        for label in sorted({label for own in segments for label in own})
    }
    any_holder = _Rotation([n for n, own in enumerate(segments) if own], random)
    shares = {n: w for n, w in (weights or {}).items() if n in holders and w > 0}
    total = sum(shares.values())
    drawn = []
    for place, sample in enumerate(int(n) for n in order[:count]):
        label = ANYWHERE
        if holders and int((place + 1) * foreground) > int(place * foreground):
            if shares:
                p = [weight / total for weight in shares.values()]
                label = int(random.choice(list(shares), p=p))
                if label not in segments[sample]:
                    sample = next(holders[label])
            else:
                sample = sample if segments[sample] else next(any_holder)
                label = int(random.choice(segments[sample]))
        drawn.append(Turn(sample, label))
    return drawn


def sampling_weights(
    sampling: Mapping[str, float] | None, segments: Sequence[str]
) -> dict[int, float] | None:
    """Turn weights by name, as a recipe has them, into weights by number.

    Raises:
        MedlabError: If a name is no segment, or a weight is no number from 0 on.

    Example:
        >>> sampling_weights({"liver": 1, "tumour": 3}, ["liver", "tumour"])
        {1: 1.0, 2: 3.0}
    """
    if sampling is None:
        return None
    strange = sorted(set(sampling) - set(segments))
    if strange:
        raise MedlabError(
            f"sampling names segments to learn, {', '.join(segments)}, got "
            f"{', '.join(strange)}. Name some of these.",
            code="bad-sampling",
        )
    weights = {
        segments.index(name) + 1: _weight(weight) for name, weight in sampling.items()
    }
    if not any(weights.values()):
        raise MedlabError(
            "sampling says how often each segment comes, got 0 for all. Give at least one "
            "a weight above 0, or leave sampling out.",
            code="bad-sampling",
        )
    return weights


def _weight(weight: Any) -> float:
    fits = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not fits or not np.isfinite(weight) or weight < 0:
        raise MedlabError(
            f"A weight in sampling is a number from 0 on, got {weight!r}.",
            code="bad-sampling",
        )
    return float(weight)


class _Rotation(Iterator[int]):
    """Goes through samples in an order drawn anew each time round."""

    def __init__(self, samples: list[int], random: np.random.Generator) -> None:
        self._samples, self._random = samples, random
        self._left: list[int] = []

    def __next__(self) -> int:
        if not self._left:
            self._left = [int(n) for n in self._random.permutation(self._samples)]
        return self._left.pop()
