"""What can be seen from the first steps on: data, first weights, the loss, what learns at all."""

import math
import re

from core.doctor.case import Case
from core.doctor.diagnosis import Check, Picture, Series
from core.doctor.look import Look, ParameterSeen
from core.doctor.rules.say import failed, passed, some, unseen

SURPRISED = 1.5
"""Times ln K, and half a nat: a first loss above is a confident wrong guess (makemore, part 3)."""
FADED = 0.01
"""The spread of what reaches the last layer, of about 1 at the beginning of the network."""
FEW_UNITS = 8
FLAT_AT_FIRST = 0.5
"""Share of tanh or sigmoid units at their flat ends before anything was learned (makemore, 3)."""
LARGE = 10.0
"""Root mean square of inputs; the lectures' and torchvision's normalisations give about 1."""
MAJORITY = 0.75
"""Share of one answer among three or more; of two: 0.92."""
OUT = re.compile(
    r"target -?\d+ is out of bounds|index -?\d+ is out of bounds|index out of range"
    r"|class values must be|out of range|>= n_classes|device-side assert",
    re.IGNORECASE,
)


def labels_in_range(case: Case) -> Check:
    """Every label is one of the outputs: 0 to K - 1."""
    id, title = "labels_out_of_range", "labels within the outputs"
    if case.crash and OUT.search(case.crash):
        return failed(id, title, case.crash, "labels from 0 to K - 1", 0.95, "the labels")
    for look in case.looks:
        seen = look.criterion
        told = seen.classifies and seen.whole and seen.classes > 1 and seen.count
        if told and (seen.low < 0 or seen.high >= seen.classes):
            span = f"labels from {seen.low:g} to {seen.high:g} for {seen.classes} outputs"
            return failed(id, title, span, f"0 to {seen.classes - 1}", 0.95, "the labels")
    first = case.first
    if not first or not first.criterion.classifies:
        return unseen(id, title, "it does not choose between classes")
    seen = first.criterion
    return passed(id, title, f"{seen.low:g} to {seen.high:g}", f"0 to {seen.classes - 1}")


def first_loss(case: Case) -> Check:
    """The first loss is that of an even guess, and the signal reaches the end.

    Source: makemore, part 3 ("fixing the initial loss"); He et al. 2015.
    """
    id, title = "bad_init_scale", "size of the first weights"
    first = case.first
    if first is None or first.step > 5:
        return unseen(id, title, "the first steps were not seen")
    seen = first.criterion
    last = next((x for x in reversed(first.layers) if x.last), None)
    if seen.classifies and math.isfinite(seen.value) and seen.kind not in ("mse_loss", "square"):
        allowed = SURPRISED * seen.uniform + 0.5
        if seen.value > allowed and seen.normalised:
            excess = seen.value / seen.uniform
            return failed(
                id,
                title,
                f"the first loss is {seen.value:.2f}, {excess:.1f} times that of an even guess",
                f"about ln {seen.classes} = {seen.uniform:.2f}",
                min(0.9, 0.55 + 0.12 * excess),
                "the first weights",
            )
    hidden = [x for x in first.layers if not x.table and not x.last]
    if last is not None and hidden and 0 < last.in_std < FADED and not any(x.same for x in hidden):
        return failed(
            id,
            title,
            f"what reaches the last layer has a spread of {last.in_std:.1g}",
            "about 1",
            0.8,
            hidden[0].name,
            _spreads(first),
        )
    wild = [
        x for x in hidden if x.out_std > 30 * max(x.in_std, 0.05) and not x.bend.startswith("t")
    ]
    if wild and wild[-1].out_std > 100:
        return failed(
            id,
            title,
            f"the signal grows to a spread of {max(x.out_std for x in hidden):.3g}",
            "about 1",
            0.75,
            wild[0].name,
            _spreads(first),
        )
    said = f"first loss {seen.value:.3g}" if math.isfinite(seen.value) else f"loss {first.loss:.3g}"
    wanted = f"about {seen.uniform:.3g}" if math.isfinite(seen.uniform) else "of its own scale"
    return passed(id, title, said, wanted, _spreads(first))


def _spreads(look: Look) -> Picture | None:
    layers = [x for x in look.layers if not x.table]
    if len(layers) < 2:
        return None
    return Picture(
        "Does the signal keep its spread from layer to layer?",
        "bars",
        (Series("spread", tuple(range(len(layers))), tuple(x.out_std for x in layers)),),
        names=tuple(x.name for x in layers),
        x_label="layer",
        log=True,
    )


