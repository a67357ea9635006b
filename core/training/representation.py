"""What a layer makes of examples: their activations as points, one an example."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..layers import layers_of
from ..projection import Components, principal_components
from ..telemetry.events import Answer, Event, frozen
from .evaluation import at_once, evaluation_mode, place_of

TOPIC = "representation"
INPUT = "input"
"""The place of the inputs themselves, before the first layer."""
CHUNK = 250  # examples at once


@dataclass(frozen=True)
class Representation:
    """Examples as a network represents them at a place.

    Attributes:
        place: ``INPUT``, or one of :func:`places_of`.
        components: the activations (N, H) along their principal components; None where some are
            not finite.
        seconds: that the answer took, which a training was held up for.
    """

    place: str
    components: Components | None
    seconds: float


def places_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the places at which a network's layers can be looked at, from the first to the last.

    The last one is the output. What stands for the one before it is what the output layer reads:
    the last hidden layer, after pooling, norm and whatever else lies between.

    Args:
        names: of its layers, in order. Those of a transformer's block count as one: what is looked
            at is the residual stream behind it. Positions are left out: they are no example's own.
    """
    whole = (".".join(n.split(".")[:2]) if n.startswith("blocks.") else n for n in names)
    return tuple(dict.fromkeys(name for name in whole if name != "position"))


@torch.no_grad()
def activations(model: nn.Module, place: str, batches: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return what stands at a place for each example, (N, H), flattened, and the outputs (N, K).

    Of a model that reads sequences whole it is what stands at the last token.

    Args:
        model: is left as it was.
        place: ``INPUT``, or one of :func:`places_of`.
        batches: prepared inputs, (B, ...) each; those of one batch are of one length.
    """
    names = list(layers_of(model))
    places = places_of(names)
    found: list[Tensor] = []
    outputs: list[Tensor] = []

    def last(x: Tensor) -> Tensor:
        return (x[:, -1] if getattr(model, "whole", False) else x.flatten(1)).float()

    def keep_input(module: nn.Module, inputs: tuple[Tensor]) -> None:
        found.append(last(inputs[0]))

    def keep_output(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        found.append(last(output))

    if place == INPUT:
        hook = model.register_forward_pre_hook(keep_input)
    elif len(places) > 1 and place == places[-2]:
        hook = model.get_submodule(names[-1]).register_forward_pre_hook(keep_input)
    else:
        hook = model.get_submodule(place).register_forward_hook(keep_output)
    size = at_once(CHUNK, getattr(model, "widest", 0.0))
    try:
        with evaluation_mode(model):
            for batch in batches:
                for part in torch.split(batch.to(place_of(model)), size):
                    outputs.append(last(model(part)))
    finally:
        hook.remove()
    return torch.cat(found), torch.cat(outputs)


def answer(
    model: nn.Module, step: int, place: str, batches: Sequence[Tensor], **about: object
) -> Event:
    """Answer a question about a place, with what else is to be known of the examples.

    The answer's ``answers`` (N,) are the largest of each example's outputs.
    """
    begin = time.perf_counter()
    found, outputs = activations(model, place, batches)
    answers = frozen(outputs.argmax(1))
    return answer_points(step, place, found, begin, answers=answers, **about)


def answer_points(
    step: int, place: str, points: Tensor, begin: float | None = None, **about: object
) -> Event:
    """Answer with points (N, H) that stand at a place, found since ``begin``, if that took long."""
    begin = time.perf_counter() if begin is None else begin
    sound = bool(points.isfinite().all())
    components = principal_components(frozen(points)) if sound else None
    found = Representation(place, components, time.perf_counter() - begin)
    return Answer(TOPIC, step, {"representation": found, **about})
