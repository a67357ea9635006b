"""Repeats the newest step on copies: with other inputs, other weights, other learning rates."""

import copy
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from ...problems import REFUSED
from ...training.shared_state import RandomState
from ..watch.graph import StepGraph
from ..watch.tape import RANDOM, ops_behind, tensors_in
from ..watch.tape_replay import Substitutes, replay
from ..watch.watcher import Batch
from ..watch.work import CALL_SECONDS, SLOWER, clock, step_seconds

REPLAY_ERRORS = (
    RuntimeError,
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
)
"""What torch raises where a step can't be repeated with other tensors."""


KNOWN = (
    (r"does not require grad", "its loss depends on no weight that is trained"),
    (
        r"(positional|keyword) argument",
        "the network takes other arguments than the inputs that were seen",
    ),
    (
        r"values to unpack|must match|cannot be (multiplied|broadcast)|size mismatch|0-d tensor"
        r"|inconsistent tensor size|invalid for (input|a view) of|Dimension out of range"
        r"|shape '\[|Expected input batch_size|is not supported for \dD input",
        "the shapes of its tensors do not fit",
    ),
    (r"index out of range|is out of bounds", "a label or token is none of those that there are"),
    (r"graph a second time", "a part of its graph was freed by an earlier backward pass"),
    ("|".join(map(re.escape, REFUSED)), "there is not enough memory"),
)
"""Parts of messages of torch and Python, and what they mean for a step that is repeated."""


def reason(error: Exception) -> str:
    """Return why something could not be tried, in a line: in words where its kind is known."""
    message = str(error).splitlines()[0].rstrip(".")[:160] if str(error) else type(error).__name__
    if known := next((why for part, why in KNOWN if re.search(part, message, re.IGNORECASE)), ""):
        return known
    if type(error) is ValueError:  # mostly of ours, which are in words
        return message
    return f"{'torch' if isinstance(error, RuntimeError) else 'Python'} says: {message}"


def copy_of(module: nn.Module) -> nn.Module:
    """Return a copy of a network that may keep results of its last step, as for a picture of them.

    torch copies none that has a graph: these come without it.
    """
    kept = [t for part in module.modules() for t in tensors_in(vars(part)) if not t.is_leaf]
    return copy.deepcopy(module, {id(t): t.detach().clone() for t in kept})


