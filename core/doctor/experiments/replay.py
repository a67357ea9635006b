"""The newest step, done again on copies: with other inputs, other weights, other learning rates."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..watch.graph import StepGraph
from ..watch.tape import RANDOM, ops_behind, replay

FAULTS = (RuntimeError, ValueError, IndexError, TypeError, AttributeError, NotImplementedError)
"""What torch raises where a step can't be done with other tensors."""
Batch = tuple[tuple[Tensor, ...], Tensor]


@dataclass
class Replay:
    """A step that can be repeated.

    Attributes:
        graph: the step.
        batches: inputs and targets of some steps.
    """

    graph: StepGraph
    batches: list[Batch]

    @property
    def weights(self) -> dict[int, Tensor]:
        """The parameters that the loss is made of and that learn, by id."""
        return {id(t): t for t in self.graph.tape.parameters}

    @property
    def draws(self) -> bool:
        """Whether the step draws its batch by itself, so that each repetition has another one."""
        graph = self.graph
        if graph.targets is None or not graph.inputs:
            return False
        made = ops_behind(graph.tape, [*graph.inputs, graph.targets])
        return any(op.name in RANDOM for op in made)

    def put(self, batch: Batch) -> dict[int, Tensor]:
        """Return what stands for the inputs and targets of the step.

        Raises:
            ValueError: the batch is of another form.
        """
        inputs, targets = batch
        mine = self.graph.inputs
        assert self.graph.targets is not None
        if len(inputs) != len(mine) or any(
            a.shape != b.shape for a, b in zip(inputs, mine, strict=True)
        ):
            raise ValueError("another form")
        if targets.shape != self.graph.targets.shape:
            raise ValueError("another form")
        # Where what is given is what is to be said, as in an autoencoder, the input counts.
        instead = {id(self.graph.targets): targets}
        return instead | {id(a): b for a, b in zip(mine, inputs, strict=True)}

    def loss(self, batch: Batch | None = None, weights: dict[int, Tensor] | None = None) -> Tensor:
        """Return the loss on another batch, with other weights."""
        assert self.graph.tape.root is not None
        instead = self.put(batch) if batch else {}
        return replay(self.graph.tape, (self.graph.tape.root,), {**instead, **(weights or {})})[0]

    def judged(
        self, batch: Batch | None = None, weights: dict[int, Tensor] | None = None
    ) -> Tensor:
        """Return the outputs on another batch, with other weights."""
        assert self.graph.outputs is not None
        instead = self.put(batch) if batch else {}
        return replay(self.graph.tape, (self.graph.outputs,), {**instead, **(weights or {})})[0]

    def copies(self) -> dict[int, Tensor]:
        """Return copies of the weights that can be learned."""
        return {key: t.detach().clone().requires_grad_() for key, t in self.weights.items()}

    def fitting(self) -> list[Batch]:
        """Return the batches that have the form of the step."""
        found = []
        for batch in self.batches:
            try:
                self.put(batch)
            except ValueError:
                continue
            found.append(batch)
        return found

    def descend(
        self,
        copies: dict[int, Tensor],
        batches: Sequence[Batch | None],
        steps: int,
        make: Callable[[list[Tensor]], torch.optim.Optimizer],
        seconds: float,
    ) -> list[float]:
        """Train copies on batches, in turn (None draws one); return the losses, while time is."""
        optimizer = make(list(copies.values()))
        end, losses = time.perf_counter() + seconds, []
        for step in range(steps):
            with torch.enable_grad():
                loss = self.loss(batches[step % len(batches)], copies)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
            if not losses[-1] < 1e9 or time.perf_counter() > end:
                break
        return losses

    @torch.no_grad()
    def mean_loss(self, copies: dict[int, Tensor] | None, batches: Sequence[Batch]) -> float:
        """Return the mean loss over some batches."""
        return float(torch.stack([self.loss(b, copies).float() for b in batches]).mean())
