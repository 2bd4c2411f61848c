"""Batches computed ahead are those computed in place, and leave no thread behind."""

import gc
import hashlib
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from medlab.data import Sample, TrainingBatches, prefetched
from medlab.errors import MedlabError


def batches(steps=5, **changes):
    random = np.random.default_rng(0)
    samples = [
        Sample(
            random.normal(size=(12, 11, 10, 2)).astype(np.float32),
            random.integers(0, 3, (12, 11, 10)).astype(np.uint8),
            case=number,
        )
        for number in range(4)
    ]
    settings = {"patch": (8, 8, 8), "batch": 2, "steps": steps, "seed": 3, **changes}
    return TrainingBatches(samples, **settings)


def digest(source, count=12):
    told = hashlib.sha256()
    for _ in range(count):
        for array in next(source):
            told.update(np.ascontiguousarray(array).data)
    return told.hexdigest()


def own_threads():
    return [t for t in threading.enumerate() if t.name.startswith("medlab-batches")]


def no_threads_left(timeout_s=5.0):
    end = time.monotonic() + timeout_s
    while own_threads() and time.monotonic() < end:
        time.sleep(0.01)
    return not own_threads()


class Slow:
    """Each batch takes 50 ms, as of a slow disk."""

    steps = 100

    def raw(self, epoch, step):
        time.sleep(0.05)
        if step == 7:
            raise MedlabError("Batch 7 is bad.", code="batch-failed")
        return epoch, step


@pytest.mark.parametrize("start", [0, 7])
def test_any_number_of_workers_gives_the_same_bytes(start):
    found = set()
    for workers in (0, 1, 2, 4):
        with prefetched(batches(), start, workers, depth=3) as ahead:
            found.add(digest(ahead))
            assert ahead.step == start + 12
    assert len(found) == 1


def test_going_on_gives_the_batches_there_would_have_been():
    with prefetched(batches(), 0, 2) as whole:
        for _ in range(6):
            next(whole)
        rest = digest(whole)
    with prefetched(batches(), 6, 4) as resumed:
        assert digest(resumed) == rest


def test_augmented_batches_can_be_computed_ahead_too():
    made = batches(augmentation={"preset": "none", "flip_p": 0.5})
    with prefetched(made, 2, 2, take=made.batch) as ahead:
        for got, wanted in zip(next(ahead), made.batch(0, 2), strict=True):
            np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))


def test_a_step_that_takes_its_time_does_not_wait():
    with prefetched(Slow(), 10, workers=2, depth=4) as ahead:
        next(ahead)
        waited = ahead.waited_s
        for _ in range(5):
            time.sleep(0.06)
            next(ahead)
    assert 0.04 < waited < ahead.waited_s + 1e-9
    assert ahead.waited_s - waited < 0.1  # five batches in place would be 0.25 s


def test_an_error_comes_at_its_step_and_ends_the_threads():
    ahead = prefetched(Slow(), 4, workers=3, depth=6)
    assert [next(ahead) for _ in range(3)] == [(0, 4), (0, 5), (0, 6)]
    with pytest.raises(MedlabError, match="Batch 7 is bad"):
        next(ahead)
    assert no_threads_left()
    with pytest.raises(StopIteration):
        next(ahead)


def test_an_error_tells_the_case_and_the_step():
    made = batches()
    broken = made._samples[2]
    object.__setattr__(broken, "image", broken.image[..., :1][:3])
    with prefetched(made, 0, 2) as ahead, pytest.raises(MedlabError) as caught:
        for _ in range(5):
            next(ahead)
    told = caught.value.told
    assert caught.value.code == "batch-failed"
    assert told["case"] == 2
    assert 2 in made.cases(told["epoch"], told["step"])
    assert f"case 3 gave ValueError at step {told['step'] + 1} of epoch 1" in str(
        caught.value
    )


def test_closing_dropping_and_failing_leave_no_thread():
    with prefetched(Slow(), 10, 2) as ahead:
        next(ahead)
    assert no_threads_left()
    ahead = prefetched(Slow(), 10, 2)
    next(ahead)
    del ahead
    gc.collect()
    assert no_threads_left()
    with pytest.raises(KeyboardInterrupt), prefetched(Slow(), 10, 2) as ahead:
        next(ahead)
        raise KeyboardInterrupt
    assert no_threads_left()


def test_a_program_interrupted_in_the_middle_ends_at_once():
    program = (
        "import os, signal, threading, time\n"
        "from medlab.data._prefetch import prefetched\n"
        "class Slow:\n"
        "    steps = 9\n"
        "    def raw(self, epoch, step):\n"
        "        time.sleep(0.2)\n"
        # A program started in the background may have been told to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "ahead = prefetched(Slow(), 0, 4, 8)\n"
        "next(ahead)\n"
        "threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "while True:\n"
        "    next(ahead)\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert "KeyboardInterrupt" in done.stderr
    assert time.monotonic() - began < 50
