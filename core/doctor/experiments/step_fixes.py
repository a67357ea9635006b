"""Proved fixes of a watched loop: its step is repeated on copies, with a fix and without.

Both copies begin with the weights that the loop began with, and learn from the batches that were
kept; every third of these is kept back, so that it is new to both.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..diagnosis import Proof
from ..evidence import Evidence
from ..watch.observation import Observation, ObservedParameter
from ..watch.tape import ops_behind
from ..watch.watcher import Batch
from .proved_fixes import MOST_CAUSES, not_tried, proof_of, steps_for, train_pair
from .replay import REPLAY_ERRORS, Replay, reason
from .step_experiments import optimizer_like

HELD_BACK = 3
"""Every so-many-th batch is new data."""
FEWEST_BATCHES = 6
CLIP = 1.0
GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2)}
"""Of the first weights before a nonlinearity (He et al. 2015; makemore, part 3)."""
SECONDS = 4.0
"""For one fix, at most."""

Loss = Callable[[Batch | None, dict[int, Tensor]], Tensor]


@dataclass(frozen=True)
class StepSettings:
    """How a copy trains.

    Attributes:
        start: its first weights, by the id of the parameter.
        lr: its learning rate.
        loss: what is minimised; of a batch, with some weights.
        sign: -1 where it is maximised.
        zeroed: whether gradients are zeroed before each step.
        clip: the largest norm of the gradient; 0 for none.
        trained: ids of the parameters that are updated.
        prepare: what is done with a batch first.
    """

    start: Mapping[int, Tensor]
    lr: float
    loss: Loss
    sign: float = 1.0
    zeroed: bool = True
    clip: float = 0.0
    trained: frozenset[int] = frozenset()
    prepare: Callable[[Batch], Batch] = field(default=lambda batch: batch)


class StepArm:
    """A copy that repeats a step.

    Args:
        settings: how it trains.
        seen: the step, as it was observed.
        batches: what it learns from, in turn.
        held: new data.
        judge: the loss by which it is measured.
    """

    def __init__(
        self,
        settings: StepSettings,
        seen: Observation,
        batches: Sequence[Batch],
        held: Sequence[Batch],
        judge: Loss,
    ) -> None:
        self._settings, self._judge = settings, judge
        self._batches = [settings.prepare(batch) for batch in batches]
        self._held = [settings.prepare(batch) for batch in held]
        self._copies = {
            key: tensor.detach().clone().requires_grad_() for key, tensor in settings.start.items()
        }
        weights = [t for key, t in self._copies.items() if key in settings.trained]
        self._weights = weights
        self._optimizer = optimizer_like(seen, settings.lr)(weights)
        self._done = 0

    def step(self, progress: float) -> Tensor:
        """Do one step; return its loss."""
        batch = self._batches[self._done % len(self._batches)]
        self._done += 1
        with torch.enable_grad():
            loss = self._settings.loss(batch, self._copies)
            if self._settings.zeroed:
                self._optimizer.zero_grad(set_to_none=True)
            (self._settings.sign * loss).backward()  # type: ignore[no-untyped-call]
        if self._settings.clip:
            torch.nn.utils.clip_grad_norm_(self._weights, self._settings.clip)
        self._optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def losses(self) -> list[float]:
        """Return the loss of each batch of new data."""
        return [float(self._judge(batch, self._copies)) for batch in self._held]


@dataclass(frozen=True)
class _Fix:
    """A fix in words, both sides, and the loss that judges them."""

    words: str
    unfixed: StepSettings
    fixed: StepSettings
    judge: Loss


def prove_steps(
    replay: Replay,
    evidence: Evidence,
    causes: Sequence[str],
    names: Mapping[int, str],
    first: Mapping[str, Tensor],
    budget: float,
) -> None:
    """Try the fixes of some causes of a watched loop, and add to the evidence what that proves.

    Args:
        replay: the step.
        evidence: takes the proofs.
        causes: the ids of what is wrong, the likeliest first.
        names: of the parameters, by their ids.
        first: the weights that the loop began with, by their names.
        budget: seconds.
    """
    begin = time.perf_counter()
    known = [cause for cause in causes if cause in FIXES][:MOST_CAUSES]
    for place, cause in enumerate(known):
        left = begin + budget - time.perf_counter()
        share = min(SECONDS, left / (len(known) - place))
        try:
            evidence.proofs[cause] = _prove(replay, evidence, cause, names, first, share)
        except REPLAY_ERRORS as error:
            evidence.proofs[cause] = not_tried(f"The step could not be repeated: {reason(error)}.")


def _prove(
    replay: Replay,
    evidence: Evidence,
    cause: str,
    names: Mapping[int, str],
    first: Mapping[str, Tensor],
    seconds: float,
) -> Proof:
    seen = evidence.last
    assert seen is not None
    batches = replay.matching_batches()
    if len(batches) < FEWEST_BATCHES:
        return not_tried(f"Only {len(batches)} batches of one shape were kept.")
    held = batches[::HELD_BACK]
    trained = [batch for place, batch in enumerate(batches) if place % HELD_BACK]
    start = {key: first.get(names.get(key, ""), t) for key, t in replay.parameters.items()}
    if any(start[key].shape != t.shape for key, t in replay.parameters.items()):
        return not_tried("The weights have another shape than at the beginning.")
    sign = float(seen.criterion.sign)
    lr = seen.lr
    if not (math.isfinite(lr) and lr > 0):
        return not_tried("Its learning rate is not known.")

    def loss(batch: Batch | None, weights: dict[int, Tensor]) -> Tensor:
        return sign * replay.loss(batch, weights)

    plain = StepSettings(start, lr, loss, trained=frozenset(start))
    fix = FIXES[cause](replay, evidence, plain, names)
    arms = [StepArm(s, seen, trained, held, fix.judge) for s in (fix.unfixed, fix.fixed)]
    root = replay.graph.tape.root
    assert root is not None
    steps = steps_for(ops_behind(replay.graph.tape, [root]))
    result = train_pair(arms[0], arms[1], steps, time.perf_counter() + seconds)
    if result is None:
        return not_tried("There was no time left to train both copies.", fix.words)
    return proof_of(
        result, fix.words, {}, note="New data are batches that both did not learn from."
    )


Make = Callable[[Replay, Evidence, StepSettings, Mapping[int, str]], _Fix]
FIXES: dict[str, Make] = {}
"""How the causes are fixed that a repeated step can fix."""


def _fixes(*causes: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        FIXES.update(dict.fromkeys(causes, make))
        return make

    return add


def _other_rate(factor: float) -> Make:
    def make(
        replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
    ) -> _Fix:
        rate = float(f"{plain.lr * factor:.2g}")
        words = f"learning rate {rate:g} in place of {plain.lr:.3g}"
        return _Fix(words, plain, replace(plain, lr=rate), plain.loss)

    return make


FIXES["lr_too_high"] = _other_rate(0.1)
FIXES["oscillation"] = _other_rate(1 / 3)
FIXES["lr_too_low"] = _other_rate(10.0)


@_fixes("wrong_update_sign")
def _right_sign(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    return _Fix("the update against the gradient", replace(plain, sign=-1.0), plain, plain.loss)


@_fixes("gradients_not_zeroed")
def _zeroed(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    words = "gradients zeroed before each step"
    return _Fix(words, replace(plain, zeroed=False), plain, plain.loss)


@_fixes("exploding_gradient")
def _clipped(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    words = f"gradients clipped at a norm of {CLIP:g}"
    return _Fix(words, plain, replace(plain, clip=CLIP), plain.loss)


@_fixes("inputs_not_normalised")
def _normalised(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    first = replay.graph.inputs[0]
    if not first.is_floating_point():
        raise ValueError("its inputs are no real numbers")
    rows = torch.cat([batch[0][0].flatten() for batch in replay.matching_batches()])
    mean, std = rows.mean(), rows.std() + 1e-12

    def prepare(batch: Batch) -> Batch:
        inputs, targets = batch
        return ((inputs[0] - mean) / std, *inputs[1:]), targets

    words = "inputs with mean 0 and standard deviation 1"
    return _Fix(words, plain, replace(plain, prepare=prepare), plain.loss)


@_fixes("parameter_not_trained")
def _all_trained(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    moved = {p.name for p in _last_parameters(evidence) if p.update > 0}
    some = frozenset(key for key in plain.start if names.get(key) in moved)
    if len(some) == len(plain.start):
        raise ValueError("no gradient reaches what is not trained")
    if not some:
        raise ValueError("nothing is trained")
    words = f"{len(plain.start) - len(some)} more parameters in the update"
    return _Fix(words, replace(plain, trained=some), plain, plain.loss)


def _last_parameters(evidence: Evidence) -> tuple[ObservedParameter, ...]:
    return evidence.last.parameters if evidence.last else ()


@_fixes("bad_init_scale", "saturated_units", "dead_units", "symmetric_init")
def _initialised(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    layers = {layer.parameter: layer for layer in (evidence.last.layers if evidence.last else ())}
    generator = torch.Generator().manual_seed(0)
    start, changed = dict(plain.start), 0
    for key, tensor in plain.start.items():
        layer = layers.get(names.get(key, ""))
        if tensor.dim() < 2 and layer is None:
            start[key] = torch.zeros_like(tensor) if _is_bias(names.get(key, "")) else tensor
        elif layer is not None and not layer.is_embedding:
            gain = GAINS.get(layer.nonlinearity, 1.0) * (0.1 if layer.is_output else 1.0)
            drawn = torch.randn(tensor.shape, generator=generator).to(tensor)
            start[key] = drawn * gain / math.sqrt(max(1, layer.fan_in))
            changed += 1
    if not changed:
        raise ValueError("its layers were not found")
    words = "first weights of gain / sqrt(fan in)"
    return _Fix(words, plain, replace(plain, start=start), plain.loss)


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].lower().startswith("b")


@_fixes("regulariser_dominates")
def _without_penalty(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    call = replay.graph.loss
    if call is None or len(replay.graph.terms) < 2:
        raise ValueError("the loss has one term")

    def criterion(batch: Batch | None, weights: dict[int, Tensor]) -> Tensor:
        given = replay.substitutes(batch) if batch else {}
        return call.sign * replay.repeat(call.op.outputs[0], {**given, **weights}).mean()

    words = "the loss without its penalty"
    return _Fix(words, plain, replace(plain, loss=criterion), criterion)


@_fixes("double_softmax")
def _one_softmax(
    replay: Replay, evidence: Evidence, plain: StepSettings, names: Mapping[int, str]
) -> _Fix:
    op = replay.graph.made_by_behind_views(replay.graph.outputs)
    if op is None or op.name != "softmax":
        raise ValueError("its first softmax was not found")
    shares, logits = op.outputs[0], op.inputs[0]

    def single(batch: Batch | None, weights: dict[int, Tensor]) -> Tensor:
        given = {**(replay.substitutes(batch) if batch else {}), **weights}
        return replay.repeat(
            replay.graph.tape.root, {**given, id(shares): replay.repeat(logits, given)}
        )

    words = "logits in place of probabilities in the loss; both are judged by that loss"
    return _Fix(words, plain, replace(plain, loss=single), single)
