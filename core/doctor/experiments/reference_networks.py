"""Is a network too small? Others are trained on what a watched loop was seen to use.

The kind of input decides what they are: an MLP for vectors, a small convolutional network for
pictures, a GRU for sequences, an MLP of embeddings for names of several kinds; with a quarter of
the network's own number of parameters, as many, and four times as many. They, the watched network
and simple baselines are compared on the same new examples. Where a baseline is far below all of
them, they learned too little to say anything of sizes: deeper ones train for longer. How long they
train is decided by sizes, so that the same loop has the same answer.
"""

import copy
import math
import time
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...numbers import percent
from ..diagnosis import COMPARISON, Z80, Picture, Series
from ..evidence import Evidence
from ..watch.graph import StepGraph
from ..watch.training_kind import AUTOENCODER, SUPERVISED
from ..watch.variables import Variables
from ..watch.work import clock
from .baselines import baselines_of
from .continued_copy import continued_copy
from .experiment import Declared, ExperimentResult, Outcome
from .reference_forms import LEAST_LONG, MIN_STEPS, Form, form_of, steps_of, width_of
from .replay import REPLAY_ERRORS, Replay, reason
from .row_losses import LossTask, row_losses, scores_of, targets_of, task_of
from .seen_data import SeenData, SeenExamples, parts, seen_data

SIZES = {"a quarter": 0.25, "as many": 1.0, "four times": 4.0}
DEEPER = {"as many": 1.0, "sixteen times": 16.0}
"""Of the watched network's number of parameters; and of those that are deeper."""
FAR = 0.5
"""The part of all networks' losses below which a baseline is far below them."""
CLEAR = 0.03
"""The part by which a loss is below another, from which on it is clearly lower."""
ON_THE_WAY = 0.1
"""The part of the way to the lowest baseline that as many steps again bring it on, at least."""
LEFT = 0.005
"""The part of what a network has learned, up to which what is left is little: a loss that nears 0
falls by a large part of itself for ever."""
ERRORS = 2.0
"""Standard errors that a difference is above chance."""
RATE, MAX_RATE, WARM_UP, DECAY, CLIP = 0.04, 0.02, 40, 0.01, 1.0
"""The learning rate times the root of the width, and at most; its steps of warm-up; weight decay;
the norm of a GRU's gradients."""
STOPPING, MAX_STOPPING, CHECKS = 0.1, 400, 10
"""The part of the training data by which they stop early, its rows at most, and how often."""


