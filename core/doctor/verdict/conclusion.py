"""From checks and experiments to one diagnosis: one cause, not five symptoms of it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...numbers import figures, percent
from ...telemetry.events import Array
from ..diagnosis import WORTH_IT, Cause, Check, Diagnosis, Forecast, Proof
from ..evidence import Evidence
from ..experiments.proved_fixes import RATES
from ..experiments.reference_networks import LEFT, References
from ..experiments.training_copies import Longer, Wider
from ..watch.training_kind import ACTOR, ADVERSARIAL, INPUTS, RANGE_TEST
from .calibration import calibrated
from .capacity import (
    NEAR,
    at_floor,
    below_baseline,
    by_size,
    overfitting_by_size,
    settled_on_new,
)
from .causes import CAUSES
from .forecast import forecast_of
from .kinds import fix_of

BROKEN = 0.5
"""The confidence of a cause that makes the verdict ``broken``."""
CLEARER = 0.3
"""By so much more confidence a symptom is a cause of its own."""
EARLY = 0.5
"""Share of the planned steps, before which a curve is not called settled."""
SURELY = 0.05
"""The part of the loss by which twice the steps lower it, from which on that need not be sure."""
MIN_VALIDATIONS = 5
"""Losses on new data, from which on it is seen whether they have risen for good."""
ROBUST, MEDIAN_OF_THREE, STRAYS = 1.48, 0.45, 2.0
"""A standard deviation in median absolute deviations; the variance of a median of three; and the
standard deviations by which a loss that is above another one is not so by chance."""
WANDERS = 10
"""Losses on new data since the lowest, from which on it is seen how far they stray from a line."""
BASELINE = 1.02
"""A loss on tokens above so much of what a table of pairs reaches has more to learn."""
UNSEEN = (
    " Whether it generalises can't be told from training losses: measure the loss on data that it"
    " does not learn from, {}."
)
HAND_IT_ON = "and hand it to seen.validate(loss)"
IN_BETWEEN = "under torch.no_grad() between its steps, as after each epoch"
"""How a loss on new data is shown, around a loop of one's own and in a program as it is."""
HELPED, USELESS = 1.5, 0.25
"""By what the odds of a cause are multiplied where its fix helps, and where it surely does not."""
REFUTABLE = ("lr_too_high", "lr_too_low", "lr_growing", "lr_vanished", "oscillation")
"""Causes that are nothing but what their fix changes: where that brings nothing, they are doubtful.
Others, such as a wrong sign, are facts, or may have a better fix than the one that was tried."""
REFUTED = 0.3
"""Confidence, up to which a cause that was refuted is none any more."""
ORDER = list(CAUSES)
MILD = (
    "overfitting",
    "vocabulary_unused",
    "data_overlap",
    "context_too_short",
    "oscillation",
    "metric_disagrees",
)
"""They leave a network that works, so that they come after what keeps it from learning."""
NOT_LEARNED = 0.3
"""The part of the fall of the training loss by which that on new data may lie above it."""
ANYWHERE = ("crash", "nan")
"""Causes of whatever is optimised."""
RATE_BRINGS = (*CAUSES["lr_growing"].explains, *CAUSES["lr_too_high"].explains)
"""What a learning rate brings that is raised until the loss diverges."""
NEW_EACH_TIME = (
    " Hardly any example came twice, so that it is nearly the loss on new data; to be sure, measure"
    " that, {}."
)
LOSSES_ALONE = (
    " No weights were seen that ask for a gradient, as where a function is differentiated"
    " (torch.func.grad): judged are its losses alone, and no layer, gradient or update."
)
OTHER_UNITS = (
    " The loss on new data, {}, is on another scale than that in training, {}, from the start, as"
    " in other units or as a sum beside a mean: the two can't be compared, so that overfitting"
    " would show late. Measure both by the same loss function, of targets in the same units."
)
SELDOM = 0.3
"""Times that an example may have been met before, for its loss to be that of a new one."""
OFTEN = 2.0
"""Times from which on a training loss that falls may be that of memorised examples."""
NEGLIGIBLE = 0.01
"""The part of a guess's loss on new data that is next to nothing, where all answers are right."""
LITTLE = 0.04
"""The part of a guess's loss from which on down that it falls further has to be sure."""
TOLD_APART = 0.05
"""The part of the loss of one distance for all pairs, from which on down they are told apart."""
STEEP = 0.15
"""The part of what the loss has fallen so far, by which it falls with twice the steps where it was
stopped too early, however often the examples were met."""


