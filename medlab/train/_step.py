"""The training step: one compiled program, from raw batch to new weights.

`Step` takes the place of the function that Keras' `fit` calls for each batch. What Keras
does in it stays Keras' (`model.train_step`); around that the program augments the batch,
and looks at loss and gradient: where one is no finite number, it gives back the state
it was given, and does so from then on, whatever batches follow. Nothing waits for the
device: who wants to know reads `health` of a step that is surely over.

State is donated: the new weights are written where the old ones lay.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from medlab.backend import jax, keras
from medlab.train._alerts import free_memory, is_out_of_memory

jnp: Any = jax.numpy
Prepare = Callable[[Any], Any]


class TooLarge(Exception):
    """A step that does not fit into memory.

    Args:
        needed: Bytes, by the compiler's count, or None if it could not tell.
        available: Bytes that were free, or None if that is not known.
    """

    def __init__(self, needed: int | None, available: int | None) -> None:
        super().__init__(needed, available)
        self.needed, self.available = needed, available


@dataclass
class Step:
    """Takes the place of a model's `train_function` inside `fit`.

    Args:
        model: Compiled, with its optimiser built.
        prepare: From what the data give to what `model.train_step` takes, traced into
            the program; None if that is the same.

    Attributes:
        compile_s: Seconds that compilation took so far.
        needed: Bytes that a step takes, by the compiler's count; None if unknown.
        waited_s: Seconds so far in which there was nothing to do for want of data.
        done: Steps begun so far.
        health: Of the last step, on the device: `(3,)` loss, length of the gradient,
            and whether the weights were held back since they would not be finite.
    """

    model: keras.Model
    prepare: Prepare | None = None
    compile_s: float = 0.0
    needed: int | None = None
    waited_s: float = 0.0
    done: int = 0
    health: Any = None

    def __post_init__(self) -> None:
        self._programs: dict[Any, Any] = {}
        self._halted = jnp.zeros((), bool)

    def __call__(self, state: Any, data: Iterator[Any]) -> tuple[Any, Any]:
        """Do one step, as Keras' own `train_function` does: logs and state."""
        batch = self._next(data)
        program = self._program(state, batch)
        try:
            logs, state, self._halted, self.health = program(state, self._halted, batch)
        except Exception as error:
            if is_out_of_memory(error):
                raise TooLarge(self.needed, None) from error
            raise
        self.done += 1
        return logs, state

    @contextlib.contextmanager
    def installed(self) -> Iterator["Step"]:
        """Be the step of `model.fit` inside the `with` block."""
        self.model.train_function = self
        try:
            yield self
        finally:
            self.model.train_function = None

    def _next(self, data: Iterator[Any]) -> Any:
        began = time.monotonic()
        batch = next(data)
        # While a step before this one still computes, nobody has waited for data.
        if self.health is not None and self.health.is_ready():
            self.waited_s += time.monotonic() - began
        return batch

    def _program(self, state: Any, batch: Any) -> Any:
        shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(batch))
        if shapes not in self._programs:
            began = time.monotonic()
            self._programs[shapes] = self._compile(state, batch)
            self.compile_s += time.monotonic() - began
        return self._programs[shapes]

    def _compile(self, state: Any, batch: Any) -> Any:
        shardings = None
        if keras.distribution.distribution() is not None:
            # The new weights lie where the old ones lay: on all devices alike.
            spec = jax.tree.map(lambda leaf: leaf.sharding, state)
            shardings = (None, spec, None, None)
        program = jax.jit(self._step, donate_argnums=0, out_shardings=shardings)
        try:
            compiled = program.lower(state, self._halted, batch).compile()
        except Exception as error:
            if is_out_of_memory(error):
                raise TooLarge(self.needed, None) from error
            raise
        self._weigh(compiled)
        return compiled

    def _weigh(self, compiled: Any) -> None:
        """Refuse a program that cannot fit, before the system kills the process."""
        memory = compiled.memory_analysis()
        if memory is None:  # not every kind of device counts
            return
        fresh = memory.temp_size_in_bytes + memory.output_size_in_bytes
        fresh -= memory.alias_size_in_bytes
        self.needed = int(fresh + memory.argument_size_in_bytes)
        free = free_memory(jax.local_devices()[0])
        if free is not None and fresh > free:
            raise TooLarge(self.needed, free)

    def _step(self, state: Any, halted: Any, batch: Any) -> Any:
        data = self.prepare(batch) if self.prepare is not None else batch
        with _noted_gradients(self.model.optimizer) as norms:
            logs, new = self.model.train_step(state, data)
        loss = jnp.asarray(logs.get("loss", 0.0), "float32")
        # Without a gradient in sight (a step of the user's own), the loss must tell.
        norm = norms[0] if norms else jnp.zeros(())
        halted = halted | ~jnp.isfinite(loss) | ~jnp.isfinite(norm)
        kept = jax.tree.map(lambda old, now: jnp.where(halted, old, now), state, new)
        health = jnp.stack([loss, norm, halted.astype("float32")])
        return logs, kept, halted, health


@contextlib.contextmanager
def _noted_gradients(optimizer: Any) -> Iterator[list[Any]]:
    """Note, while a step is traced, the length of the gradient it applies."""
    norms: list[Any] = []
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        yield norms  # it looks for infinite gradients itself, and expects some
        return
    apply = optimizer.stateless_apply

    def noted(variables: Any, gradients: Any, trainable: Any) -> Any:
        squares = [
            jnp.sum(jnp.square(jnp.asarray(g, "float32")))
            for g in gradients
            if g is not None
        ]
        norms.append(jnp.sqrt(sum(squares)))
        return apply(variables, gradients, trainable)

    optimizer.stateless_apply = noted
    try:
        yield norms
    finally:
        del optimizer.stateless_apply
