"""What is tried on copies of a watched step, where looking can't tell.

Each experiment is a function of the step (:class:`core.doctor.experiments.replay.Replay`) that
returns one :class:`Experiment`; whatever it does to weights, it does to copies.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from ..diagnosis import Experiment, Picture, Series
from ..evidence import Evidence
from ..watch.observation import Observation
from ..watch.tape import replay
from .replay import FAULTS, Batch, Replay

Trial = Callable[[Replay, Evidence, float], Experiment]


def overfit_one_batch(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Can it learn one batch by heart? What can't is broken, not small (Karpathy 2019)."""
    batch = again.batches[-1]
    best: list[float] = []
    last = case.last
    goal = _floor_of(again)
    for rate in (1e-2, 1e-3):
        copies = again.copies()

        def make(weights: list[Tensor], rate: float = rate) -> torch.optim.Optimizer:
            return torch.optim.Adam(weights, lr=rate)

        losses = again.descend(copies, [batch], 300, make, seconds / 2)
        if not best or min(losses[-10:]) < min(best[-10:]):
            best = losses
        if best[-1] < goal + 0.2 * max(0.0, best[0] - goal):
            break
    first, end = best[0], min(best[-10:])
    done = (first - end) / max(1e-9, first - goal) if first > goal else 1.0
    start = last.criterion.uniform if last and math.isfinite(last.criterion.uniform) else first
    learned = (start - end) / max(1e-9, start - goal) if start > goal else done
    return Experiment(
        "overfit_one_batch",
        "Can it learn one batch by heart?",
        f"From {first:.3g} to {end:.3g} in {len(best)} steps.",
        f"towards {goal:.3g}",
        max(done, learned) > 0.5,
        (("first", first), ("end", end), ("goal", goal), ("learned", max(done, learned))),
        picture=Picture(
            "Can it learn one batch by heart?",
            "lines",
            (Series("loss on the batch", tuple(range(len(best))), tuple(best)),),
            levels=(("what the batch allows", goal),),
        ),
    )


def _floor_of(again: Replay) -> float:
    """Return the least loss that a batch allows: equal inputs may have different answers."""
    inputs, targets = again.batches[-1]
    tokens = [t for t in inputs if not t.is_floating_point()]
    if not tokens or targets.is_floating_point():
        return 0.0
    rows = tokens[0]
    if rows.shape == targets.shape and rows.dim() > 1:  # each place sees what stands before it
        return 0.0
    if targets.dim() > 1 or len(rows) != len(targets):
        return 0.0
    rows = rows.reshape(len(rows), -1)
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    pairs = group * (int(targets.max()) + 1) + targets
    return max(0.0, _entropy(pairs) - _entropy(group))


def _entropy(labels: Tensor) -> float:
    _, counts = torch.unique(labels, return_counts=True)
    shares = counts.double() / counts.sum()
    return float(-(shares * shares.log()).sum())