def causes_of(
    checks: tuple[Check, ...], proofs: Mapping[str, Proof] | None = None
) -> tuple[Cause, ...]:
    """Return what is wrong, most likely first, without what is explained by something else.

    Args:
        checks: all that were made.
        proofs: whether the fix of a cause helps, by its id.
    """
    proofs = proofs or {}
    wrong = [check for check in checks if check.passed is False and check.id in CAUSES]
    wrong = [_weighed(check, proofs.get(check.id)) for check in wrong]
    wrong = [c for c in wrong if c.confidence > REFUTED or not _refuted(c, proofs.get(c.id))]
    kept = [check for check in wrong if not _explained(check, wrong)]
    kept.sort(key=_place)
    if any(check.id == "overfitting" and check.confidence >= BROKEN for check in kept):
        kept.sort(key=lambda check: check.confidence < BROKEN)  # what is not sure comes behind it
    return tuple(
        Cause(
            id=check.id,
            title=CAUSES[check.id].title,
            where=check.where,
            evidence=f"{check.measured}; expected: {check.expected}",
            fix=_advice(check, proofs.get(check.id)),
            confidence=calibrated(check.confidence),
            settings=_proved(proofs.get(check.id)),
            proof=proofs.get(check.id),
            score=check.confidence,
        )
        for check in kept
    )


def _proved(proof: Proof | None) -> tuple[tuple[str, Any], ...]:
    """Return the settings that were seen to help."""
    return proof.settings if proof is not None and proof.proved else ()


def _advice(check: Check, proof: Proof | None) -> str:
    """Return what fixes a cause: the learning rate that was seen to, or what usually does."""
    if check.id in RATES and proof is not None and proof.proved:
        return f"Take the {proof.fix}, as was tried here."
    return fix_of(check.id, f"{check.where} {check.measured}")


def _refuted(check: Check, proof: Proof | None) -> bool:
    """Whether a cause that is nothing but what its fix changes was seen not to be helped by it."""
    return proof is not None and proof.refuted and check.id in REFUTABLE


def _weighed(check: Check, proof: Proof | None) -> Check:
    """Return a check with the confidence that its fix leaves it, by Bayes' rule."""
    if proof is None:
        return check
    odds = check.confidence / (1 - check.confidence)
    if proof.proved:
        odds *= HELPED
    elif _refuted(check, proof):
        odds *= USELESS
    return replace(check, confidence=round(min(0.99, odds / (1 + odds)), 2))


def _place(check: Check) -> tuple[bool, bool, float, int]:
    late = check.id == "overfitting"  # much else makes a network generalise badly
    mild = check.id in MILD and check.confidence < 0.7
    return late, mild, -check.confidence, ORDER.index(check.id)


def _rank(check: Check) -> tuple[float, int]:
    return check.confidence, -ORDER.index(check.id)


def _explained(check: Check, wrong: list[Check]) -> bool:
    """Whether another failed check is the cause of this one."""
    for other in wrong:
        if other is check or check.id not in CAUSES[other.id].explains:
            continue
        back = other.id in CAUSES[check.id].explains
        if back and _rank(check) > _rank(other):
            continue  # each may cause the other: the one of more confidence does
        if other.confidence >= BROKEN and check.confidence < other.confidence + CLEARER:
            return True
    return False


