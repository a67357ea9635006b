"""Rules on inference: whether the network is used as it is trained."""

import math

import numpy as np

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.mode_experiments import BothModes
from ..watch.observation import Observation
from ..watch.wiring import ATTENTION
from .rule import Rule, names, rule

MANY_STEPS = 150
"""After which the running statistics of a batch norm have caught up."""
MIN_LATER = 3
"""Observed steps in eval mode, after those in training mode."""
LATELY = 0.8
"""Part of the steps up to a validation, behind which training losses are compared with it."""
LEARNED, FAR_ABOVE, STAYS, FAR_MORE = 0.9, 0.3, 0.95, 0.1
"""Of a guess by class frequency: the loss of what was learned, and the gap to new data that is none
of chance. The part of its first loss below which new data is learned, and accuracy above the
most frequent class, where its loss is of another scale."""
MANY_VALIDATIONS, SAME, HALVED, OTHER_UNITS = 3, 0.03, 0.5, 100.0
"""Losses on new data, by which part of them they differ where what is learned does not show; the
part of the first loss that is left where something was learned; and times that first loss."""
RATIO, MARGIN = 1.07, 0.02
"""By which the loss in inference may be above that in training, of one batch."""


@rule(
    "context_frozen",
    "context of a generation",
    "Each token that is drawn is in the context of the next one.",
    "a context that moves on",
    "makemore, part 2",
)
def context_frozen(rule: Rule, evidence: Evidence) -> Check:
    if evidence.inference is None:
        return rule.not_checked("inference was not observed (with seen.using(): ...)")
    if count := evidence.inference.same_context:
        measured = f"{count} tokens were drawn, each from the same context"
        return rule.failed(measured, 0.95, "the generation")
    if not evidence.inference.drawn:
        return rule.not_checked("no tokens were drawn one after another")
    return rule.passed("it moves on")


@rule(
    "stale_cache",
    "cache of keys and values",
    "Attention looks at a key for each position so far, in inference as in training.",
    "a key for each position",
)
def stale_cache(rule: Rule, evidence: Evidence) -> Check:
    if evidence.inference is None:
        return rule.not_checked("inference was not observed (with seen.using(): ...)")
    if evidence.inference.stale:
        return rule.failed(evidence.inference.stale, 0.93, "the cache")
    if not any(ATTENTION in step.parts for step in evidence.observations):
        return rule.not_checked(f"there is no {ATTENTION}")
    return rule.passed("as many keys as positions")


@rule(
    "train_eval_mismatch",
    "inference as in training",
    "Training and inference are the same: layers, normalisation, modes, preprocessing. New data"
    " costs less than a guess where batches do that came for the first time.",
    "the same",
    "makemore, part 3",
)
def train_eval_mismatch(rule: Rule, evidence: Evidence) -> Check:
    used = evidence.inference
    if used is not None:
        missing, extra = list(used.missing), list(used.extra)
        limit = RATIO * used.training_loss + MARGIN
        if limit < used.inference_loss < math.inf:
            measured = (
                f"the same batch has a loss of {used.training_loss:.3g} as in training,"
                f" {used.inference_loss:.3g} as in inference"
            )
            measured += f"; different: {names(missing + extra)}" if missing or extra else ""
            return rule.failed(measured, 0.92, "inference", "the same loss")
        if missing or extra:
            parts = [f"missing in inference: {names(missing)}"] if missing else []
            parts += [f"different in inference: {names(extra)}"] if extra else []
            return rule.failed("; ".join(parts), 0.9, "inference")
        if used.training_modules:
            measured = f"{names(used.training_modules)} in training mode during inference"
            return rule.failed(measured, 0.88, "inference", "model.eval()")
    if evidence.training_mode_in_eval:
        measured = f"{names(evidence.training_mode_in_eval)} in training mode during evaluation"
        return rule.failed(measured, 0.75, "the evaluation", "model.eval()")
    steps = evidence.observations[1:] or evidence.observations
    in_eval_mode = [step for step in steps if step.eval_modules]
    if in_eval_mode and _keep_statistics(evidence):
        return rule.passed("what was trained before keeps the statistics that it has from there")
    if in_eval_mode and (
        len(in_eval_mode) > len(steps) / 2
        or _since_then(in_eval_mode[0], steps, [at for at, _ in evidence.validations])
    ):
        measured = f"{names(in_eval_mode[-1].eval_modules)} in eval mode during training"
        return rule.failed(measured, 0.88, "the training", "model.train()")
    copied = evidence.experiments.get("validated_copy")
    if copied is not None and copied.passed is False:
        return rule.failed(copied.measured, 0.85, "the evaluation", copied.expected)
    done = evidence.experiments.get("both_modes")
    if done is not None and done.passed is False and evidence.observations[-1].step > MANY_STEPS:
        return rule.failed(done.measured, 0.75, "batch norm or dropout", done.expected)
    if words := _in_other_units(evidence) or _new_data_guessed(evidence):
        return rule.failed(words, 0.85, "the validation", "about what a new batch costs")
    if used is None and (done is None or not done.passed):
        return rule.not_checked("inference was not observed (with seen.using(): ...)")
    modes = evidence.result(BothModes)
    if done is not None and done.passed and modes and math.isfinite(modes.used):
        return rule.passed(done.measured, done.expected)
    return rule.passed("training and inference are the same")


