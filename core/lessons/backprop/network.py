"""The MLP with batch norm of makemore, part 4: its parameters, a batch, and the forward pass.

In the comments V is the alphabet (27), B the batch (32), C the context (3), E the embedding (10),
H the hidden layer (64). All numbers are doubles, so that only rounding is small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ...expressions.tensor_parser import parse_tensor
from ...expressions.tensor_program import Known, TensorProgram
from ...playgrounds.names import wordlist
from ...playgrounds.names.encode import windows
from .steps import FORWARD

BATCH, CONTEXT, EMBEDDING, HIDDEN = 32, 3, 10, 64
NAMES = 5000
"""Training names that batches are drawn from: some 35,000 windows."""
SEED = 2147483647
"""The lecture's."""


@dataclass(frozen=True)
class LetterWindows:
    """Windows of the bundled names: inputs (N, C) and the letter that follows each (N,)."""

    inputs: Tensor
    targets: Tensor
    letters: int
    """How many letters there are, the end mark among them."""


@cache
def examples() -> LetterWindows:
    """Return the training examples of the bundled names."""
    names = wordlist.bundled()
    found = windows(names.train[:NAMES], names.alphabet, CONTEXT)
    return LetterWindows(found.inputs.long(), found.targets.long(), len(names.alphabet))


def initial_parameters(letters: int) -> dict[str, Tensor]:
    """Return the parameters as the lecture draws them: biases and gains a little off 0 and 1."""
    random = torch.Generator().manual_seed(SEED)
    width = CONTEXT * EMBEDDING

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    return {
        "C": drawn(letters, EMBEDDING),  # (V, E)
        "W1": drawn(width, HIDDEN) * (5 / 3) / width**0.5,  # (C * E, H)
        "b1": drawn(HIDDEN) * 0.1,  # (H,)
        "W2": drawn(HIDDEN, letters) * 0.1,  # (H, V)
        "b2": drawn(letters) * 0.1,  # (V,)
        "bngain": drawn(1, HIDDEN) * 0.1 + 1.0,  # (1, H)
        "bnbias": drawn(1, HIDDEN) * 0.1,  # (1, H)
    }


def batch(random: torch.Generator) -> dict[str, Tensor]:
    """Draw a batch: Xb (B, C) and Yb (B,)."""
    known = examples()
    chosen = torch.randint(len(known.inputs), (BATCH,), generator=random)
    return {"Xb": known.inputs[chosen], "Yb": known.targets[chosen]}


def known_of(tensors: Mapping[str, Tensor]) -> dict[str, Known]:
    """Return the names of tensors with their shapes, and ``n``, the examples of a batch."""
    return {"n": Known((), number=float(BATCH))} | {
        name: Known.of(tensor) for name, tensor in tensors.items()
    }


@cache
def _lines() -> tuple[tuple[str, TensorProgram], ...]:
    """Return the forward pass line by line; the shapes are those of any batch."""
    given = initial_parameters(examples().letters) | batch(torch.Generator().manual_seed(SEED))
    known, made = known_of(given), []
    for name, formula in FORWARD:
        program = parse_tensor(formula, known)
        known[name] = Known(program.shape)
        made.append((name, program))
    return tuple(made)


def forward(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return every tensor of the forward pass.

    Args:
        given: the parameters, Xb and Yb.
    """
    tensors = dict(given)
    for name, program in _lines():
        tensors[name] = program.compute(tensors)
    return tensors


@dataclass(frozen=True)
class ForwardPass:
    """One batch forward, and autograd's gradient of everything on the way.

    Attributes:
        tensors: by name: parameters, Xb, Yb and all intermediates.
        gradients: autograd's, by the tensor's name.
    """

    tensors: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


@cache
def first_batch() -> ForwardPass:
    """Return the batch that the gradients are typed for."""
    given = initial_parameters(examples().letters)
    for parameter in given.values():
        parameter.requires_grad_()
    tensors = forward(given | batch(torch.Generator().manual_seed(SEED)))
    names = [name for name in tensors if tensors[name].requires_grad and name != "loss"]
    found = torch.autograd.grad(tensors["loss"], [tensors[name] for name in names])
    gradients = dict(zip(names, found, strict=True))
    return ForwardPass({name: t.detach() for name, t in tensors.items()}, gradients)