@dataclass(frozen=True)
class References(ExperimentResult):
    """Losses on the same new examples, in the units of the loop's own criterion.

    Attributes:
        own, own_trained: of the watched network, on the new examples and on training data.
        smaller, same, larger: of a quarter of its parameters, as many, ``times`` as many; NaN if
            there is none, or it would take too long.
        smaller_error: the standard error of ``own - smaller``.
        same_error: that of ``own - same``.
        larger_error: that of ``own - larger``.
        longer: of a copy of the watched network that went on; NaN if that could not be tried.
        longer_error: the standard error of ``own - longer``.
        size_error: that of ``same - larger``.
        best_baseline: the lowest of the baselines; NaN without any.
        parameters: of the watched network.
        count: of new examples.
        is_new: whether the watched network has not learned from them.
        longer_share: for how many steps the copy went on, as a part of those that were done.
        own_error: the standard error of ``own``; NaN.
        times: times its parameters that the larger one has.
        guess: the loss of the same answer to all examples; NaN.
        come_again: the share of the new examples whose inputs the other networks learned from, too,
            as a row of theirs is equal.
    """

    own: float
    own_trained: float
    smaller: float
    same: float
    larger: float
    smaller_error: float
    same_error: float
    larger_error: float
    longer: float
    longer_error: float
    size_error: float
    best_baseline: float
    parameters: int
    count: int
    is_new: bool
    longer_share: float = 1.0
    own_error: float = math.nan
    times: float = 4.0
    guess: float = math.nan
    come_again: float = 0.0

    @property
    def again(self) -> str:
        """For how long the copy went on, in words."""
        if self.longer_share >= 1:
            return "as many steps again"
        return f"{percent(self.longer_share)} of the steps again"

    @property
    def times_in_words(self) -> str:
        """How many times its parameters the larger one has."""
        return "sixteen times" if self.times > SIZES["four times"] else "four times"

    @property
    def noise(self) -> float:
        """The part of a loss on new data that is by which examples these are; 0 if unknown.

        Two losses on the same examples differ by up to as much by chance, as a network changes.
        """
        known = self.is_new and self.own and math.isfinite(self.own_error)
        return abs(self.own_error / self.own) if known else 0.0

    @property
    def gap(self) -> float:
        """The part of its loss by which the watched network is better on training data."""
        return (self.own - self.own_trained) / abs(self.own) if self.own else 0.0

    @property
    def size_gain(self) -> float:
        """The part by which the larger network is better; 0 if one of its size is as good."""
        against_same = _gain(self.same, self.larger, self.size_error)
        return _gain(self.own, self.larger, self.larger_error) if against_same else 0.0

    @property
    def size_share(self) -> float:
        """The part of the larger network's lead that it has over one of the same size, too."""
        lead = self.own - self.larger
        return (self.same - self.larger) / lead if lead > 0 else 0.0

    @property
    def time_gain(self) -> float:
        """The part of its loss that as many steps again bring, negative if they harm; or NaN.

        It is 0 where an interval of 80 % around it holds 0, or where hardly anything is left to be
        learned. Where fewer steps were tried, the gain goes on as a logarithm.
        """
        if not math.isfinite(self.longer) or not self.own:
            return math.nan
        gain = self.own - self.longer
        if abs(gain) <= max(Z80 * self.longer_error, LEFT * (self.guess - self.own)):
            return 0.0
        further = math.log(2) / math.log(1 + min(1.0, self.longer_share))
        return min(1.0, further * gain / abs(self.own))

    @property
    def recipe_gain(self) -> float:
        """The part of its loss by which a network of the same size is better; or 0."""
        return _gain(self.own, self.same, self.same_error)

    @property
    def smaller_gain(self) -> float:
        """The part of its loss by which a smaller network is better; or 0."""
        return _gain(self.own, self.smaller, self.smaller_error)

    @property
    def at_most_same(self) -> tuple[float, ...]:
        """The losses of networks that are not larger."""
        return tuple(loss for loss in (self.smaller, self.same) if math.isfinite(loss))


def _gain(loss: float, other: float, error: float) -> float:
    """Return by what part another loss is clearly lower; 0 if it is not."""
    gain = (loss - other) / abs(loss) if loss else 0.0
    return gain if gain > CLEAR and loss - other > ERRORS * error else 0.0


REFERENCES = Declared(
    COMPARISON,
    "Networks of other sizes",
    "a larger one is not clearly better",
)


def compare_networks(
    replay: Replay,
    variables: Variables,
    evidence: Evidence,
    work: tuple[float, float],
    end: float,
) -> None:
    """Train reference networks on what a loop was seen to use; add what comes out.

    Args:
        replay: the newest step.
        variables: those around the loop.
        evidence: takes the experiment.
        work: seconds of a usual core that they take, and a copy that goes on.
        end: when it has to end, by :func:`clock`.
    """
    begin = time.perf_counter()
    try:
        outcome = _compared(replay, variables, evidence, work, end)
    except REPLAY_ERRORS as error:
        evidence.add(REFERENCES.not_done(f"This could not be tried: {reason(error)}."))
    else:
        evidence.add(REFERENCES.done(outcome, time.perf_counter() - begin), outcome.result)