def _keep_statistics(evidence: Evidence) -> bool:
    """Whether what is in eval mode from the first step on was trained before: fine-tuning.

    There statistics of small batches may be worse than those that they have.
    """
    modules = {name for step in evidence.observations for name in step.eval_modules}
    kept = all(f"{name}.weight" in evidence.trained_before for name in modules)
    return kept and all(step.eval_modules for step in evidence.observations)


def _in_other_units(evidence: Evidence) -> str:
    """Say that new data costs far more than a first guess in training, and always as much; else "".

    As where outputs are compared with targets that are not scaled as those of training are. What is
    only a sum beside a mean falls with it.
    """
    losses = [loss for _, loss in evidence.validations if math.isfinite(loss)]
    if len(losses) < MANY_VALIDATIONS or not evidence.loss_is_comparable:
        return ""
    stays = max(losses) - min(losses) < SAME * max(losses)
    learned = evidence.ended < HALVED * evidence.began
    if not (stays and learned and min(losses) > OTHER_UNITS * evidence.began > 0.0):
        return ""
    return (
        f"new data costs {min(losses):.3g} to {max(losses):.3g} all the time, while the loss in"
        f" training falls from {evidence.began:.3g} to {evidence.ended:.3g}: there the targets are"
        " of another size"
    )


def _new_data_guessed(evidence: Evidence) -> str:
    """Say that new data is no better than guessed, and never was; "" where it need not be so.

    Before an example of training came twice, a batch was as new as other data: where one costs far
    less than the other, they differ, or what is done with them does. Overfitting comes later.
    """
    first, data = evidence.first, evidence.data
    points = [(step, loss) for step, loss in evidence.validations if math.isfinite(loss)]
    early = [(step, loss) for step, loss in points if evidence.visits * step <= evidence.done]
    if first is None or data is None or not evidence.is_supervised or not early or len(points) < 2:
        return ""
    loss, guess = first.criterion, data.entropy
    if not loss.is_classification or loss.weighted or first.summed > 1 or not guess > 0:
        return ""
    step, new = early[-1]
    batches = evidence.losses[(evidence.steps <= step) & (evidence.steps >= LATELY * step)]
    trained = float(np.nanmean(batches)) if np.isfinite(batches).any() else math.inf
    falls = points[-1][1] < STAYS * points[0][1]
    right = max((accuracy for _, _, accuracy in evidence.metrics), default=0.0)
    if min(value for _, value in points) < guess or falls or right > data.top_share + FAR_MORE:
        return ""
    if not (trained < LEARNED * guess and new - trained > FAR_ABOVE * guess):
        return ""
    return (
        f"at step {step}, before an example came twice, a batch of training cost {trained:.3g} and"
        f" new data {new:.3g}, more than a guess by class frequency, {guess:.3g}"
    )


def _since_then(first: Observation, steps: list[Observation], validated: list[int]) -> bool:
    """Whether all steps from one on are in eval mode: for more than half of the time.

    Or since the network was validated for the first time, however few of them were observed.
    """
    later = [step for step in steps if step.step >= first.step]
    long = first.step < steps[-1].step / 2 and len(later) >= MIN_LATER
    before = max((step.step for step in steps if step.step < first.step), default=0)
    left = bool(validated) and before <= validated[0] <= first.step
    return (long or left) and all(step.eval_modules for step in later)
