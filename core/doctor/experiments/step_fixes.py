"""Proved fixes of a watched loop: its step is repeated on copies, with a fix and without.

Both copies begin with the weights that the loop began with, and learn from the data that it drew
its batches from, without what they are measured on. Where that data is not known, they learn from
the batches that were kept, and every third of these is kept back.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..diagnosis import Proof
from ..evidence import Evidence
from ..watch.observation import Observation, ObservedParameter
from ..watch.tape import ops_behind
from ..watch.tape_replay import Substitutes
from ..watch.variables import Variables
from ..watch.work import SLOWER, clock
from .learning_experiments import OtherRates, optimizer_like
from .proved_fixes import (
    MOST_CAUSES,
    NEW_EXAMPLES,
    RATES,
    further_rates,
    not_tried,
    proof_of,
    steps_for,
    train_pair,
)
from .replay import REPLAY_ERRORS, Replay, reason
from .seen_data import seen_data

HELD_BACK = 3
"""Every so-many-th batch is new data."""
FEWEST_BATCHES = 6
BATCHES = "a part of the batches that were kept"
CLIP = 1.0
NORMALISED_BY = 16
"""Batches of which mean and standard deviation are taken."""
GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2)}
"""Of the first weights before a nonlinearity (He et al. 2015; makemore, part 3)."""
SECONDS = 8.0
"""For one fix, at most."""
MOST_HELD, FEWEST_HELD = 32, 4
"""Batches of new data."""

Loss = Callable[[Substitutes, Substitutes], Tensor]
"""Of what stands in the place of the step's batch, and of its weights."""


@dataclass(frozen=True)
class StepData:
    """What copies of a step learn from, and are measured on.

    Attributes:
        batch: what stands in the place of the step's batch, the n-th time.
        held: batches of new data.
        source: where these are from, in words.
    """

    batch: Callable[[int], Substitutes]
    held: Sequence[Substitutes]
    source: str