def _compared(
    replay: Replay,
    variables: Variables,
    evidence: Evidence,
    work: tuple[float, float],
    end: float,
) -> Outcome:
    if evidence.training_kind not in (*SUPERVISED, AUTOENCODER):
        raise ValueError(f"it is not supervised, but {evidence.training_kind or 'unknown'}")
    if evidence.last is not None and evidence.last.optimizer == "LBFGS":
        raise ValueError("LBFGS has no steps to be compared with")
    task = task_of(replay.graph)
    data = seen_data(replay, variables)
    own = _own_losses(replay, task, data, data.new, end)
    own_trained = _own_losses(replay, task, data, data.trained, end, len(data.new))
    if not bool(torch.isfinite(own).all()):
        raise ValueError("its loss on new examples is NaN or infinite")
    losses: dict[str, Tensor] = {}
    share = math.nan
    try:
        continued = continued_copy(replay, variables, evidence, data, work[1], end)
    except REPLAY_ERRORS:
        continued = None  # a step that can't be done again says nothing of sizes
    if continued is not None:
        copies, share = continued
        losses["longer"] = _own_losses(replay, task, data, data.new, math.inf, copies=copies)
    baselines = baselines_of(task, data, evidence.training_kind == AUTOENCODER)
    kind, deeper = "", dict[str, Tensor]()
    try:
        if _lowers_more_than_is_compared(replay.graph):
            raise ValueError("what the network computes has another term in the loss, theirs not")
        form = form_of(replay, task, data, evidence)
        losses |= _of_sizes(replay, form, task, data, work[0], end)
    except REPLAY_ERRORS as error:  # what more steps bring is known all the same
        lacking = f" Networks of other sizes could not be tried: {reason(error)}."
    else:
        kind, lacking = form.name, ""
        learns = _still_learns(own, losses, baselines)
        if _is_far_below(baselines, [own, *losses.values()]) and not learns:
            with suppress(*REPLAY_ERRORS):
                form = form_of(replay, task, data, evidence, deeper=True)
                deeper = _deeper(replay, form, task, data, work[0], end)
    parameters = sum(t.numel() for t in replay.parameters.values())
    return _outcome(
        kind, data, parameters, own, own_trained, losses, deeper, share, baselines, lacking
    )


def _lowers_more_than_is_compared(graph: StepGraph) -> bool:
    """Whether outputs serve another term of the loss, too, as the divergence of latents does."""
    compared = {id(t) for t in graph.loss.op.outputs} if graph.loss else set[int]()
    terms = (t for t, factor in graph.terms if isinstance(t, Tensor) and factor)
    return any(graph.kind(t) == "signal" and not compared & graph.ancestors(t) for t in terms)


def _is_far_below(baselines: dict[str, float], losses: list[Tensor]) -> bool:
    """Whether a simple predictor makes out far more than any network did."""
    lowest = min(float(each.mean()) for each in losses)
    return min(baselines.values(), default=math.inf) < FAR * lowest


def _still_learns(own: Tensor, losses: dict[str, Tensor], baselines: dict[str, float]) -> bool:
    """Whether a copy that went on is clearly lower: then its time comes before its size.

    What is hardly a part of the way to the lowest baseline is not.
    """
    if "longer" not in losses:
        return False
    now, gained = float(own.mean()), float(own.mean()) - float(losses["longer"].mean())
    return gained > max(CLEAR * now, ON_THE_WAY * (now - min(baselines.values(), default=now)))


def _of_sizes(
    replay: Replay, form: Form, task: LossTask, data: SeenData, work: float, end: float
) -> dict[str, Tensor]:
    """Train networks of all sizes, and return their losses of each new example.

    Raises:
        ValueError: they would take too long.
    """
    parameters = sum(t.numel() for t in replay.parameters.values())
    widths = {name: width_of(form, share * parameters) for name, share in SIZES.items()}
    steps = steps_of(form, list(widths.values()), len(data.trained), work)
    if steps < MIN_STEPS:
        raise ValueError("networks of this size would take too long")
    if widths["a quarter"] == widths["as many"]:
        del widths["a quarter"]  # there is none that is smaller
    return {name: _trained(form, w, task, data, steps, end) for name, w in widths.items()}


def _deeper(
    replay: Replay, form: Form, task: LossTask, data: SeenData, work: float, end: float
) -> dict[str, Tensor]:
    """Train deeper networks for longer, and return their losses of each new example.

    Raises:
        ValueError: they would take too long.
    """
    parameters = sum(t.numel() for t in replay.parameters.values())
    widths = {name: width_of(form, share * parameters) for name, share in DEEPER.items()}
    steps = steps_of(form, list(widths.values()), len(data.trained), work, long=True)
    if steps < LEAST_LONG:
        raise ValueError("networks of this size would take too long")
    return {name: _trained(form, w, task, data, steps, end) for name, w in widths.items()}