def conclude(evidence: Evidence, checks: tuple[Check, ...], seconds: float = 0.0) -> Diagnosis:
    """Return the diagnosis of a training.

    Args:
        evidence: all that is known of it.
        checks: those of the rules.
        seconds: how long it took.
    """
    asked = checks
    if evidence.training_kind == INPUTS:  # that its network does not learn is as it should be
        asked = tuple(check for check in checks if check.id in ANYWHERE)
    if evidence.training_kind == RANGE_TEST:  # that its last rates are far too high, too
        asked = tuple(check for check in checks if check.id not in RATE_BRINGS)
    causes = causes_of(asked, evidence.proofs)
    experiments = tuple(evidence.experiments.values())
    forecast: Forecast | None = None
    proof: Proof | None = None
    if causes and causes[0].score >= BROKEN:
        first = causes[0]
        measured = first.evidence.split("; expected")[0].rstrip(".")
        verdict, title = "broken", first.title
        if first.id == "overfitting":  # it comes last: nothing else is wrong
            verdict, title = "overfitting", "Nothing is broken, but it overfits"
        sentence, sure = f"{title}: {measured}.", first.confidence
    else:
        verdict, sentence, sure, forecast = _healthy(evidence)
        proof = evidence.proofs.get(verdict)
    if evidence.losses_alone:
        sentence += LOSSES_ALONE
    if evidence.validates_on_other_scale and evidence.loss_is_comparable:
        sentence += OTHER_UNITS.format(
            figures(evidence.validations[-1][1]), figures(evidence.ended)
        )
    if evidence.networks > 1:
        which = f"judged is the last, by its {evidence.done:,} steps"
        if evidence.chosen_by:
            which = f"judged is the best, number {evidence.network}, by {evidence.chosen_by}"
        sentence += f" {evidence.networks} networks were trained one after another: {which}."
    sure = round(sure, 2)
    return Diagnosis(
        verdict,
        sentence,
        sure,
        causes,
        checks,
        experiments,
        _proved(proof),
        seconds,
        evidence.training_kind,
        forecast,
        proof,
    )


def _healthy(evidence: Evidence) -> tuple[str, str, float, Forecast | None]:
    """Distinguish overfitting, undertrained, too small, at its floor and fine."""
    if evidence.crash:
        return "unknown", f"The loop ended with an error: {evidence.crash}.", 0.3, None
    if evidence.training_kind == INPUTS:
        return (
            "unknown",
            "Nothing wrong was found. Recognised as an optimisation of inputs, such as an attack or"
            " a picture, through a network that stays as it is: no network is trained here.",
            0.4,
            None,
        )
    if evidence.training_kind == RANGE_TEST:
        return (
            "unknown",
            "Nothing wrong was found. Recognised as a learning-rate range test: it looks for a"
            " rate, and does not train its network.",
            0.4,
            None,
        )
    if evidence.training_kind in (ADVERSARIAL, ACTOR) and len(evidence.losses) >= 20:
        return (
            "unknown",
            f"Nothing wrong was found. Recognised as {evidence.training_kind}: the height of such a"
            " loss does not tell whether it is trained enough; judge what it makes or does.",
            0.4,
            None,
        )
    if len(evidence.losses) < 20 or not math.isfinite(evidence.ended):
        return "unknown", "Too few steps were observed; let it run for longer.", 0.3, None
    if found := _has_learned_all(evidence) or _overfitting(evidence):
        return *found, None
    if found := overfitting_by_size(evidence) or _overfitting_by_copies(evidence):
        return *found, None
    forecast = forecast_of(evidence)
    if isinstance(forecast, str):
        hint = _unseen(evidence)
        if found := by_size(evidence, 0.0):
            verdict, sentence, sure = found
            return verdict, f"{sentence}{hint}", sure, None
        return "unknown", f"Its loss can't be forecast: {forecast}.{hint}", 0.35, None
    if longer := evidence.result(Longer):
        return *_by_copies(evidence, forecast, longer, evidence.result(Wider)), forecast
    return *_by_forecast(evidence, forecast), forecast


def _has_learned_all(evidence: Evidence) -> tuple[str, str, float] | None:
    """See whether all new data is answered rightly, and hardly any loss is left to be lowered."""
    if not evidence.metrics or not evidence.loss_is_comparable:
        return None
    _, loss, right = evidence.metrics[-1]
    if right < 1.0 or not 0.0 <= loss <= NEGLIGIBLE * _guess(evidence):
        return None
    return (
        "fine",
        "Nothing is wrong, and it has learned this: all answers to new data are right, and the loss"
        f" there is {figures(loss)}, where the same answer to all examples has"
        f" {figures(_guess(evidence))}. More time would bring nothing.",
        0.9,
    )


def _unseen(evidence: Evidence) -> str:
    """Return how to let it see whether it generalises; "" where that is seen, or not theirs."""
    compared = evidence.result(References)
    known = evidence.validations or (compared is not None and compared.is_new)
    if known or not evidence.can_validate:
        return ""
    words = NEW_EACH_TIME if evidence.visits < SELDOM else UNSEEN
    return words.format(IN_BETWEEN if evidence.is_unedited else HAND_IT_ON)