def inputs_exchanged(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Does it look at its inputs? With those of other examples, it should say other things."""
    inputs, targets = again.batches[-1]
    with torch.no_grad():
        random = torch.get_rng_state()
        said = again.judged((inputs, targets)).float()
        turned = tuple(t.roll(1, 0) for t in inputs)
        torch.set_rng_state(random)
        other = again.judged((turned, targets)).float()
    change = float((said - other).abs().mean())
    count = len(inputs[0])
    rows = said.reshape(count, -1) if said.numel() % count == 0 else said.reshape(1, -1)
    if len(rows) < 2:
        raise ValueError("the outputs are no rows, one for each example")
    spread = float((rows - rows.mean(0)).abs().mean()) + 1e-12
    size = float(said.abs().mean()) + 1e-12
    share = change / size
    blind = share < 1e-6 or spread / size < 1e-6
    return Experiment(
        "inputs_exchanged",
        "Does it look at its inputs?",
        f"With the inputs of other examples its answers change by {share:.2%}."
        if not blind
        else "With the inputs of other examples it says exactly the same.",
        "other inputs, other answers",
        not blind,
        (("change", share),),
    )


def inputs_zeroed(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """What do the inputs tell it? Without them it can only guess (Karpathy 2019)."""
    batches = again.fitting()[-6:]
    bare = [(tuple(torch.zeros_like(t) for t in inputs), targets) for inputs, targets in batches]
    real, zeroed = again.mean_loss(None, batches), again.mean_loss(None, bare)
    return _against(
        "inputs_zeroed", f"With inputs of zero its loss is {zeroed:.3g}, with its own", real, zeroed
    )


def labels_exchanged(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Has it learned what belongs together? With exchanged labels the loss should be higher."""
    batches = again.fitting()[-6:]
    order = torch.arange(len(batches[0][1])).roll(1)
    mixed = [(inputs, targets[order.to(targets.device)]) for inputs, targets in batches]
    real, other = again.mean_loss(None, batches), again.mean_loss(None, mixed)
    return _against(
        "labels_exchanged",
        f"With the labels of other examples its loss is {other:.3g}, with their own",
        real,
        other,
    )


def _against(name: str, words: str, real: float, other: float) -> Experiment:
    if not math.isfinite(other - real):
        raise ValueError("a loss is no number")
    return Experiment(
        name,
        TITLES[name],
        f"{words} {real:.3g}.",
        "higher, once something was learned",
        other > real,
        (("real", real), ("other", other)),
        picture=Picture(
            TITLES[name],
            "bars",
            (Series("loss", (0.0, 1.0), (real, other)),),
            names=("its own", "zero" if name == "inputs_zeroed" else "exchanged"),
            x_label="",
        ),
    )


def examples_apart(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Is each example answered for itself? The gradient of one answer by the other inputs."""
    if _laid_flat(again):
        raise ValueError("sequences were laid behind one another")
    entry, given = _entry(again)
    count = len(entry)
    own, others = 0.0, 0.0
    with torch.enable_grad():
        leaf = entry.detach().clone().requires_grad_()
        outputs = again_with(again, given, leaf)
        rows = outputs.reshape(count, -1) if outputs.numel() % count == 0 else None
        if rows is None or count < 4:
            raise ValueError("the outputs are no rows, one for each example")
        weighing = torch.linspace(-1.0, 1.0, rows.shape[1], device=rows.device) + 0.3
        for index in (0, count // 2, count - 1):
            (gradient,) = torch.autograd.grad(
                (rows[index] * weighing).sum(), leaf, retain_graph=True, allow_unused=True
            )
            if gradient is None:
                raise ValueError("the outputs do not depend on it")
            sizes = gradient.reshape(count, -1).norm(dim=1)
            own = max(own, float(sizes[index]))
            rest = sizes.clone()
            rest[index] = 0
            others = max(others, float(rest.max()) / (float(sizes.max()) + 1e-30))
    share = others
    if not math.isfinite(share):
        raise ValueError("its answers are no numbers")
    mixed = share > max(0.3, 3.0 / count)
    return Experiment(
        "examples_apart",
        "Is each example answered for itself?",
        f"An answer depends on another example's input {share:.1%} as much as on its own."
        if own > 0
        else "An answer depends on other examples' inputs only.",
        "below 30 %" if count < 10 else f"below {max(0.3, 3.0 / count):.0%} (batch norm: some)",
        not mixed,
        (("share", share), ("normed", float(_normed(again)))),
    )


def _normed(again: Replay) -> bool:
    """Whether a batch norm, torch's or one by hand, lets examples depend on one another."""
    return any(op.name in ("batch_norm", "std", "var", "var_mean") for op in again.graph.ops)


def _laid_flat(again: Replay) -> bool:
    """Whether the tokens are those of several rows, so that some of them may well meet."""
    first = again.graph.inputs[0]
    maker = again.graph.maker.get(id(first))
    return first.dim() == 1 and maker is not None and any(t.dim() > 1 for t in maker.inputs[:1])


def _entry(again: Replay) -> tuple[Tensor, Tensor]:
    """Return the first tensor of numbers that stands for the inputs, a row for each example."""
    graph = again.graph
    floats = [t for t in graph.inputs if t.is_floating_point()]
    if floats:
        return floats[0], floats[0]
    ids = {id(t) for t in graph.inputs}
    for op in graph.ops:
        if op.name in ("embedding", "getitem", "index_select") and any(
            id(t) in ids for t in op.inputs
        ):
            output = op.outputs[0]
            if graph.inputs and len(output) == len(graph.inputs[0]):
                return output, output
    raise ValueError("nothing is given to the network")


def again_with(again: Replay, given: Tensor, leaf: Tensor) -> Tensor:
    """Return the outputs with another tensor in the place of one."""
    assert again.graph.outputs is not None
    return replay(again.graph.tape, (again.graph.outputs,), {id(given): leaf})[0]


def future_hidden(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Is the future hidden? The gradient of each place's answer by the places behind it."""
    entry, given = _entry(again)
    targets = again.graph.targets
    assert targets is not None
    if entry.dim() < 3 or targets.numel() != entry.shape[0] * entry.shape[1]:
        raise ValueError("it does not answer place by place")
    batch, time_, _ = entry.shape
    if time_ < 3:
        raise ValueError("it sees no more than two places")
    with torch.enable_grad():
        leaf = entry.detach().clone().requires_grad_()
        outputs = again_with(again, given, leaf)
        if outputs.numel() % (batch * time_):
            raise ValueError("the outputs are no rows, one for each place")
        if outputs.dim() == 3 and outputs.shape[:2] != (batch, time_):
            outputs = outputs.transpose(1, 2)
        rows = outputs.reshape(batch, time_, -1)
        weighing = torch.linspace(-1.0, 1.0, rows.shape[2], device=rows.device) + 0.3
        place = time_ // 2
        (gradient,) = torch.autograd.grad((rows[:, place] * weighing).sum(), leaf)
    sizes = gradient.norm(dim=(0, 2))
    if not bool(torch.isfinite(sizes).all()):
        raise ValueError("its answers are no numbers")
    share = float(sizes[place + 1 :].max() / (sizes.max() + 1e-30))
    return Experiment(
        "future_hidden",
        "Is the future hidden from it?",
        f"Its answer at one place depends on a later place {share:.1%} as much as on the best"
        " of all.",
        "not at all",
        share < 1e-4,
        (("share", share),),
        picture=Picture(
            "On which places does the answer in the middle depend?",
            "bars",
            (Series("gradient", tuple(range(time_)), tuple(sizes.tolist())),),
            names=tuple(str(place) for place in range(time_)),
            x_label="place",
        ),
    )


def other_rates(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Would another learning rate learn better, from the same weights on the same batches?"""
    batches = again.fitting()
    if not batches:
        raise ValueError("no batch of this form was seen")
    held = batches[::4]
    learned: list[Batch | None] = [b for place, b in enumerate(batches) if place % 4]
    learned = learned or list(batches)  # all examples in each step
    if again.draws:
        learned = [None]
    last = case.last
    rate = last.lr if last else math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError("its learning rate is not known")
    begun = again.mean_loss(None, held)
    found: dict[float, float] = {}
    begin = time.perf_counter()
    steps = 60
    for factor in (1.0, 10.0, 0.1, 3.0, 1 / 3, 100.0):
        left = seconds - (time.perf_counter() - begin)
        if left < 0.1 and len(found) > 2:
            break
        copies = again.copies()
        losses = again.descend(
            copies, learned, steps, _maker(last, rate * factor), max(0.3, seconds / 5)
        )
        if factor == 1.0:
            steps = max(10, min(steps, len(losses)))
        end = again.mean_loss(copies, held)
        found[factor] = end if math.isfinite(end) else math.inf
    ordered = sorted(found)
    shown = ", ".join(f"x {factor:.3g}: {found[factor]:.3g}" for factor in ordered)
    best = min(found, key=lambda factor: found[factor])
    cap = max((v for v in found.values() if math.isfinite(v)), default=1.0) * 1.5
    return Experiment(
        "other_rates",
        "Would another learning rate learn better?",
        f"After {steps} steps from a loss of {begun:.3g}: {shown}.",
        "the present one among the best",
        best in (1.0, 3.0, 1 / 3),
        (("begun", begun), *((f"x{factor:.3g}", found[factor]) for factor in ordered)),
        picture=Picture(
            "Would another learning rate learn better?",
            "bars",
            (
                Series(
                    "loss after some steps",
                    tuple(range(len(ordered))),
                    tuple(min(found[f], cap) for f in ordered),
                ),
            ),
            names=tuple(f"x {factor:.3g}" for factor in ordered),
            x_label="learning rate",
            levels=(("before", begun),),
        ),
    )


def _maker(
    look: Observation | None, rate: float
) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    kind = look.optimizer if look else ""
    if kind.startswith("Adam") or kind in ("NAdam", "RAdam", "RMSprop", "Adagrad"):
        return lambda weights: torch.optim.Adam(weights, lr=rate)
    return lambda weights: torch.optim.SGD(weights, lr=rate)


def terms_weighed(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Which part of the loss moves the weights? The gradient of each term by itself."""
    graph = again.graph
    terms = [
        (value, factor)
        for value, factor in graph.terms
        if isinstance(value, Tensor) and value.requires_grad
    ]
    if len(terms) < 2:
        raise ValueError("the loss has one part")
    judged = {id(t) for t in graph.loss.op.outputs} if graph.loss else set()
    leaves = list(again.weights.values())
    criterion, rest, values = 0.0, 0.0, [0.0, 0.0]
    with torch.enable_grad():
        copies = again.copies()
        for value, factor in terms:
            (fresh,) = replay(graph.tape, (value,), copies)
            gradients = torch.autograd.grad(
                (factor * fresh).sum(), list(copies.values()), allow_unused=True
            )
            size = math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))
            if judged & graph.ancestors(value):
                criterion += size
                values[0] += factor * float(fresh.detach().sum())
            else:
                rest += size
                values[1] += factor * float(fresh.detach().sum())
    share = rest / (criterion + 1e-30)
    assert leaves
    return Experiment(
        "terms_weighed",
        "Which part of the loss moves the weights?",
        f"The criterion is {values[0]:.3g} with a gradient of {criterion:.3g}, the rest"
        f" {values[1]:.3g} with {rest:.3g}.",
        "the criterion leads",
        not (share > 3 or (values[1] > 3 * abs(values[0]) and share > 0.5)),
        (("share", share), ("criterion", values[0]), ("rest", values[1])),
    )


def both_modes(again: Replay, case: Evidence, seconds: float) -> Experiment:
    """Is it the same network in training and in use? One batch, both ways."""
    values = case.facts.get("both_modes")
    if values is None:
        raise ValueError("no module was seen that has two modes")
    trained, used = values()
    return Experiment(
        "both_modes",
        "Is it the same network in training and in use?",
        f"The same batch has a loss of {trained:.3g} in training mode, {used:.3g} in use.",
        "about the same, or less in use",
        not (used > 1.5 * trained + 0.2),
        (("trained", trained), ("used", used)),
    )


ON_STEPS: dict[str, tuple[Trial, float]] = {
    "inputs_exchanged": (inputs_exchanged, 0.5),
    "inputs_zeroed": (inputs_zeroed, 0.5),
    "labels_exchanged": (labels_exchanged, 0.5),
    "examples_apart": (examples_apart, 0.5),
    "future_hidden": (future_hidden, 0.5),
    "terms_weighed": (terms_weighed, 0.5),
    "both_modes": (both_modes, 1.0),
    "overfit_one_batch": (overfit_one_batch, 3.0),
    "other_rates": (other_rates, 5.0),
}
"""Each with the seconds that it may take."""
TITLES = {
    "inputs_exchanged": "Does it look at its inputs?",
    "inputs_zeroed": "What do the inputs tell it?",
    "labels_exchanged": "Has it learned which answers belong to which inputs?",
    "examples_apart": "Is each example answered for itself?",
    "future_hidden": "Is the future hidden from it?",
    "terms_weighed": "Which part of the loss moves the weights?",
    "both_modes": "Is it the same network in training and in use?",
    "overfit_one_batch": "Can it learn one batch by heart?",
    "other_rates": "Would another learning rate learn better?",
}


def attempt(name: str, again: Replay, case: Evidence, most: float) -> Experiment:
    """Do one experiment; one that can't be done says why."""
    trial, usual = ON_STEPS[name]
    begin = time.perf_counter()
    try:
        found = trial(again, case, min(usual, most))
    except FAULTS as error:
        words = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        return Experiment(name, TITLES[name], f"This could not be tried: {words}.", "", None)
    spent = time.perf_counter() - begin
    return Experiment(**{**vars(found), "seconds": round(spent, 3)})