@torch.no_grad()
def _own_losses(
    replay: Replay,
    task: LossTask,
    data: SeenData,
    examples: SeenExamples,
    end: float,
    most: int = 1 << 30,
    copies: dict[int, Tensor] | None = None,
) -> Tensor:
    """Return the watched network's loss of each row, in eval mode, or that of a trained copy.

    Raises:
        ValueError: there was no time, or outputs and targets do not fit.
    """
    rows = tuple(part[:most] for part in examples.rows)
    found = []
    size, done = len(data.places[0]), 0
    for substitutes, count in parts(data.places, rows):
        if clock() > end:
            raise ValueError("there was no time to evaluate it on new examples")
        substitutes |= copies or {}
        outputs = replay.repeat(replay.graph.outputs, substitutes, evaluation=True)
        aims = targets_of(task, examples.targets[done : done + count])
        scores = scores_of(task, outputs, size)[:count]
        if scores.shape[: aims.dim()] != aims.shape:
            raise ValueError("outputs and targets have different shapes")
        found.append(row_losses(task, scores, aims))
        done += count
    return torch.cat(found)


def _trained(
    form: Form, width: int, task: LossTask, data: SeenData, steps: int, end: float
) -> Tensor:
    """Train a network that stops early, and return its loss of each new example.

    Raises:
        ValueError: there was no time.
    """
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)  # of the caller's random state nothing is used: it is restored
    device = data.trained.inputs.device
    model = form.make(width).to(device).float()
    inputs, aims = form.feed(*data.trained.given), targets_of(task, data.trained.targets)
    mean, std = _unit(task, aims)
    scaled = (aims - mean) / std if task.kind == "values" else aims
    order = torch.randperm(len(inputs), generator=generator)
    kept = min(MAX_STOPPING, max(10, round(STOPPING * len(inputs))))
    stopping, learned = order[:kept].to(device), order[kept:]

    def losses(x: Tensor, y: Tensor) -> Tensor:
        model.eval()
        with torch.no_grad():
            found = [model(x[i : i + 512]) * std + mean for i in range(0, len(x), 512)]
        model.train()
        return row_losses(task, torch.cat(found), y)

    rate = min(MAX_RATE, RATE / math.sqrt(width))
    fused = device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=DECAY, fused=fused)
    best, lowest = copy.deepcopy(model.state_dict()), math.inf
    size = min(form.batch, len(learned))
    for step in range(steps):
        if clock() > end:
            raise ValueError("there was no time to train networks of other sizes")
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP, 1.02 - step / steps)
        rows = learned[torch.randint(len(learned), (size,), generator=generator)].to(device)
        with torch.enable_grad():
            # In units of the targets, so that one learning rate suits all of them.
            loss = _learned_loss(task, model(inputs[rows]), scaled[rows])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
        if form.positions:
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        if (step + 1) % max(1, steps // CHECKS) == 0 or step + 1 == steps:
            now = float(losses(inputs[stopping], aims[stopping]).mean())
            if now < lowest:
                best, lowest = copy.deepcopy(model.state_dict()), now
    model.load_state_dict(best)
    return losses(form.feed(*data.new.given), targets_of(task, data.new.targets))


def _learned_loss(task: LossTask, scores: Tensor, targets: Tensor) -> Tensor:
    """Return the mean loss of a batch; of classes by torch's own function, which is faster."""
    if task.kind != "classes":
        return row_losses(task, scores, targets).mean()
    aims = targets.masked_fill(targets < 0, task.ignored).flatten()
    return F.cross_entropy(scores.flatten(0, 1), aims, task.weights, ignore_index=task.ignored)


def _unit(task: LossTask, aims: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of real-valued targets; 0 and 1 for others."""
    if task.kind != "values":
        return torch.zeros((), device=aims.device), torch.ones((), device=aims.device)
    return aims.mean(0), aims.std(0).clamp(min=1e-6)


# What comes out.


def _outcome(
    kind: str,
    data: SeenData,
    parameters: int,
    own: Tensor,
    own_trained: Tensor,
    losses: dict[str, Tensor],
    deeper: dict[str, Tensor],
    share: float,
    baselines: dict[str, float],
    lacking: str,
) -> Outcome:
    known = {"own": own, **losses}
    times = 4.0
    if deeper and float(deeper["as many"].mean()) < float(known["as many"].mean()):
        known["as many"] = deeper["as many"]
    if deeper and float(deeper["sixteen times"].mean()) < float(known["four times"].mean()):
        known["four times"], times = deeper["sixteen times"], 16.0

    def mean(name: str) -> float:
        return float(known[name].mean()) if name in known else math.nan

    def error(before: str, after: str) -> float:
        both = before in known and after in known
        return _error(known[before] - known[after]) if both else math.nan

    found = References(
        own=float(own.mean()),
        own_trained=float(own_trained.mean()),
        smaller=mean("a quarter"),
        same=mean("as many"),
        larger=mean("four times"),
        smaller_error=error("own", "a quarter"),
        same_error=error("own", "as many"),
        larger_error=error("own", "four times"),
        longer=mean("longer"),
        longer_error=error("own", "longer"),
        size_error=error("as many", "four times"),
        best_baseline=min(baselines.values(), default=math.nan),
        parameters=parameters,
        count=len(own),
        is_new=data.is_new,
        longer_share=share,
        own_error=_error(own),
        times=times,
        guess=next(iter(baselines.values()), math.nan),
        come_again=_come_again(data),
    )
    examples = f"{len(own):,} new examples ({data.source})"
    if not data.is_new:
        examples = f"{len(own):,} examples ({data.source}; yours may have learned from them)"
    measured = f"Loss on {examples}: yours, with {parameters:,} parameters, {found.own:.3g}."
    if kind:
        article = "An" if kind.startswith("MLP") else "A"
        measured += f" {article} {kind} with so many parameters reaches: {_in_words(losses)}."
    if deeper:
        measured += f" Deeper, and trained for longer: {_in_words(deeper)}."
    if baselines:
        measured += (
            f" Without a network: {', '.join(f'{n} {v:.3g}' for n, v in baselines.items())}."
        )
    if "longer" in losses:
        measured += f" Yours after {found.again}: {found.longer:.3g}."
    passed = not found.size_gain if kind else None
    picture = _picture(kind, losses, deeper, found, baselines)
    return Outcome(passed, measured + lacking, found, picture)


def _come_again(data: SeenData) -> float:
    """Return the share of the new examples that are equal to one of the others."""

    def keys(examples: SeenExamples) -> list[int]:
        parts = [part.detach().reshape(len(part), -1).float().cpu() for part in examples.given]
        return [hash(row.numpy().tobytes()) for row in torch.cat(parts, 1)]

    known, new = set(keys(data.trained)), keys(data.new)
    return sum(key in known for key in new) / max(1, len(new))


def _in_words(losses: dict[str, Tensor]) -> str:
    sizes = [name for name in (*SIZES, *DEEPER) if name in losses]
    return ", ".join(f"{name} {float(losses[name].mean()):.3g}" for name in dict.fromkeys(sizes))


def _picture(
    name: str,
    losses: dict[str, Tensor],
    deeper: dict[str, Tensor],
    found: References,
    baselines: dict[str, float],
) -> Picture:
    bars = {"yours": found.own}
    if "longer" in losses:
        bars["yours, twice the steps" if found.longer_share >= 1 else "yours, more steps"] = (
            found.longer
        )
    sizes = {"a quarter": "1/4 of the size", "as many": "same size", "four times": "4 x the size"}
    kind = name.split(" ")[0]  # there is little room
    bars |= {f"{kind}, {sizes[x]}": float(losses[x].mean()) for x in SIZES if x in losses}
    sizes = {"as many": "same size", "sixteen times": "16 x the size"}
    bars |= {f"deeper {kind}, {sizes[x]}": float(deeper[x].mean()) for x in deeper}
    bars |= baselines
    what = f"Loss on the same {'new ' if found.is_new else ''}examples"
    values = Series(what, tuple(map(float, range(len(bars)))), tuple(bars.values()))
    question = f"{what} (lower is better)"
    return Picture(question, "bars", (values,), names=tuple(bars), x_label="")


def _error(difference: Tensor) -> float:
    """Return the standard error of a mean."""
    return float(difference.std() / math.sqrt(len(difference))) if len(difference) > 1 else math.inf
