"""From cases to batches: what somebody labelled, as arrays a model learns from.

Scans enter in whatever order they were stored, and are turned by their affine to one
canonical order (see `_planes.py`): a model trained on axial slices of one scanner's
files works on another's.

The way of a case: it is read, turned, scaled and resampled once and kept in a cache that is
mapped into memory (`load_cases`); patients are divided, so that nobody is on both sides
(`split`, `folds`); patches are cut from what is learnt (`TrainingBatches`), by threads that
are ahead of the training (`prefetched`). From the division to the last voxel everything is
a pure function of the seed, the epoch and the step.
"""

from medlab.augment import Augmentation
from medlab.data._batches import FixedBatches, TrainingBatches
from medlab.data._case import Case
from medlab.data._cases import (
    IGNORE,
    LabelledScan,
    label_case,
    load_case,
    one_hot_channels,
    prepare_case,
)
from medlab.data._fingerprint import (
    CaseFigures,
    Fingerprint,
    Intensities,
    fingerprint,
)
from medlab.data._load import load_cases
from medlab.data._normalise import Normalisation, normalise
from medlab.data._patients import patient_keys, patient_of
from medlab.data._planes import (
    as_slices,
    canonical_spacing_mm,
    from_canonical,
    from_slices,
    own_axis,
    to_canonical,
)
from medlab.data._prefetch import Prefetched, prefetched
from medlab.data._resample import resample_to, resampled_shape
from medlab.data._sample import (
    Sample,
    fitting_patch,
    present_segments,
    scan_samples,
    slice_samples,
)
from medlab.data._sampling import sampling_weights
from medlab.data._segments import segment_ids, segment_names
from medlab.data._splits import folds, split, split_patients

__all__ = [
    "IGNORE",
    "Augmentation",
    "Case",
    "CaseFigures",
    "Fingerprint",
    "FixedBatches",
    "Intensities",
    "LabelledScan",
    "Normalisation",
    "Prefetched",
    "Sample",
    "TrainingBatches",
    "as_slices",
    "canonical_spacing_mm",
    "fingerprint",
    "fitting_patch",
    "folds",
    "from_canonical",
    "from_slices",
    "label_case",
    "load_case",
    "load_cases",
    "normalise",
    "one_hot_channels",
    "own_axis",
    "patient_keys",
    "patient_of",
    "prefetched",
    "prepare_case",
    "present_segments",
    "resample_to",
    "resampled_shape",
    "sampling_weights",
    "scan_samples",
    "segment_ids",
    "segment_names",
    "slice_samples",
    "split",
    "split_patients",
    "to_canonical",
]