def saturated_at_first(case: Case) -> Check:
    """Before anything was learned, few units are at their flat ends (makemore, part 3)."""
    id, title = "saturated_units", "units at their flat ends"
    bent = [
        (look, x)
        for look in case.looks
        for x in look.layers
        if x.bend in ("tanh", "sigmoid") and not x.last and x.units >= FEW_UNITS
    ]
    if not bent:
        return unseen(id, title, "there is no tanh and no sigmoid between layers")
    first, last = case.looks[0], case.looks[-1]
    early = [x for look, x in bent if look is first and x.saturated > FLAT_AT_FIRST]
    late = [x for look, x in bent if look is last and x.saturated > FLAT_LATE]
    picture = Picture(
        "How many units are at their flat ends?",
        "bars",
        (
            Series(
                "share",
                tuple(range(len([x for look, x in bent if look is last]))),
                tuple(x.saturated for look, x in bent if look is last),
            ),
        ),
        names=tuple(x.name for look, x in bent if look is last),
        x_label="layer",
        levels=(("too many", FLAT_AT_FIRST),),
    )
    if early:
        worst = max(early, key=lambda x: x.saturated)
        return failed(
            id,
            title,
            f"{worst.saturated:.0%} of {worst.name}'s {worst.bend} units from the first step on",
            f"below {FLAT_AT_FIRST:.0%}",
            0.45 + 0.45 * worst.saturated,
            worst.name,
            picture,
        )
    if late:
        worst = max(late, key=lambda x: x.saturated)
        return failed(
            id,
            title,
            f"{worst.saturated:.0%} of {worst.name}'s {worst.bend} units",
            f"below {FLAT_LATE:.0%}",
            0.45 if worst.saturated < 0.95 else 0.6,
            worst.name,
            picture,
        )
    worst = max((x for _, x in bent), key=lambda x: x.saturated)
    return passed(
        id, title, f"at most {worst.saturated:.0%}", f"below {FLAT_AT_FIRST:.0%}", picture
    )


FLAT_LATE = 0.7


def units_differ(case: Case) -> Check:
    """The units of a layer are not all one and the same."""
    id, title = "symmetric_init", "units that differ"
    first = case.first
    hidden = [x for x in first.layers if not x.last and x.units > 1] if first else []
    if not hidden:
        return unseen(id, title, "there is no hidden layer")
    alike = [x.name for x in hidden if x.same]
    if alike:
        measured = "all units of a layer say exactly the same"
        return failed(id, title, measured, "each unit its own weights", 0.95, some(alike))
    return passed(id, title, f"they do in {len(hidden)} layers", "each unit its own weights")


def inputs_of_size(case: Case) -> Check:
    """Numbers that go in have about mean 0 and spread 1."""
    id, title = "inputs_not_normalised", "size of the inputs"
    first = case.first
    given = [x for x in first.inputs if not x.tokens and x.finite] if first else []
    if not given:
        return unseen(id, title, "it is given no numbers")
    worst = max(given, key=lambda x: x.mean**2 + x.std**2)
    size = math.sqrt(worst.mean**2 + worst.std**2)
    measured = f"mean {worst.mean:.3g}, spread {worst.std:.3g}"
    if size > LARGE or (abs(worst.mean) > 4 * worst.std > 0 and abs(worst.mean) > 2):
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, size)))
        return failed(id, title, measured, "mean 0, spread 1", sure, "the inputs")
    return passed(id, title, measured, "mean 0, spread 1")


def inputs_vary(case: Case) -> Check:
    """Different examples are given, and answered differently."""
    id, title = "inputs_ignored", "answers that depend on the inputs"
    if case.facts.get("constant_inputs"):
        return failed(id, title, "every example is the same", "examples differ", 0.9, "the inputs")
    looks = [look for look in case.looks if look.inputs]
    dull = [look for look in looks if all(x.constant for x in look.inputs if len(x.shape) > 0)]
    if looks and len(dull) == len(looks):
        return failed(id, title, "every example is the same", "examples differ", 0.9, "the inputs")
    trial = case.trials.get("inputs_exchanged")
    if trial is not None and trial.passed is False:
        sure = 0.95 if trial.value("change") == 0 else 0.6  # else something has faded on its way
        return failed(id, title, trial.measured, trial.expected, sure, "between input and output")
    if not looks and case.looks and case.looks[-1].criterion.kind:
        return failed(
            id, title, "no data goes into the loss but the labels", "inputs", 0.6, "the inputs"
        )
    if trial is None or trial.passed is None:
        return unseen(id, title, trial.measured if trial else "it was not tried")
    return passed(id, title, trial.measured, trial.expected)