@dataclass(frozen=True)
class StepSettings:
    """How a copy trains.

    Attributes:
        start: its first weights, by the id of the parameter.
        lr: its learning rate.
        loss: what is minimised.
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
    prepare: Callable[[Substitutes], Substitutes] = field(default=lambda batch: batch)


class StepArm:
    """A copy that repeats a step.

    Args:
        settings: how it trains.
        seen: the step, as it was observed.
        data: what it learns from, and is measured on.
        judge: the loss by which it is measured.
    """

    def __init__(
        self, settings: StepSettings, seen: Observation, data: StepData, judge: Loss
    ) -> None:
        self._settings, self._judge, self._data = settings, judge, data
        self._held = [settings.prepare(batch) for batch in data.held]
        self._copies = {
            key: tensor.detach().clone().requires_grad_() for key, tensor in settings.start.items()
        }
        weights = [t for key, t in self._copies.items() if key in settings.trained]
        self._weights = weights
        self._optimizer = optimizer_like(seen, settings.lr)(weights) if weights else None
        self._done = 0

    def step(self, progress: float) -> Tensor:
        """Do one step; return its loss."""
        batch = self._settings.prepare(self._data.batch(self._done))
        self._done += 1
        with torch.enable_grad():
            loss = self._settings.loss(batch, self._copies)
            if self._optimizer is None:  # nothing is trained
                return loss.detach()
            if self._settings.zeroed:
                self._optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(self._settings.sign * loss)
        if self._settings.clip:
            torch.nn.utils.clip_grad_norm_(self._weights, self._settings.clip)
        self._optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def losses(self) -> list[float]:
        """Return the loss of each batch of new data."""
        return [float(self._judge(batch, self._copies)) for batch in self._held]


@dataclass(frozen=True)
class FixedStep:
    """A step that is to be fixed.

    Attributes:
        replay: repeats it.
        evidence: what is known of the loop.
        names: of the parameters, by their ids.
        data: what copies learn from.
        plain: how the loop trains, with gradients zeroed, the right sign and all parameters.
        optimized: what the optimisers hold.
    """

    replay: Replay
    evidence: Evidence
    names: Mapping[int, str]
    data: StepData
    plain: StepSettings
    optimized: Sequence[Tensor] = ()

    @property
    def best_rate(self) -> float:
        """The multiple of the learning rate that was best from the weights at the end."""
        tried = self.evidence.result(OtherRates)
        return tried.best if tried else 1.0


@dataclass(frozen=True)
class _Fix:
    """A fix in words, both sides, and the loss that judges them.

    Another learning rate says what it is multiplied by; what is no rate has NaN.
    """

    words: str
    unfixed: StepSettings
    fixed: StepSettings
    judge: Loss
    factor: float = math.nan


Make = Callable[[FixedStep], _Fix]
FIXES: dict[str, Make] = {}
"""How the causes are fixed that a repeated step can fix."""


def prove_steps(
    replay: Replay,
    variables: Variables,
    evidence: Evidence,
    causes: Sequence[str],
    first: Mapping[str, Tensor],
    budget: float,
) -> None:
    """Try the fixes of some causes of a watched loop, and add to the evidence what that proves.

    Args:
        replay: the step.
        variables: those around the loop.
        evidence: takes the proofs.
        causes: the ids of what is wrong, the likeliest first.
        first: the weights that the loop began with, by their names.
        budget: seconds of a usual core.
    """
    known = [cause for cause in causes if cause in FIXES][:MOST_CAUSES]
    data: StepData | None = None
    held = [t for o in variables.optimizers for group in o.param_groups for t in group["params"]]
    share = min(SECONDS, budget / max(1, len(known)))
    for cause in known:
        try:
            data = data or _data_of(replay, variables)
            plain = _plain(replay, evidence, variables.names, first)
            step = FixedStep(replay, evidence, variables.names, data, plain, held)
            evidence.proofs[cause] = _proof(step, cause, clock() + SLOWER * share)
        except REPLAY_ERRORS as error:
            evidence.proofs[cause] = not_tried(f"The step could not be repeated: {reason(error)}.")


def _data_of(replay: Replay, variables: Variables) -> StepData:
    """Return what copies learn from: the loop's own data, or else the batches that were kept.

    Raises:
        ValueError: too few were kept.
    """
    try:
        data = seen_data(replay, variables)
    except ValueError:
        kept = [replay.substitutes(batch) for batch in replay.matching_batches()]
        if len(kept) < FEWEST_BATCHES:
            raise ValueError(f"only {len(kept)} batches of one shape were kept") from None
        trained = [batch for place, batch in enumerate(kept) if place % HELD_BACK]
        return StepData(lambda n: trained[n % len(trained)], kept[::HELD_BACK], BATCHES)
    examples = min(NEW_EXAMPLES, len(data.new))
    count = max(FEWEST_HELD, min(MOST_HELD, examples // len(data.places[0])))

    def batch(n: int) -> Substitutes:
        return data.batch(torch.Generator().manual_seed(n))

    return StepData(batch, data.new_batches(count), data.source)


def _plain(
    replay: Replay, evidence: Evidence, names: Mapping[int, str], first: Mapping[str, Tensor]
) -> StepSettings:
    """Return how the loop trains.

    Raises:
        ValueError: that is not known.
    """
    seen = evidence.last
    assert seen is not None
    start = {key: first.get(names.get(key, ""), t) for key, t in replay.parameters.items()}
    if any(start[key].shape != t.shape for key, t in replay.parameters.items()):
        raise ValueError("the weights have another shape than at the beginning")
    lr = seen.lr
    if not (math.isfinite(lr) and lr > 0):  # an optimiser that moves nothing here still has one
        lr = evidence.rates[-1][1] if evidence.rates else 0.0
    if not lr > 0:
        raise ValueError("its learning rate is not known")
    sign, scale = seen.criterion.sign, replay.graph.scale

    def loss(batch: Substitutes, weights: Substitutes) -> Tensor:
        return sign * replay.repeat(replay.graph.tape.root, {**batch, **weights}) / scale

    return StepSettings(start, lr, loss, trained=frozenset(start))


def _proof(step: FixedStep, cause: str, end: float) -> Proof:
    """Try the fix of a cause; of a learning rate, others that are further away, too."""
    fix = FIXES[cause](step)
    proof = _prove(step, fix, end)
    if cause not in RATES:
        return proof

    def other(rate: float) -> Proof:
        return _prove(step, _at_rate(step, rate), end)

    return further_rates(proof, step.plain.lr, fix.fixed.lr, other, end)


def _prove(step: FixedStep, fix: _Fix, end: float) -> Proof:
    seen, tape = step.evidence.last, step.replay.graph.tape
    assert seen is not None and tape.root is not None
    arms = [StepArm(s, seen, step.data, fix.judge) for s in (fix.unfixed, fix.fixed)]
    result = train_pair(arms[0], arms[1], steps_for(ops_behind(tape, [tape.root])), end)
    if result is None:
        return not_tried("There was no time left to train both copies.", fix.words)
    note = f"Neither copy learned from the new data: {step.data.source}."
    return replace(proof_of(result, fix.words, {}, note=note), factor=fix.factor)


def _fixes(*causes: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        FIXES.update(dict.fromkeys(causes, make))
        return make

    return add


def _at_rate(step: FixedStep, rate: float) -> _Fix:
    rate = float(f"{rate:.2g}")
    words = f"learning rate {rate:g} in place of {step.plain.lr:.3g}"
    fixed, factor = replace(step.plain, lr=rate), rate / step.plain.lr
    return _Fix(words, step.plain, fixed, step.plain.loss, factor)


@_fixes("lr_too_high")
def _lower(step: FixedStep) -> _Fix:
    return _at_rate(step, step.plain.lr * min(step.best_rate, 0.1))


@_fixes("lr_too_low")
def _higher(step: FixedStep) -> _Fix:
    return _at_rate(step, step.plain.lr * max(step.best_rate, 10.0))


@_fixes("oscillation")
def _a_third(step: FixedStep) -> _Fix:
    return _at_rate(step, step.plain.lr / 3)


@_fixes("wrong_update_sign")
def _right_sign(step: FixedStep) -> _Fix:
    return _Fix(
        "the update against the gradient",
        replace(step.plain, sign=-1.0),
        step.plain,
        step.plain.loss,
    )


@_fixes("gradients_not_zeroed")
def _zeroed(step: FixedStep) -> _Fix:
    words = "gradients zeroed before each step"
    return _Fix(words, replace(step.plain, zeroed=False), step.plain, step.plain.loss)


@_fixes("exploding_gradient")
def _clipped(step: FixedStep) -> _Fix:
    words = f"gradients clipped at a norm of {CLIP:g}"
    return _Fix(words, step.plain, replace(step.plain, clip=CLIP), step.plain.loss)


@_fixes("inputs_not_normalised")
def _normalised(step: FixedStep) -> _Fix:
    graph = step.replay.graph
    first = graph.inputs[0]
    if not first.is_floating_point():
        raise ValueError("its inputs are no real numbers")
    if graph.targets is first or id(first) in graph.ancestors(graph.targets):
        raise ValueError("its targets are its inputs, so that both losses have other units")
    batches = [step.replay.repeat(first, step.data.batch(n)) for n in range(NORMALISED_BY)]
    rows = torch.cat([batch.flatten() for batch in batches])
    mean, std = rows.mean(), rows.std() + 1e-12

    def prepare(batch: Substitutes) -> Substitutes:
        return {**batch, id(first): (step.replay.repeat(first, batch) - mean) / std}

    words = "inputs with mean 0 and standard deviation 1"
    return _Fix(words, step.plain, replace(step.plain, prepare=prepare), step.plain.loss)


@_fixes("parameter_not_trained")
def _all_trained(step: FixedStep) -> _Fix:
    moved = {p.name for p in _last_parameters(step.evidence) if p.update > 0}
    some = frozenset(key for key in step.plain.start if step.names.get(key) in moved)
    if len(some) == len(step.plain.start):
        raise ValueError("no gradient reaches what is not trained")
    meant = _meant(step)
    fixed = some | meant if meant else step.plain.trained
    words = f"{len(fixed) - len(some)} more parameters in the update"
    unfixed, fix = (replace(step.plain, trained=trained) for trained in (some, fixed))
    return _Fix(words, unfixed, fix, step.plain.loss)


def _meant(step: FixedStep) -> frozenset[int]:
    """Return the parameters of a head whose earlier ones are all that the optimisers hold.

    A head that was replaced has as many parameters, for as many inputs; the rest was left out
    deliberately.
    """
    held = step.optimized
    keys = {name: key for key, name in step.names.items() if key in step.plain.start}
    order = [keys[p.name] for p in _last_parameters(step.evidence) if p.name in keys]
    head = order[-len(held) :]
    if not held or len(head) < len(held) or any(id(t) in step.names for t in held):
        return frozenset()
    shapes = [step.plain.start[key].shape for key in head]
    alike = [a[1:] == t.shape[1:] for a, t in zip(shapes, held, strict=True)]
    return frozenset(head) if all(alike) else frozenset()


def _last_parameters(evidence: Evidence) -> tuple[ObservedParameter, ...]:
    return evidence.last.parameters if evidence.last else ()


@_fixes("bad_init_scale", "saturated_units", "dead_units", "symmetric_init")
def _initialised(step: FixedStep) -> _Fix:
    layers = {
        layer.parameter: layer
        for layer in (step.evidence.last.layers if step.evidence.last else ())
    }
    generator = torch.Generator().manual_seed(0)
    start, changed = dict(step.plain.start), 0
    for key, tensor in step.plain.start.items():
        layer = layers.get(step.names.get(key, ""))
        if tensor.dim() < 2 and layer is None:
            start[key] = torch.zeros_like(tensor) if _is_bias(step.names.get(key, "")) else tensor
        elif layer is not None and not layer.is_embedding:
            gain = GAINS.get(layer.nonlinearity, 1.0) * (0.1 if layer.is_output else 1.0)
            drawn = torch.randn(tensor.shape, generator=generator).to(tensor)
            start[key] = drawn * gain / math.sqrt(max(1, layer.fan_in))
            changed += 1
    if not changed:
        raise ValueError("its layers were not found")
    words = "first weights of gain / sqrt(fan in)"
    return _Fix(words, step.plain, replace(step.plain, start=start), step.plain.loss)


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].lower().startswith("b")


@_fixes("regulariser_dominates")
def _without_penalty(step: FixedStep) -> _Fix:
    call = step.replay.graph.loss
    if call is None or len(step.replay.graph.terms) < 2:
        raise ValueError("the loss has one term")

    def criterion(batch: Substitutes, weights: Substitutes) -> Tensor:
        return call.sign * step.replay.repeat(call.op.outputs[0], {**batch, **weights}).mean()

    words = "the loss without its penalty"
    return _Fix(words, step.plain, replace(step.plain, loss=criterion), criterion)


@_fixes("double_softmax")
def _one_softmax(step: FixedStep) -> _Fix:
    op = step.replay.graph.made_by_behind_views(step.replay.graph.outputs)
    if op is None or op.name != "softmax":
        raise ValueError("its first softmax was not found")
    shares, logits = op.outputs[0], op.inputs[0]

    def single(batch: Substitutes, weights: Substitutes) -> Tensor:
        given = {**batch, **weights}
        return step.replay.repeat(
            step.replay.graph.tape.root, {**given, id(shares): step.replay.repeat(logits, given)}
        )

    words = "logits in place of probabilities in the loss; both are judged by that loss"
    return _Fix(words, step.plain, replace(step.plain, loss=single), single)
