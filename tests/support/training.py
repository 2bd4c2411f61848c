"""A case to train on in seconds, trainers that may be killed, and what is left of them.

`python -m tests.support.training` is the host of trainers: it has imported Keras and
forks one trainer for each line on its standard input, so that a test can kill many and
wait for imports once. It must not itself begin to compute: JAX does not survive a fork.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nibabel as nib
import numpy as np

_TIMES = ("t", "seconds", "wait_share")


def write_case(folder, *, size=16, slices=6):
    """Write `scan.nii` and `labels.nii`: two balls, a left one and a right one."""
    grid = np.indices((size, size, slices)).astype(float)
    voxels = np.random.default_rng(0).normal(0, 20, grid.shape[1:])
    labels = np.zeros(voxels.shape, np.uint8)
    for number, middle in ((1, 4), (2, 11)):
        far = np.hypot(grid[0] - middle, grid[1] - size / 2)
        labels[far < 3] = number
    voxels[labels > 0] += 300
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    nib.save(nib.Nifti1Image(voxels.astype(np.int16), affine), folder / "scan.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / "labels.nii")
    return labels


def end_of(folder):
    """What a run came to: the SHA-256 of all arrays of its last checkpoint, the best
    ones too, where it stands, and its epochs without their times."""
    from medlab.train import runs
    from medlab.train._checkpoint import find_checkpoint

    arrays, position = find_checkpoint(folder / "checkpoints")
    best = position.pop("best_arrays", {})
    digest = hashlib.sha256()
    for name, array in [*sorted(arrays.items()), *sorted(best.items())]:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    del position["lines"]
    epochs = [
        {name: value for name, value in line.items() if name not in _TIMES}
        for line in runs.read_history(folder)
        if line["kind"] == "epoch"
    ]
    return {"sha256": digest.hexdigest(), "position": position, "epochs": epochs}


class TrainerHost:
    """Runs `python -m tests.support.training`, in a workplace of its own.

    Args:
        folder: The working folder; holds the cases and `.medlab`.
        convolutions: For `MEDLAB_CONVOLUTIONS`.
    """

    def __init__(self, folder, convolutions="stock"):
        root = Path(__file__).parents[2]
        environment = {
            **os.environ,
            "MEDLAB_HOME": str(folder / ".medlab"),
            "MEDLAB_CONVOLUTIONS": convolutions,
            "PYTHONPATH": str(root),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.training"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "host.log").open("w"),
            cwd=folder,
            env=environment,
            text=True,
        )

    def do(self, what, **args):
        """Have something done in a fork: how that ended, as from `os.waitpid`."""
        self.begin(what, **args)
        return self.end()

    def begin(self, what, **args):
        """Begin it; returns the fork's process id."""
        self._process.stdin.write(json.dumps({"what": what, **args}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self):
        """Wait for what was begun."""
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)


def train_run(run, again=False, kill_step=None, kill_after=False, kill_s=None):
    """Train a queued run, or go on with one, to its end or to its own kill."""
    from medlab.scans import find_home
    from medlab.train import runs
    from medlab.train._log import queue_again
    from medlab.train._steering import Steering
    from medlab.train._trainer import work

    own = Steering.on_train_batch_end

    def dies(self, batch, logs=None):
        if kill_s is not None and not doomed.is_alive():
            doomed.start()
        if not kill_after and self.step + 1 == kill_step:
            _die()
        own(self, batch, logs)
        if kill_after and self.step == kill_step:
            _die()

    doomed = threading.Timer(kill_s or 0, _die)
    doomed.daemon = True
    if kill_step is not None or kill_s is not None:
        Steering.on_train_batch_end = dies
    home = find_home()
    folder = runs.run_folder(home, run)
    if again:
        queue_again(folder)
    work(folder, home, again=again)


def save_for_ever(folder, size, first):
    """Save checkpoint upon checkpoint: arrays of one value each, that of the step."""
    from medlab.train._checkpoint import Snapshot, write_checkpoint

    for step in range(first, sys.maxsize):
        arrays = {f"model/{n:04d}": np.full(size, step, "f4") for n in range(4)}
        best = (step - step % 3, {"model/0000": np.full(size, step - step % 3, "f4")})
        write_checkpoint(Path(folder), Snapshot(arrays, {"step": step}, best))


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def _serve():
    import medlab.train._trainer  # noqa: F401

    what = {"train": train_run, "save": save_for_ever}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        job = what[order.pop("what")]
        pid = os.fork()
        if pid == 0:
            status = 1
            with contextlib.suppress(SystemExit):
                try:
                    job(**order)
                    status = 0
                finally:
                    sys.stdout.flush()
                    os._exit(status) if status == 0 else _say_why()
            os._exit(1)
        out.write(f"{pid}\n")
        out.flush()
        out.write(f"{os.waitpid(pid, 0)[1]}\n")
        out.flush()


def _say_why():
    import traceback

    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


def random_moment(chance: random.Random, shortest_s: float, longest_s: float) -> None:
    """Wait for some time between the two."""
    time.sleep(chance.uniform(shortest_s, longest_s))


if __name__ == "__main__":
    _serve()