def answers_spread(case: Case) -> Check:
    """No single answer makes up nearly all of them."""
    id, title = "class_imbalance", "how frequent each answer is"
    if not case.first or (not case.first.criterion.classifies and not _binary(case.first)):
        return unseen(id, title, "it does not choose between classes")
    shares = [x.criterion.top for x in case.looks if x.criterion.count >= 16]
    top = sum(shares) / len(shares) if shares else 0.0
    classes = case.first.criterion.classes
    if case.data and case.data.top > 0:
        top, classes = case.data.top, max(classes, case.data.classes)
    limit = 0.92 if _binary(case.first) or classes == 2 else MAJORITY
    measured = f"the most frequent answer is {top:.0%} of all"
    if top > limit:
        return failed(id, title, measured, f"below {limit:.0%}", 0.6 + 0.35 * top, "the labels")
    return passed(id, title, measured, f"below {limit:.0%}")


def _binary(look: Look) -> bool:
    return "binary" in look.criterion.kind


def labels_belong(case: Case) -> Check:
    """Simple means guess labels from inputs better than their frequency does."""
    id, title = "labels_shuffled", "labels that belong to their inputs"
    data = case.data
    if case.first and case.first.criterion.kind in ("mse_loss", "square"):
        return _quantities_belong(case, id, title)
    if not case.first or not (case.first.criterion.classifies or _binary(case.first)):
        return unseen(id, title, "it does not choose between classes")
    if data is not None and math.isfinite(data.predictable):
        measured = f"simple means guess them {data.predictable:.0%} better than their frequency"
        # What has been learned beyond frequencies belongs together, whatever few examples say.
        learned = case.ended < 0.9 * data.entropy and data.predictable > 0.005
        if data.predictable < 0.02 and not learned:
            return failed(id, title, measured, "well above 0 %", 0.85, "the labels")
        return passed(id, title, measured, "well above 0 %")
    entropy = data.entropy if data else math.nan
    trial = case.trials.get("overfit_one_batch")
    if math.isfinite(entropy) and trial is not None and trial.passed and len(case.losses) > 300:
        level = case.ended / entropy if entropy > 0 else math.nan
        measured = f"the loss rests at {case.ended:.3g}, knowing frequencies alone is {entropy:.3g}"
        means = case.smooth(20)
        rests = means[len(means) // 2] - means[-1] < 0.01 * abs(means[-1])
        if 0.97 < level < 1.1 and rests:
            return failed(id, title, measured, "clearly less", 0.6, "the labels")
        return passed(id, title, measured, "clearly less")
    return unseen(id, title, "too few examples were seen")


def _quantities_belong(case: Case, id: str, title: str) -> Check:
    """A batch is learned by heart, but all of them no better than by one constant answer."""
    trial = case.trials.get("overfit_one_batch")
    constant = case.uniform
    if trial is None or not trial.passed or not constant > 0 or len(case.losses) < 200:
        return unseen(id, title, "it was not tried, or too few steps were seen")
    measured = f"the loss is {case.ended:.3g}, that of one constant answer {constant:.3g}"
    if 0.95 < case.ended / constant < 1.15 and trial.value("end") < 0.6 * constant:
        return failed(id, title, measured, "clearly less", 0.65, "the targets")
    return passed(id, title, measured, "clearly less")


def labels_agree(case: Case) -> Check:
    """Examples that are alike have the same label."""
    id, title = "labels_noisy", "labels that agree with one another"
    data = case.data
    gap = case.facts.get("train_above_validation", math.nan)
    if math.isfinite(gap) and gap > NOISE_GAP:
        measured = f"training examples are {gap:.0%} harder than new ones"
        return failed(id, title, measured, "about as hard", 0.6 + min(0.3, gap), "the labels")
    if data is None or not math.isfinite(data.noise):
        return unseen(id, title, "the examples can't be compared by simple means")
    measured = f"{data.noise:.0%} contradict their nearest neighbours"
    if data.noise > NOISE and not (data.predictable < 0.02):
        return failed(id, title, measured, f"below {NOISE:.0%}", 0.55 + data.noise, "the labels")
    return passed(id, title, measured, f"below {NOISE:.0%}")


NOISE = 0.13
NOISE_GAP = 0.07


def suitable_loss(case: Case) -> Check:
    """For one of several answers, the loss asks for the probability of the right one."""
    id, title = "wrong_loss", "a loss that suits the task"
    first = case.first
    if first is None or not first.criterion.kind:
        return unseen(id, title, "the loss was not understood")
    seen = first.criterion
    between = f"{seen.kind.replace('_', ' ')}"
    two = seen.distinct == 0 and seen.kind in ("mse_loss", "square", "l1_loss", "smooth_l1_loss")
    if seen.hot and seen.kind in ("mse_loss", "square", "l1_loss", "smooth_l1_loss", "huber_loss"):
        measured = f"{between} against one-hot rows of {seen.classes} classes"
        return failed(id, title, measured, "cross-entropy", 0.8, "the loss")
    if two and case.facts.get("labels_as_numbers"):
        return failed(id, title, f"{between} against labels", "cross-entropy", 0.75, "the loss")
    if seen.kind == "cross_entropy" and seen.classes == 1:
        return failed(id, title, "cross-entropy of a single output", "one for each class", 0.9, "")
    if seen.squeezed and seen.kind in ("cross_entropy", "binary_cross_entropy_with_logits"):
        measured = f"scores come out of {seen.squeezed}, and into {between}"
        return failed(id, title, measured, "scores of any size", 0.8, "the last layer")
    if not seen.normalised and seen.kind == "nll_loss":
        return failed(id, title, "nll_loss of scores", "of log-probabilities", 0.85, "the loss")
    if not seen.normalised and seen.kind == "picked" and not seen.across:
        return failed(
            id, title, "what is picked are no probabilities", "softmax before", 0.8, "the loss"
        )
    return passed(id, title, between, "cross-entropy for classes, squared error for quantities")


def one_softmax(case: Case) -> Check:
    """Scores, and not probabilities, go into cross-entropy (and logits into a sigmoid)."""
    id, title = "double_softmax", "one softmax"
    seen = [look.criterion for look in case.looks if look.criterion.kind]
    if not seen or seen[0].kind in ("mse_loss", "square", "l1_loss"):
        return unseen(id, title, "there is no softmax")
    if any(x.twice for x in seen) or all(x.probabilities for x in seen):
        measured = "what goes into the loss's softmax has gone through one"
        return failed(id, title, measured, "scores of any size", 0.95, "before the loss")
    return passed(id, title, "scores go into it", "scores of any size")


def layers_bend(case: Case) -> Check:
    """Between two products stands something that bends, unless the first is a bottleneck."""
    id, title = "no_nonlinearity", "something that bends between layers"
    look = case.last
    if look is None or len([x for x in look.layers if not x.table]) < 2:
        return unseen(id, title, "there are no two layers")
    by_name = {x.name: x for x in look.layers}
    pairs = []
    for before, after in look.chains:
        a, b = by_name.get(before), by_name.get(after)
        if a and b and not a.table and a.units >= min(a.fan_in, b.units):
            pairs.append(f"{before} and {after}")
    if pairs:
        measured = "a product of a product"
        return failed(id, title, measured, "tanh, relu, ...", 0.9, some(pairs, 2))
    return passed(id, title, "there is", "tanh, relu, ...")


def everything_learns(case: Case) -> Check:
    """Every parameter gets a gradient, is known to the optimiser, and moves."""
    id, title = "parameter_not_trained", "every parameter is trained"
    found = _idle(case)
    if found is None:
        return unseen(id, title, "no step was seen whole")
    idle = [(p, why) for p, why in found if not _frozen(p)]
    if idle:
        names = [p.name for p, _ in idle]
        why = idle[0][1]
        sure = 0.55 if all(not p.used for p, _ in idle) else 0.9
        return failed(id, title, f"{some(names)}: {why}", "all move", sure, some(names))
    count = len(case.looks[-1].parameters)
    return passed(id, title, f"{count} parameters move", "all move")


def nothing_frozen(case: Case) -> Check:
    """No layer that takes part rests."""
    id, title = "frozen_layer", "no layer is frozen"
    found = _idle(case)
    if found is None:
        return unseen(id, title, "no step was seen whole")
    idle = [p.name for p, _ in found if _frozen(p)]
    if idle:
        measured = f"{some(idle)} asks for no gradient, or has a learning rate of 0"
        return failed(id, title, measured, "all layers learn", 0.88, some(idle))
    return passed(id, title, "none", "all layers learn")


def _frozen(p: ParameterSeen) -> bool:
    rests = not p.learns and "." in p.name
    return rests or (p.learns and p.known is True and p.group_rate == 0)


def _idle(case: Case) -> list[tuple[ParameterSeen, str]] | None:
    """Return the parameters that never move, each with why; None if nothing moved at all."""
    looks = [x for x in case.looks if any(p.update > 0 for p in x.parameters)]
    if not looks:
        return None
    moved = {p.name for look in looks for p in look.parameters if p.update > 0}
    reached = {p.name for look in looks for p in look.parameters if p.gradient > 0}
    # A bias in front of a batch norm, or what only zeros come to, has a gradient of nothing.
    still: dict[str, tuple[ParameterSeen, str]] = {}
    for look in looks:
        for p in look.parameters:
            if p.name in moved or p.name.startswith("a parameter of"):
                continue
            if not p.learns and p.used:
                still[p.name] = (p, "it asks for no gradient")
            elif p.learns and p.used and math.isnan(p.gradient):
                still[p.name] = (p, "no gradient reaches it")
            elif p.learns and not p.used:
                still[p.name] = (p, "the loss is not made with it")
            elif p.name in reached and p.known is False:
                still[p.name] = (p, "the optimiser does not know it")
            elif p.name in reached:
                still[p.name] = (p, "it has a gradient, and the update leaves it out")
    if not len(looks) > 1 and case.looks[-1].step > 5:
        return list(still.values())
    return list(still.values()) if len(looks) > 1 else []


def whole_loss_learns(case: Case) -> Check:
    """Every part of the loss has a gradient."""
    id, title = "detached_regulariser", "every part of the loss has a gradient"
    looks = [look for look in case.looks if look.terms]
    if not looks:
        return unseen(id, title, "the loss has one part")
    idle = [
        [t.value for t in look.terms if not t.learns and not t.judges and abs(t.value) > 1e-7]
        for look in looks
    ]
    if sum(1 for values in idle if values) > len(looks) / 2:
        values = [v[0] for v in idle if v]
        changes = len(values) > 1 and max(values) - min(values) > 1e-6 * max(map(abs, values))
        measured = f"a part of {values[-1]:.3g} is added without one"
        return failed(id, title, measured, "all parts learn", 0.85 if changes else 0.5, "the loss")
    return passed(id, title, f"{len(looks[-1].terms)} parts", "all parts learn")


def penalty_small(case: Case) -> Check:
    """What is added to the criterion does not outweigh it."""
    id, title = "regulariser_dominates", "the task outweighs the penalty"
    trial = case.trials.get("terms_weighed")
    if trial is not None and trial.passed is False:
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, trial.value("share"))))
        return failed(id, title, trial.measured, trial.expected, sure, "the loss")
    first, last = case.first, case.last
    heavy = _heavy_at_first(case)
    if heavy:
        return failed(id, title, heavy, "the criterion leads", 0.85, "the loss")
    if first and last and last.step > first.step + 20:
        before = {p.name: p.std for p in first.parameters}
        drawn = [
            p
            for p in last.parameters
            if p.matrix and p.decay > 0.3 and p.std < 0.2 * before.get(p.name, 0.0)
        ]
        if drawn:
            p = drawn[0]
            measured = f"with a weight decay of {p.decay:g}, {p.name} has shrunk to {p.std:.2g}"
            return failed(id, title, measured, "weights that grow", 0.8, p.name)
    if trial is None or trial.passed is None:
        return unseen(id, title, "the loss has one part")
    return passed(id, title, trial.measured, trial.expected)