@dataclass
class Replay:
    """A step that can be repeated.

    Attributes:
        graph: the step.
        batches: inputs and targets of some steps.
        module: the network, where it is one module with batch norm; None.
        validated: the network, and a copy that is validated in its place; None.
        evaluated: inputs of the network in evaluations, a part of them.
        noted: the last loss that the loop has noted of other data; NaN.
        spent: seconds of a usual core that training copies has taken.
    """

    graph: StepGraph
    batches: list[Batch]
    module: nn.Module | None = None
    validated: tuple[nn.Module, nn.Module] | None = None
    evaluated: Sequence[Tensor] = ()
    noted: float = math.nan
    spent: float = 0.0

    @cached_property
    def step_seconds(self) -> float:
        """Seconds of a usual core that a training step takes."""
        root = self.graph.tape.root
        ops = ops_behind(self.graph.tape, [root] if root is not None else [])
        return step_seconds(ops) + CALL_SECONDS * len(self.parameters)

    @property
    def parameters(self) -> dict[int, Tensor]:
        """The parameters that the loss is made of and that are trained, by id."""
        return {id(t): t for t in self.graph.tape.parameters}

    @property
    def draws_batch(self) -> bool:
        """Whether the step draws its batch itself, so that each repetition has another one."""
        graph = self.graph
        if graph.targets is None or not graph.inputs:
            return False
        made = ops_behind(graph.tape, [*graph.inputs, graph.targets])
        return any(op.name in RANDOM for op in made)

    @property
    def draws_more(self) -> bool:
        """Whether it draws whole numbers beside inputs and targets, such as lengths of rows.

        Then kept batches are none without them.
        """
        graph = self.graph
        known = {id(t) for t in (*graph.inputs, graph.targets)}
        root = graph.tape.root
        behind = ops_behind(graph.tape, [root] if root is not None else [], known)
        return any(op.name in ("randint", "randperm") for op in behind)

    def draw(self) -> Batch:
        """Return the batch of a repetition: its first inputs, and its targets."""
        assert self.graph.targets is not None
        inputs, targets = replay(self.graph.tape, (self.graph.inputs[0], self.graph.targets))
        return (inputs.detach(),), targets.detach()

    def repeat(
        self, wanted: Tensor | None, substitutes: Substitutes, evaluation: bool = False
    ) -> Tensor:
        """Return what a tensor of the step is with other tensors in the place of some."""
        assert wanted is not None
        return replay(self.graph.tape, (wanted,), substitutes, evaluation)[0]

    def substitutes(self, batch: Batch) -> dict[int, Tensor]:
        """Return what replaces the inputs and targets of the step.

        Raises:
            ValueError: the batch is of another shape.
        """
        inputs, targets = batch
        mine, aims = self.graph.inputs, self.graph.targets
        assert aims is not None
        shapes = [t.shape for t in (*mine, aims)]
        if [t.shape for t in (*inputs, targets)] != shapes:
            raise ValueError("another shape")
        # Where the input is the target, as in an autoencoder, the input counts.
        return {id(aims): targets} | {id(a): b for a, b in zip(mine, inputs, strict=True)}

    def loss(
        self, batch: Batch | None = None, parameters: dict[int, Tensor] | None = None
    ) -> Tensor:
        """Return the loss on another batch, with other parameters."""
        given = self.substitutes(batch) if batch else {}
        root = self.repeat(self.graph.tape.root, {**given, **(parameters or {})})
        return root / self.graph.scale

    @torch.no_grad()
    def loss_of(self, module: nn.Module, batch: Batch) -> float:
        """Return the loss of what a module makes of another batch, in the place of the outputs.

        Raises:
            ValueError: that is of another shape.
        """
        outputs = self.graph.outputs
        assert outputs is not None
        fresh = module(*batch[0])
        if fresh.shape != outputs.shape:
            raise ValueError("the module's output is not the one in the loss")
        given = self.substitutes(batch) | {id(outputs): fresh}
        return float(self.repeat(self.graph.tape.root, given))

    def outputs(self, batch: Batch) -> Tensor:
        """Return the outputs on another batch."""
        return self.repeat(self.graph.outputs, self.substitutes(batch))

    def copies(self) -> dict[int, Tensor]:
        """Return copies of the parameters that can be trained."""
        return {key: t.detach().clone().requires_grad_() for key, t in self.parameters.items()}

    def matching_batches(self) -> list[Batch]:
        """Return the batches that have the shape of the step's."""
        found = []
        for batch in self.batches:
            try:
                self.substitutes(batch)
            except ValueError:
                continue
            found.append(batch)
        return found

    def train(
        self,
        copies: dict[int, Tensor],
        batches: Sequence[Batch | None],
        steps: int,
        make_optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
        seconds: float,
        fixed: Substitutes | None = None,
    ) -> list[float]:
        """Train copies on batches in turn (None draws one), and return the losses.

        Args:
            copies: of the parameters.
            batches: that they learn from.
            steps: at most.
            make_optimizer: of the copies.
            seconds: of a usual core, at most.
            fixed: further tensors in the place of some, the same in each step.
        """
        optimizer = make_optimizer(list(copies.values()))
        end, losses = clock() + SLOWER * seconds, list[float]()
        for step in range(min(steps, max(1, int(seconds / self.step_seconds)))):
            with torch.enable_grad():
                loss = self.loss(batches[step % len(batches)], {**(fixed or {}), **copies})
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
            optimizer.step()
            losses.append(float(loss.detach()))
            if not losses[-1] < 1e9 or clock() > end:
                break
        self.spent += len(losses) * self.step_seconds
        return losses

    @torch.no_grad()
    def mean_loss(
        self, batches: Sequence[Batch | None], parameters: dict[int, Tensor] | None = None
    ) -> float:
        """Return the mean loss over some batches; None draws one, the same in each call."""
        random = RandomState.take()
        losses = [self.loss(b, parameters).float() for b in batches]
        random.restore()
        return float(torch.stack(losses).mean())
