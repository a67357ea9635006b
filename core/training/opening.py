"""Opening a checkpoint: its network with its weights, its layers under probes, its evaluation."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..layers import size_of
from ..telemetry.events import Array, DataDescribed, Evaluated, Event, Loaded, Started, Weights
from ..telemetry.probes import describe, probe_batch
from .checkpoint import Checkpoint
from .device import use_threads
from .evaluation import interruptible

if TYPE_CHECKING:
    from torch import nn

    from ..playground import Playground, Vocabulary
    from .recipe import Recipe

CPU = torch.device("cpu")
PROBED = 256  # examples


def describe_run(
    playground: "Playground",
    recipe: "Recipe",
    model: "nn.Module",
    vocabulary: "Vocabulary",
    *,
    device: str,
    dataset: str,
    step: int,
    note: str = "",
) -> Started:
    """Return what is trained, or was: the description of a started run."""
    return Started(
        playground=playground.name,
        model=str(recipe.to_dict()["model"]),
        device=device,
        dataset=dataset,
        parameters=size_of(model),
        layers=describe(model),
        uniform_loss=playground.uniform_loss(recipe, vocabulary),
        vocabulary=vocabulary,
        step=step,
        note=note,
    )


def _as_it_is(tensor: torch.Tensor) -> Array:
    """Return a tensor's own numbers as an array that can't be written to."""
    array: Array = tensor.detach().numpy().view()
    array.flags.writeable = False
    return array


def open_checkpoint(path: Path, checkpoint: Checkpoint, data: Any) -> Iterator[Event]:
    """Open a checkpoint for use, on the CPU.

    Args:
        path: where it lies.
        checkpoint: what is in it.
        data: what its playground loaded.

    Yields:
        Loaded, then DataDescribed, a Snapshot of one batch (where it has gradients), and Evaluated.

    Raises:
        UserError: the data has what the vocabulary lacks.
        CancelledError: nobody waits for it any more (:mod:`core.interruption`).
    """
    playground, recipe = checkpoint.playground, checkpoint.recipe
    vocabulary, about = checkpoint.vocabulary, checkpoint.about
    model, step = checkpoint.model(), about["steps"]
    use_threads(model, CPU)
    started = describe_run(
        playground, recipe, model, vocabulary, device="cpu", dataset=about["dataset"], step=step
    )
    # No copies: nobody trains this one, and it may be half a gigabyte.
    weights = Weights(step, {name: _as_it_is(t) for name, t in model.state_dict().items()})
    yield Loaded(str(path), recipe.to_dict(), started, weights, dict(about))
    yield DataDescribed(playground.describe_data(data, vocabulary, recipe))

    def loss() -> torch.Tensor:
        examples = playground.prepare(data, recipe, vocabulary, CPU)
        indices = torch.randperm(len(examples))[: min(PROBED, recipe.batch_size)]
        inputs, targets = examples.batch(indices, recipe, torch.Generator())
        return playground.loss(recipe, model(inputs), targets)

    if not hasattr(model, "observe"):  # a model that counts has no gradients
        with interruptible(model):
            snapshot = probe_batch(model, loss, step)
        yield snapshot
    with interruptible(model):
        numbers, details = playground.validate(model, data, recipe, playground.quick_eval_examples)
    yield Evaluated(step, 0.0, numbers, details)