def _heavy_at_first(case: Case) -> str:
    """Say what outweighed the criterion in the first steps; "" if nothing did."""
    for look in case.looks[:2]:
        task = sum(abs(t.value) for t in look.terms if t.judges)
        rest = sum(abs(t.value) for t in look.terms if t.of_weights and t.learns)
        if task and rest > 2 * task:
            return f"at first the task is {task:.3g} and the penalty {rest:.3g}"
    return ""


def future_unseen(case: Case) -> Check:
    """What is to be guessed does not stand in the input."""
    id, title = "future_leak", "the answer is not in the input"
    told = [look for look in case.looks if any(x.leaks for x in look.inputs)]
    if told and len(told) > len(case.looks) / 2:
        return failed(id, title, "the labels stand in the inputs", "no", 0.93, "the inputs")
    trial = case.trials.get("future_hidden")
    if trial is not None and trial.passed is False:
        return failed(id, title, trial.measured, trial.expected, 0.93, "what looks back")
    if not case.looks or not any(look.inputs for look in case.looks):
        return unseen(id, title, "the inputs were not understood")
    measured = trial.measured if trial and trial.passed else "the inputs do not hold the labels"
    return passed(id, title, measured, "not at all")


def examples_alone(case: Case) -> Check:
    """Each example is answered for itself."""
    id, title = "batch_mixed", "examples apart from one another"
    swapped = [look for look in case.looks if any(x.swapped for x in look.inputs)]
    if swapped and len(swapped) > len(case.looks) / 2:
        measured = "what follows a token stands below it and not beside it"
        return failed(id, title, measured, "a row for each sequence", 0.9, "the batch")
    if any(look.criterion.spread for look in case.looks):
        measured = "a row of answers is held against a column of targets, each against all"
        return failed(id, title, measured, "equal shapes", 0.95, "the loss")
    across = [look for look in case.looks if look.criterion.across]
    if across and len(across) > len(case.looks) / 2:
        measured = "a softmax runs along the batch"
        return failed(id, title, measured, "along the answers", 0.93, "before the loss")
    trial = case.trials.get("examples_apart")
    if trial is not None and trial.passed is False:
        sure = 0.6 if trial.value("normed") else 0.85
        return failed(id, title, trial.measured, trial.expected, sure, "between input and output")
    if trial is None or trial.passed is None:
        return unseen(id, title, trial.measured if trial else "it was not tried")
    return passed(id, title, trial.measured, trial.expected)