def _overfitting(evidence: Evidence) -> tuple[str, str, float] | None:
    """See whether the loss on new data has risen for good, while that in training falls."""
    points = [(step, loss) for step, loss in evidence.validations if math.isfinite(loss)]
    if len(points) < MIN_VALIDATIONS or not evidence.loss_is_comparable:
        return None
    steps, losses = np.array(points, float).T
    tail = max(1, len(losses) // 10)
    now, lowest = float(losses[-tail:].mean()), int(losses.argmin())
    if lowest > 0.8 * (len(losses) - 1):
        return None  # it need not have risen for good
    around = max(1, tail // 2)  # one that is lower than its neighbours may be so by chance
    near = slice(max(0, lowest - around), lowest + around + 1)
    best, at = float(np.median(losses[near])), float(steps[lowest])
    since = losses[lowest:]
    tried = evidence.result(References)
    noise = max(_noise_between(losses, lowest, tail), tried.noise * abs(now) if tried else 0.0)
    if len(since) > WANDERS and steps[-1] > at:  # one that wanders slowly has small differences
        line = np.polynomial.Polynomial.fit(steps[lowest:], since, 1)
        noise = max(noise, float((since - line(steps[lowest:])).std()))
    if now < best + WORTH_IT * abs(best) + noise:
        return None
    then = evidence.losses[(evidence.steps >= 0.8 * at) & (evidence.steps <= 1.2 * at)]
    if len(then) and not evidence.ended < np.nanmean(then):
        return None  # both rise: that is no overfitting
    if tried is not None and tried.is_new:
        if tried.time_gain > (now - best) / abs(now):
            return None  # a copy that went on came below the lowest
        if tried.own < tried.own_trained:
            return None  # nothing that it learned holds for its training examples alone
    return (
        "overfitting",
        f"Nothing is broken, but it overfits: the loss on new data was lowest,"
        f" {figures(losses[lowest])}, at"
        f" step {at:,.0f}, and is {figures(now)} now, while the training loss falls. More steps"
        f" make it worse: stop at step {at:,.0f}, or try more data, dropout or weight decay.",
        min(0.92, 0.6 + 2 * (now - best) / abs(best)),
    )


def _noise_between(losses: Array, lowest: int, tail: int) -> float:
    """Return by how much the last losses may lie above the lowest one and its neighbours by chance.

    Each may stray from its neighbours; of what turns or rises smoothly none does.

    Args:
        losses: on new data, (n,).
        lowest: the place of the lowest.
        tail: how many of the last ones are averaged.
    """
    late = losses[min(lowest, len(losses) // 2) :]
    first = float(np.median(np.abs(np.diff(losses[lowest:])))) / math.sqrt(tail)
    if len(late) < MIN_VALIDATIONS:
        return first
    # Of three independent losses the second difference has a variance of six times theirs.
    each = ROBUST * float(np.median(np.abs(np.diff(late, 2)))) / math.sqrt(6)
    return max(first, STRAYS * each * math.sqrt(1 / tail + MEDIAN_OF_THREE))


def _overfitting_by_copies(evidence: Evidence) -> tuple[str, str, float] | None:
    """See whether a copy that trained for half the steps is better on new data, and not on old."""
    longer = evidence.result(Longer)
    if longer is None or not longer.risen or longer.gap < NEAR:
        return None
    return (
        "overfitting",
        f"Nothing is broken, but it overfits: its loss on new data is {figures(longer.now)}, that"
        f" of a copy with half the steps {figures(longer.half)}, and on training data it is lower"
        f" by {percent(longer.gap)}. Stop earlier, or try more data, dropout or weight decay.",
        min(0.92, 0.6 + 2 * longer.risen),
    )


def _has_risen(evidence: Evidence) -> tuple[str, str, float] | None:
    """See whether a loss on new data that was measured seldom is above an earlier one."""
    points = [(step, loss) for step, loss in evidence.validations if math.isfinite(loss)]
    if not 1 < len(points) < MIN_VALIDATIONS or not evidence.loss_is_comparable:
        return None
    at, best = min(points, key=lambda point: point[1])
    now = points[-1][1]
    if now < best + WORTH_IT * abs(best):
        return None
    return (
        "unknown",
        f"Nothing wrong was found; but the loss on new data was {figures(best)} at step {at:,}, and"
        f" is {figures(now)} now: it may overfit, so that more steps are not advised. Measure that"
        " loss more often to see.",
        0.4,
    )


def _knows_training_examples(evidence: Evidence) -> tuple[str, str, float] | None:
    """See whether much of what the training loss fell by does not hold on new data."""
    recent = 0.8 * evidence.done
    points = [x for step, x in evidence.validations if step >= recent and math.isfinite(x)]
    if not points or not evidence.loss_is_comparable:
        return None
    # A training that goes on from saved weights begins far below a guess.
    began = max(evidence.began, evidence.uniform if math.isfinite(evidence.uniform) else 0.0)
    now, fallen = points[-1], began - evidence.ended
    if evidence.validates_on_other_scale or not now - evidence.ended > NOT_LEARNED * fallen > 0.0:
        return None
    return (
        "unknown",
        f"Nothing wrong was found; but the loss is {figures(evidence.ended)} in training and"
        f" {figures(now)} on new data: much of what it has learned holds for its training examples"
        " alone, so that more steps are not advised. Measure the loss on new data more often, to"
        " see whether it has risen; more data, dropout or weight decay may help.",
        0.5,
    )


def _still_falls(evidence: Evidence, forecast: Forecast) -> bool:
    """Whether twice the steps lower the loss by much, or by a little and surely.

    Where no guess's loss is known, 0 may be no floor, as of a density's logarithm, or never
    reached: by much is then measured by what the loss has fallen by, too.
    """
    much = SURELY * abs(forecast.now)
    if math.isnan(_guess(evidence)):
        much = max(much, SURELY * (evidence.began - forecast.now))
    sure = forecast.now - forecast.median >= much or forecast.high < forecast.now
    return forecast.gain >= WORTH_IT and sure


def _has_learned_nearly_all(evidence: Evidence, forecast: Forecast) -> bool:
    """Whether twice the steps lower the loss by next to nothing of what it has fallen by.

    Of pairs that are told apart a margin leaves little, which falls by a large part of itself; so
    does what little is left of any loss, unless it is sure.
    """
    guess, gain = _guess(evidence), forecast.now - forecast.median
    if max(forecast.now, evidence.ended) <= TOLD_APART * evidence.one_distance:
        return True
    if forecast.now <= LITTLE * guess and forecast.high >= forecast.now:
        return True
    return gain <= LEFT * (guess - forecast.now)


def _guess(evidence: Evidence) -> float:
    """Return the loss of the same answer to all examples, or NaN."""
    tried = evidence.result(References)
    return tried.guess if tried else evidence.uniform


def _may_memorise(evidence: Evidence, forecast: Forecast) -> bool:
    """Whether a training loss that still falls may be that of examples met again and again."""
    fallen, falls = evidence.began - forecast.now, forecast.now - forecast.median
    return evidence.sure_visits >= OFTEN and falls < STEEP * max(fallen, 0.0)


def in_words(forecast: Forecast, evidence: Evidence) -> str:
    """Say what a forecast says: "in twice the time about 2.10 (2.05 to 2.16)"."""
    when = "in twice the time" if forecast.at == 2 * evidence.done else f"at step {forecast.at:,}"
    band = f"{figures(forecast.low)} to {figures(forecast.high)}"
    ended = evidence.rate_has_decayed and forecast.at > evidence.planned
    longer = ", if its schedule is made twice as long" if ended else ""
    return f"{when} about {figures(forecast.median)} ({band}){longer}"


def _by_forecast(evidence: Evidence, forecast: Forecast) -> tuple[str, str, float]:
    """Decide by what more steps would bring, and by what a baseline reaches."""
    what = "the loss on new data" if forecast.on == "validation" else "the training loss"
    now, ahead, hint = figures(forecast.now), in_words(forecast, evidence), _unseen(evidence)
    if evidence.done < EARLY * evidence.planned:
        return (
            "undertrained",
            f"Nothing is wrong so far: {evidence.done:,} of {evidence.planned:,} steps are done;"
            f" {what} is {now}, {ahead}.{hint}",
            0.5,
        )
    if found := by_size(evidence, forecast.gain):
        verdict, sentence, sure = found
        return verdict, f"{sentence}{hint}", sure
    tried = settled_on_new(evidence)
    if tried and tried.longer_share < 1 and forecast.on == "validation":
        # So many steps again count more than any forecast, fewer only than one that is not sure.
        tried = tried if forecast.high > forecast.now else None
    rare = _has_risen(evidence) or _knows_training_examples(evidence)
    if forecast.on == "training" and rare:
        return rare
    nearly_all = _has_learned_nearly_all(evidence, forecast)
    if _still_falls(evidence, forecast) and tried is None:
        if hint and _may_memorise(evidence, forecast):
            return (
                "unknown",
                f"Nothing wrong was found. The training loss still falls: it is {now} now, {ahead}."
                f" But each example was met some {evidence.sure_visits:,.0f} times: it may be"
                f" memorising them, and more steps need not help with new ones.{hint}",
                0.4,
            )
        if not nearly_all:
            return (
                "undertrained",
                f"Nothing is wrong; {what} still falls. It is {now} now, {ahead}.{hint}",
                round(min(0.92, max(0.5, forecast.chance)), 2),
            )
    new = evidence.new_loss if math.isfinite(evidence.new_loss) else forecast.now
    if found := _above_baseline(evidence, what, new, hint) or below_baseline(evidence):
        return found
    settled = f"{what} has settled at {now}: {ahead}"
    if forecast.gain >= WORTH_IT:
        settled = f"that more steps lower {what} is not sure: it is {now} now, {ahead}"
        if nearly_all:
            same = f"the same answer to all examples has {figures(_guess(evidence))}"
            if math.isfinite(evidence.one_distance):
                same = f"one distance for all pairs has {figures(evidence.one_distance)}"
            settled = f"nearly all is learned: {what} is {now} now, {ahead}, where {same}"
    if tried is not None and forecast.gain >= WORTH_IT:
        settled = (
            f"its loss on new examples has settled at {figures(tried.own)}: {tried.again}, of"
            f" a copy, take it to {figures(tried.longer)}"
        )
        if forecast.on == "training":
            settled += ", however far the training loss still falls"
    if at_floor(evidence):
        verdict = "at_floor"
        settled += "; no network of another size and no baseline is better on the same new examples"
    else:
        verdict = "fine"
    sure = 0.9 - 0.4 * forecast.chance
    return verdict, f"Nothing is wrong, and {settled}.{hint}", round(sure, 2)


def _above_baseline(
    evidence: Evidence, what: str, loss: float, hint: str = ""
) -> tuple[str, str, float] | None:
    """See whether a table of what follows one token is still better."""
    known = evidence.data.pair_entropy if evidence.data else math.nan
    floor = evidence.floors.get("pair", known)
    if not loss > BASELINE * floor or evidence.ended < floor:
        return None
    return (
        "undertrained",
        f"Nothing wrong was found, but {what}, {figures(loss)}, is still above that of a bigram"
        f" baseline, {figures(floor)}: let it train for longer.{hint}",
        0.55,
    )


def _by_copies(
    evidence: Evidence, forecast: Forecast, longer: Longer, wider: Wider | None
) -> tuple[str, str, float]:
    """Decide by what was measured: copies trained for longer, copies that are larger."""
    now, by_time = longer.now, forecast.gain
    more = _still_falls(evidence, forecast) and not _has_learned_nearly_all(evidence, forecast)
    by_size = wider.gain if wider else 0.0
    undertrained = (
        "undertrained",
        f"Nothing is wrong; it needs more time. The loss on new data is {figures(now)},"
        f" {in_words(forecast, evidence)}.",
    )
    early = _above_baseline(evidence, "the loss on new data", now)
    # Above what a table reaches, a wider network may only learn faster.
    if more and (by_time >= 0.8 * by_size or early):
        return *undertrained, min(0.92, 0.6 + 5 * by_time)
    if wider and by_size > WORTH_IT and longer.gap < NEAR:
        return (
            "too_small",
            f"Nothing is wrong, but the model is too small: with twice the width the loss on new"
            f" data goes from {figures(now)} to {figures(wider.loss)}, more time brings less.",
            min(0.92, 0.6 + 5 * by_size),
        )
    if more:
        return *undertrained, 0.6
    if early:
        return early
    if not evidence.can_grow:
        return (
            "at_floor",
            f"It is as good as this kind of model can be: {figures(now)}, and neither more time nor"
            " more size would lower that.",
            0.8,
        )
    other = "neither twice the steps nor twice the width would lower it by much"
    if wider and by_size > WORTH_IT:
        other = (
            f"twice the steps would not lower it by much. Twice the width would, to"
            f" {figures(wider.loss)}, but on training data it is lower by {percent(longer.gap)}"
            " already: more data, dropout or weight decay come first"
        )
    return "fine", f"Nothing is wrong. The loss on new data is {figures(now)}; {other}.", 0.75
