"""What can be seen of the data: inputs, labels, and whether both belong together."""

import math
import re

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.step_experiments import BatchLeakage, OverfitBatch, ShuffledInputs
from ..watch.observation import Observation
from .results import failed, passed, unseen

LARGE = 10.0
"""Root mean square of inputs; the lectures' and torchvision's normalisations give about 1."""

MAJORITY = 0.75
"""Share of one answer among three or more; of two: 0.92."""

OUT = re.compile(
    r"target -?\d+ is out of bounds|index -?\d+ is out of bounds|index out of range"
    r"|class values must be|out of range|>= n_classes|device-side assert",
    re.IGNORECASE,
)

NOISE = 0.13

NOISE_GAP = 0.07


def labels_in_range(case: Evidence) -> Check:
    """Every label is one of the outputs: 0 to K - 1."""
    id, title = "labels_out_of_range", "labels within the outputs"
    if case.crash and OUT.search(case.crash):
        return failed(id, title, case.crash, "labels from 0 to K - 1", 0.95, "the labels")
    for look in case.observations:
        seen = look.criterion
        told = (
            seen.is_classification
            and seen.integer_targets
            and seen.classes > 1
            and seen.target_count
        )
        if told and (seen.target_min < 0 or seen.target_max >= seen.classes):
            span = (
                f"labels from {seen.target_min:g} to {seen.target_max:g} for {seen.classes} outputs"
            )
            return failed(id, title, span, f"0 to {seen.classes - 1}", 0.95, "the labels")
    first = case.first
    if not first or not first.criterion.is_classification:
        return unseen(id, title, "it does not choose between classes")
    seen = first.criterion
    return passed(
        id, title, f"{seen.target_min:g} to {seen.target_max:g}", f"0 to {seen.classes - 1}"
    )


def inputs_of_size(case: Evidence) -> Check:
    """Numbers that go in have about mean 0 and spread 1."""
    id, title = "inputs_not_normalised", "size of the inputs"
    first = case.first
    given = [x for x in first.inputs if not x.is_tokens and x.finite] if first else []
    if not given:
        return unseen(id, title, "its inputs are not numeric")
    worst = max(given, key=lambda x: x.mean**2 + x.std**2)
    size = math.sqrt(worst.mean**2 + worst.std**2)
    measured = f"mean {worst.mean:.3g}, spread {worst.std:.3g}"
    if size > LARGE or (abs(worst.mean) > 4 * worst.std > 0 and abs(worst.mean) > 2):
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, size)))
        return failed(id, title, measured, "mean 0, spread 1", sure, "the inputs")
    return passed(id, title, measured, "mean 0, spread 1")


def inputs_vary(case: Evidence) -> Check:
    """Different examples are given, and answered differently."""
    id, title = "inputs_ignored", "answers that depend on the inputs"
    if case.constant_inputs:
        return failed(id, title, "every example is the same", "examples differ", 0.9, "the inputs")
    looks = [look for look in case.observations if look.inputs]
    dull = [look for look in looks if all(x.constant for x in look.inputs if len(x.shape) > 0)]
    if looks and len(dull) == len(looks):
        return failed(id, title, "every example is the same", "examples differ", 0.9, "the inputs")
    trial = case.experiments.get("inputs_exchanged")
    if trial is not None and trial.passed is False:
        found = case.result(ShuffledInputs)
        sure = 0.95 if found and found.change == 0 else 0.6  # else something has faded on its way
        return failed(id, title, trial.measured, trial.expected, sure, "between input and output")
    if not looks and case.observations and case.observations[-1].criterion.kind:
        return failed(
            id, title, "no data goes into the loss but the labels", "inputs", 0.6, "the inputs"
        )
    if trial is None or trial.passed is None:
        return unseen(id, title, trial.measured if trial else "it was not tried")
    return passed(id, title, trial.measured, trial.expected)