def judged_apart(case: Case) -> Check:
    """What judges was not learned from."""
    id, title = "data_overlap", "judged on other data"
    data = case.data
    if data is None or not math.isfinite(data.overlap):
        return unseen(id, title, "no data that judges was seen")
    measured = f"{data.overlap:.0%} of {data.overlap_with} is learned from"
    if data.overlap > 0.4:
        return failed(id, title, measured, "none", 0.6 + 0.35 * data.overlap, data.overlap_with)
    return passed(id, title, measured, "none")


def outputs_used(case: Case) -> Check:
    """Most of the outputs are the answer at some time."""
    id, title = "vocabulary_unused", "outputs that occur as answers"
    data = case.data
    classes = case.first.criterion.classes if case.first else 0
    if data is None or not math.isfinite(data.classes_used) or classes < 15:
        return unseen(id, title, "there are few outputs, or too few answers were seen")
    used = data.classes_used * classes
    spare = int(case.facts.get("spare", 0))  # outputs that are there to spell what never occurred
    share = min(1.0, used / max(1.0, classes - spare))
    measured = f"{data.classes_used:.0%} of {classes:,} outputs occur"
    if share < 0.5:
        sure = 0.9 - 0.6 * share
        return failed(id, title, measured, "most of them", sure, "the vocabulary")
    return passed(id, title, measured, "most of them")


