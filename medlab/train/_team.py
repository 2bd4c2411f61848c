"""A team: several processes, on one machine or many, that train one model together.

Every process is started with the same recipe and its own number, reads the same scans,
and computes the same batches; each then learns from its rows of them. JAX sums the
gradients, so that all hold the same weights after every step, and a team of any size
takes the steps that one process with the same batch takes, up to rounding.

The first process leads: it alone writes the run folder, and hears commands. Whatever
hangs on time or on a file (a command, a checkpoint that is due) is the leader's word,
sent to all, so that all act on it at the same step. When a process dies, the sums of the
others fail at once, and they stop.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from medlab import ops
from medlab.augment import IGNORE
from medlab.backend import jax, keras
from medlab.errors import MedlabError
from medlab.train._log import RunLog

_WORD_BYTES = 4096
_HEARTBEAT_S = 10


@dataclass(frozen=True)
class Team:
    """Who takes part.

    Args:
        size: How many processes.
        number: Of this one, from 0, who leads.
    """

    size: int = 1
    number: int = 0

    @property
    def leads(self) -> bool:
        return self.number == 0

    def rows(self, batch: Any) -> Any:
        """Of each array of a batch, the rows that this process learns from."""
        if self.size == 1:
            return batch
        return jax.tree.map(self._share, batch)

    def check_batch(self, batch: int) -> None:
        """Raise a `MedlabError` unless the batch can be divided evenly."""
        devices = jax.device_count() if self.size > 1 else 1
        if batch % devices:
            raise MedlabError(
                f"A batch is divided evenly among {devices} devices, got a batch of "
                f"{batch}. Set batch to a multiple of {devices}.",
                code="bad-batch",
            )

    def _share(self, array: Any) -> Any:
        each = len(array) // self.size
        return array[self.number * each : (self.number + 1) * each]


ALONE = Team()


class RowsOf(keras.utils.PyDataset):  # type: ignore[misc]
    """Of each batch for validation, the rows of one process.

    Args:
        batches: Images and labels; each batch is filled up, with labels to ignore, to
            what can be divided evenly.
        team: Of which this process is one.
    """

    def __init__(self, batches: Any, team: Team) -> None:
        super().__init__(workers=0)
        self._batches, self._team = batches, team

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        images, labels = self._batches[index]
        missing = -len(images) % jax.device_count()
        more = [(0, missing)]
        images = np.pad(images, more + [(0, 0)] * (images.ndim - 1))
        labels = np.pad(
            labels, more + [(0, 0)] * (labels.ndim - 1), constant_values=IGNORE
        )
        rows: tuple[Any, Any] = self._team.rows((images, labels))
        return rows


def join(coordinator: str, size: int, number: int) -> Team:
    """Become one process of a team; waits until all have come.

    Before anything is computed: JAX must not have looked for its devices yet.

    Args:
        coordinator: `host:port` at which the first process listens.
        size: How many processes.
        number: Of this one, from 0.

    Raises:
        MedlabError: If the numbers make no sense, or the others do not come.
    """
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdigit() and 0 <= number < size):
        raise MedlabError(
            "A team needs --coordinator host:port, --num-processes N and --process-id "
            f"from 0 to N - 1, got {coordinator!r}, {size} and {number}.",
            code="bad-team",
        )
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes=size,
            process_id=number,
            # Not on every address of the machine: on the one that was named.
            coordinator_bind_address=coordinator,
            heartbeat_timeout_seconds=_HEARTBEAT_S,
            initialization_timeout=120,
            shutdown_timeout_seconds=60,
        )
    except Exception as error:
        raise MedlabError(
            f"The {size} processes of the team did not meet at {coordinator} within two "
            f"minutes: {' '.join(str(error).split())[:200]}. Start all of them, with "
            "the same coordinator, and check that its port can be reached.",
            code="no-team",
        ) from None
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(
            devices=keras.distribution.list_devices(), auto_shard_dataset=False
        )
    )
    return Team(size, number)


def agree(value: Any) -> Any:
    """Give every process what the leader holds: a plain value, short as JSON."""
    from jax.experimental import multihost_utils

    word = json.dumps(value).encode()
    if len(word) > _WORD_BYTES:
        raise MedlabError(
            f"At most {_WORD_BYTES} bytes are agreed upon at a time, got {len(word)}. "
            "Send fewer commands at once.",
            code="too-long",
        )
    padded = np.frombuffer(word.ljust(_WORD_BYTES), np.uint8)
    told = np.asarray(multihost_utils.broadcast_one_to_all(padded))
    return json.loads(told.astype(np.uint8).tobytes())


class LeaderLog(RunLog):
    """The log of a team's run; what it hears, all hear."""

    def commands(self) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = agree(super().commands())
        return heard

    def agree(self, value: Any) -> Any:
        return agree(value)


class FollowerLog(RunLog):
    """Keeps step with the leader's log, and writes nothing."""

    writes = False

    def commands(self) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = agree(None)
        return heard

    def agree(self, value: Any) -> Any:
        return agree(None)


@contextlib.contextmanager
def in_step(team: Team, run: str = "") -> Iterator[None]:
    """Train as a team inside the `with` block; say what to do if another process ends.

    Args:
        team: Of which this process is one.
        run: Id of the run, to name how to go on.
    """
    if team.size == 1:
        yield
        return
    # XLA divides its own convolution among devices, not a call into a library.
    with ops.with_path("stock"):
        try:
            yield
        except Exception as error:
            if not _is_broken(error):
                raise
            raise MedlabError(
                f"Another of the {team.size} processes ended, so this one stopped too. "
                f"Start all of them again with --resume {run}: they go on from the "
                "last checkpoint.",
                code="team-broken",
            ) from None


def leave(error: Exception) -> NoReturn:
    """End this process at once: JAX would wait for the others, and they for it."""
    print(error, file=sys.stderr, flush=True)
    os._exit(1)


def kind_of_log(team: Team) -> type[RunLog]:
    """The log that a process of a team keeps."""
    if team.size == 1:
        return RunLog
    return LeaderLog if team.leads else FollowerLog


def folder_of_all(team: Team, folder: Path | None, root: Path) -> Path:
    """Find the run folder that the leader made, in the runs below `root`."""
    if team.size == 1 and folder is not None:
        return folder
    name = agree(folder.name if folder is not None else None)
    found = root / str(name)
    if not (found / "run.json").is_file():
        raise MedlabError(
            f"The leader's run {name} is not below this process's .medlab. All "
            "processes need the same folder: a shared disk, or MEDLAB_HOME.",
            code="no-shared-folder",
        )
    return found


def _is_broken(error: Exception) -> bool:
    """Whether `error` tells of a sum that another process did not take part in.

    JAX raises its own RuntimeError where it runs the sum, but a plain ValueError where
    it waits for the array that should have come of it.
    """
    if isinstance(error, MedlabError) or not isinstance(
        error, RuntimeError | ValueError
    ):
        return False
    told = str(error)
    signs = ("Gloo", "Connection closed by peer", "NCCL", "coordination service")
    return any(sign in told for sign in signs)