def answers_spread(case: Evidence) -> Check:
    """No single answer makes up nearly all of them."""
    id, title = "class_imbalance", "how frequent each answer is"
    if not case.first or (not case.first.criterion.is_classification and not _binary(case.first)):
        return unseen(id, title, "it does not choose between classes")
    shares = [x.criterion.top_share for x in case.observations if x.criterion.target_count >= 16]
    top = sum(shares) / len(shares) if shares else 0.0
    classes = case.first.criterion.classes
    if case.data and case.data.top_share > 0:
        top, classes = case.data.top_share, max(classes, case.data.classes)
    limit = 0.92 if _binary(case.first) or classes == 2 else MAJORITY
    measured = f"the most frequent answer is {top:.0%} of all"
    if top > limit:
        return failed(id, title, measured, f"below {limit:.0%}", 0.6 + 0.35 * top, "the labels")
    return passed(id, title, measured, f"below {limit:.0%}")


def _binary(look: Observation) -> bool:
    return "binary" in look.criterion.kind


def labels_belong(case: Evidence) -> Check:
    """Simple means guess labels from inputs better than their frequency does."""
    id, title = "labels_shuffled", "labels that belong to their inputs"
    data = case.data
    if case.first and case.first.criterion.kind in ("mse_loss", "square"):
        return _quantities_belong(case, id, title)
    if not case.first or not (case.first.criterion.is_classification or _binary(case.first)):
        return unseen(id, title, "it does not choose between classes")
    if data is not None and math.isfinite(data.predictability):
        measured = f"simple means guess them {data.predictability:.0%} better than their frequency"
        # What has been learned beyond frequencies belongs together, whatever few examples say.
        learned = case.ended < 0.9 * data.entropy and data.predictability > 0.005
        if data.predictability < 0.02 and not learned:
            return failed(id, title, measured, "well above 0 %", 0.85, "the labels")
        return passed(id, title, measured, "well above 0 %")
    entropy = data.entropy if data else math.nan
    trial = case.experiments.get("overfit_one_batch")
    if math.isfinite(entropy) and trial is not None and trial.passed and len(case.losses) > 300:
        level = case.ended / entropy if entropy > 0 else math.nan
        measured = f"the loss rests at {case.ended:.3g}, knowing frequencies alone is {entropy:.3g}"
        means = case.smooth(20)
        rests = means[len(means) // 2] - means[-1] < 0.01 * abs(means[-1])
        if 0.97 < level < 1.1 and rests:
            return failed(id, title, measured, "clearly less", 0.6, "the labels")
        return passed(id, title, measured, "clearly less")
    return unseen(id, title, "too few examples were seen")


def _quantities_belong(case: Evidence, id: str, title: str) -> Check:
    """A batch is overfitted, but all of them no better than by one constant answer."""
    trial = case.experiments.get("overfit_one_batch")
    constant, found = case.uniform, case.result(OverfitBatch)
    if not found or not trial or not trial.passed or not constant > 0 or len(case.losses) < 200:
        return unseen(id, title, "it was not tried, or too few steps were seen")
    measured = f"the loss is {case.ended:.3g}, that of one constant answer {constant:.3g}"
    if 0.95 < case.ended / constant < 1.15 and found.end < 0.6 * constant:
        return failed(id, title, measured, "clearly less", 0.65, "the targets")
    return passed(id, title, measured, "clearly less")


def labels_agree(case: Evidence) -> Check:
    """Examples that are alike have the same label."""
    id, title = "labels_noisy", "labels that agree with one another"
    data = case.data
    gap = case.training_harder
    if math.isfinite(gap) and gap > NOISE_GAP:
        measured = f"training examples are {gap:.0%} harder than new ones"
        return failed(id, title, measured, "about as hard", 0.6 + min(0.3, gap), "the labels")
    if data is None or not math.isfinite(data.label_noise):
        return unseen(id, title, "the examples can't be compared by simple means")
    measured = f"{data.label_noise:.0%} contradict their nearest neighbours"
    if data.label_noise > NOISE and not (data.predictability < 0.02):
        return failed(
            id, title, measured, f"below {NOISE:.0%}", 0.55 + data.label_noise, "the labels"
        )
    return passed(id, title, measured, f"below {NOISE:.0%}")


def future_unseen(case: Evidence) -> Check:
    """What is to be guessed does not stand in the input."""
    id, title = "future_leak", "the answer is not in the input"
    told = [look for look in case.observations if any(x.leaks_target for x in look.inputs)]
    if told and len(told) > len(case.observations) / 2:
        return failed(id, title, "the labels stand in the inputs", "no", 0.93, "the inputs")
    trial = case.experiments.get("future_hidden")
    if trial is not None and trial.passed is False:
        return failed(id, title, trial.measured, trial.expected, 0.93, "what looks back")
    if not case.observations or not any(look.inputs for look in case.observations):
        return unseen(id, title, "the inputs were not understood")
    measured = trial.measured if trial and trial.passed else "the inputs do not hold the labels"
    return passed(id, title, measured, "not at all")


def examples_alone(case: Evidence) -> Check:
    """Each example is answered for itself."""
    id, title = "batch_mixed", "examples apart from one another"
    swapped = [look for look in case.observations if any(x.transposed for x in look.inputs)]
    if swapped and len(swapped) > len(case.observations) / 2:
        measured = "what follows a token stands below it and not beside it"
        return failed(id, title, measured, "a row for each sequence", 0.9, "the batch")
    if any(look.criterion.broadcast for look in case.observations):
        measured = "a row of answers is held against a column of targets, each against all"
        return failed(id, title, measured, "equal shapes", 0.95, "the loss")
    across = [look for look in case.observations if look.criterion.softmax_over_batch]
    if across and len(across) > len(case.observations) / 2:
        measured = "a softmax runs along the batch"
        return failed(id, title, measured, "along the answers", 0.93, "before the loss")
    trial = case.experiments.get("examples_apart")
    if trial is not None and trial.passed is False:
        found = case.result(BatchLeakage)
        sure = 0.6 if found and found.normed else 0.85
        return failed(id, title, trial.measured, trial.expected, sure, "between input and output")
    if trial is None or trial.passed is None:
        return unseen(id, title, trial.measured if trial else "it was not tried")
    return passed(id, title, trial.measured, trial.expected)


def judged_apart(case: Evidence) -> Check:
    """No validation example is a training example."""
    id, title = "data_overlap", "judged on other data"
    data = case.data
    if data is None or not math.isfinite(data.overlap):
        return unseen(id, title, "no data that judges was seen")
    measured = f"{data.overlap:.0%} of {data.overlap_with} is learned from"
    if data.overlap > 0.4:
        return failed(id, title, measured, "none", 0.6 + 0.35 * data.overlap, data.overlap_with)
    return passed(id, title, measured, "none")


def outputs_used(case: Evidence) -> Check:
    """Most outputs are the target of some example."""
    id, title = "vocabulary_unused", "outputs that occur as answers"
    data = case.data
    classes = case.first.criterion.classes if case.first else 0
    if data is None or not math.isfinite(data.classes_used) or classes < 15:
        return unseen(id, title, "there are few outputs, or too few answers were seen")
    used = data.classes_used * classes
    share = min(1.0, used / max(1.0, classes - case.spare_classes))
    measured = f"{data.classes_used:.0%} of {classes:,} outputs occur"
    if share < 0.5:
        sure = 0.9 - 0.6 * share
        return failed(id, title, measured, "most of them", sure, "the vocabulary")
    return passed(id, title, measured, "most of them")


def context_long_enough(case: Evidence) -> Check:
    """A network with hidden layers sees more than the last token or two (Shannon 1951)."""
    id, title = "context_too_short", "how far it sees"
    data = case.data
    if data is None or not data.context:
        return unseen(id, title, "it is given no tokens in a row")
    layers = (
        [x for x in case.observations[-1].layers if not x.is_embedding] if case.observations else []
    )
    measured = f"it sees {data.context} token{'s' if data.context > 1 else ''}"
    if data.context == 1 and len(layers) >= 2:
        if math.isfinite(data.context_entropy):
            measured += (
                "; behind one the next can't be guessed better than"
                f" {data.context_entropy:.2f} nats, behind two {data.longer_context_entropy:.2f}"
            )
        return failed(id, title, measured, "more than one", 0.72, "the inputs")
    return passed(id, title, measured, "more than one, for a network with hidden layers")


RULES = (
    labels_in_range,
    inputs_of_size,
    inputs_vary,
    answers_spread,
    labels_belong,
    labels_agree,
    future_unseen,
    examples_alone,
    judged_apart,
    outputs_used,
    context_long_enough,
)