def context_long_enough(case: Case) -> Check:
    """A network with hidden layers sees more than the last token or two (Shannon 1951)."""
    id, title = "context_too_short", "how far it sees"
    data = case.data
    if data is None or not data.context:
        return unseen(id, title, "it is given no tokens in a row")
    layers = [x for x in case.looks[-1].layers if not x.table] if case.looks else []
    measured = f"it sees {data.context} token{'s' if data.context > 1 else ''}"
    if data.context == 1 and len(layers) >= 2:
        if math.isfinite(data.floor_here):
            measured += (
                f"; behind one the next can't be guessed better than {data.floor_here:.2f} nats"
                f", behind two {data.floor_longer:.2f}"
            )
        return failed(id, title, measured, "more than one", 0.72, "the inputs")
    return passed(id, title, measured, "more than one, for a network with hidden layers")


RULES = (
    labels_in_range,
    first_loss,
    saturated_at_first,
    units_differ,
    inputs_of_size,
    inputs_vary,
    answers_spread,
    labels_belong,
    labels_agree,
    suitable_loss,
    one_softmax,
    layers_bend,
    everything_learns,
    nothing_frozen,
    whole_loss_learns,
    penalty_small,
    future_unseen,
    examples_alone,
    judged_apart,
    outputs_used,
    context_long_enough,
)
