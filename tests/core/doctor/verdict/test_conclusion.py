"""The verdict: one cause and not its symptoms, and which of the healthy verdicts it is."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.doctor.diagnosis import Check, Forecast, Picture, Proof
from core.doctor.evidence import Evidence
from core.doctor.experiments.experiment import Outcome
from core.doctor.experiments.training_copies import LONGER, WIDER, Longer, Wider
from core.doctor.faults.gallery import FAULTS
from core.doctor.rules import apply_rules
from core.doctor.verdict.calibration import calibrated
from core.doctor.verdict.causes import CAUSES
from core.doctor.verdict.conclusion import _by_forecast, causes_of, conclude
from tests.core.doctor.rules.helpers import loss, step
from tests.core.doctor.rules.helpers import steps as observed

ISSUE = """lr_too_high lr_too_low lr_growing vanishing_gradient exploding_gradient dead_units
    saturated_units bad_init_scale symmetric_init inputs_not_normalised inputs_ignored
    labels_shuffled labels_noisy labels_out_of_range class_imbalance wrong_loss double_softmax
    no_nonlinearity gradients_not_zeroed wrong_update_sign parameter_not_trained
    detached_regulariser regulariser_dominates train_eval_mismatch future_leak batch_mixed
    data_overlap overfitting nan frozen_layer context_too_short vocabulary_unused oscillation
    plateau""".split()
"""The ids that scripts were promised."""


def test_every_promised_id_is_known_and_every_known_one_is_told():
    """The issue's list, the rules' and the gallery's ids are all in the table of causes."""
    assert set(ISSUE) <= set(CAUSES)
    empty = apply_rules(Evidence(np.empty(0), np.empty(0), []))
    assert {check.id for check in empty} == set(CAUSES)
    assert {fault.cause for fault in FAULTS.values()} <= set(CAUSES)
    assert {id for fault in FAULTS.values() for id in fault.also} <= set(CAUSES)
    for id, about in CAUSES.items():
        assert about.title and about.about.endswith(".") and about.fix.endswith((".", "?")), id
        assert set(about.explains) <= set(CAUSES) - {id}, id


def test_of_nothing_nothing_is_said():
    """No rule finds anything in a training of which nothing was observed."""
    empty = Evidence(np.empty(0), np.empty(0), [])
    checks = apply_rules(empty)
    assert all(check.passed is None and check.measured for check in checks)
    found = conclude(empty, checks)
    assert found.verdict == "unknown" and not found.causes and found.confidence < 0.5


def wrong(id, confidence, where=""):
    """A check that failed."""
    return Check(id, id, False, "measured", "expected", where, confidence)


def ids(*checks):
    """The causes that are left of some checks, in order."""
    return [cause.id for cause in causes_of(checks)]


def test_one_cause_and_not_five_symptoms_of_it():
    """Gradient ascent makes everything diverge; what is named is the sign."""
    symptoms = ("lr_too_high", "exploding_gradient", "saturated_units", "oscillation", "nan")
    checks = [*(wrong(id, 0.9) for id in symptoms), wrong("wrong_update_sign", 0.95)]
    assert ids(*checks) == ["wrong_update_sign"] == ids(*reversed(checks))
    found = conclude(Evidence(np.arange(30), np.linspace(3, 30, 30), []), tuple(checks))
    assert found.verdict == "broken" and found.confidence == calibrated(0.95)
    assert found.sentence.startswith(CAUSES["wrong_update_sign"].title)
    assert "expected" not in found.sentence and found.checks == tuple(checks)


def test_two_faults_are_two_causes():
    """What one does not explain is named beside it, that of more confidence first."""
    assert ids(wrong("detached_regulariser", 0.8), wrong("lr_growing", 0.9)) == [
        "lr_growing",
        "detached_regulariser",
    ]


def test_a_symptom_of_far_more_confidence_is_a_cause_of_its_own():
    """A cause of little confidence explains nothing away."""
    assert ids(wrong("lr_too_high", 0.3), wrong("dead_units", 0.6)) == ["dead_units", "lr_too_high"]
    assert ids(wrong("lr_too_high", 0.55), wrong("dead_units", 0.95)) == [
        "dead_units",
        "lr_too_high",
    ]
    assert ids(wrong("lr_too_high", 0.55), wrong("dead_units", 0.6)) == ["lr_too_high"]


def test_of_two_that_explain_each_other_the_one_of_more_confidence_is_named():
    """bad_init_scale makes a high rate diverge, and the other way round."""
    for first, second in (("symmetric_init", "inputs_ignored"), ("wrong_loss", "nan")):
        assert second in CAUSES[first].explains
    pairs = [
        (a, b) for a in CAUSES for b in CAUSES[a].explains if a < b and a in CAUSES[b].explains
    ]
    for a, b in pairs:
        assert ids(wrong(a, 0.9), wrong(b, 0.7)) == [a]
        assert ids(wrong(a, 0.7), wrong(b, 0.9)) == [b]


def test_what_leaves_a_network_that_works_comes_last():
    """Overfitting comes after what keeps it from learning, whatever its confidence."""
    assert ids(wrong("overfitting", 0.92), wrong("lr_growing", 0.6))[-1] == "overfitting"


def test_what_is_not_sure_comes_behind_what_is():
    """Also behind overfitting, which then is the verdict."""
    unsure, sure = wrong("lr_too_low", 0.4), wrong("overfitting", 0.8)
    assert ids(unsure, sure) == ["overfitting", "lr_too_low"]
    assert ids(unsure, wrong("overfitting", 0.45)) == ["lr_too_low", "overfitting"]
    assert ids(wrong("lr_growing", 0.6), unsure, sure) == [
        "lr_growing",
        "overfitting",
        "lr_too_low",
    ]


@pytest.mark.parametrize("also", [(), ("lr_growing",)])
def test_overfitting_alone_breaks_nothing(also):
    """However long it has trained, the verdict is the one that has no cause beside it."""
    case = Evidence(np.arange(400), 2 + 3 * (np.arange(400) + 1.0) ** -0.5, [])
    found = conclude(case, tuple(wrong(id, 0.9) for id in ("overfitting", *also)))
    assert found.verdict == ("broken" if also else "overfitting")
    assert ("Nothing is broken, but it overfits" in found.sentence) == (not also)
    assert "overfitting" in [cause.id for cause in found.causes]


def test_little_confidence_is_not_broken():
    """Below one half it is among the causes, and the verdict is another."""
    case = Evidence(np.arange(400), 2 + 3 * (np.arange(400) + 1.0) ** -0.5, [])
    found = conclude(case, (wrong("plateau", 0.3),))
    assert found.verdict != "broken" and [cause.id for cause in found.causes] == ["plateau"]


def proof(proved, gain, settings=()):
    """A fix that was tried, from a loss of 2."""
    low, high = gain - 0.01, gain + 0.01
    return Proof(
        proved, "learning rate 0.01", "measured", 2.0, 2.0 - gain, gain, low, high, 100, settings
    )


def test_the_settings_that_were_proved_go_with_the_cause():
    """What a recipe can change is handed on where it was seen to help, and only there."""
    checks = (wrong("lr_too_high", 0.9),)
    better = proof(True, 0.5, (("lr", 0.01),))
    (cause,) = causes_of(checks, {"lr_too_high": better, "dead_units": proof(True, 0.1)})
    assert cause.settings == (("lr", 0.01),) and cause.proof is better
    assert cause.fix == "Take the learning rate 0.01, as was tried here."
    (cause,) = causes_of(checks, {"lr_too_high": proof(False, 0.0, (("lr", 0.01),))})
    assert cause.settings == () and cause.proof.proved is False
    assert cause.fix == CAUSES["lr_too_high"].fix
    (cause,) = causes_of(checks)
    assert cause.settings == () and cause.proof is None


def test_a_cause_whose_fix_brings_nothing_loses_rank():
    """A proved one goes before it; facts, and what was not certain, keep their place."""
    checks = (wrong("oscillation", 0.8), wrong("no_nonlinearity", 0.75))
    assert [c.id for c in causes_of(checks)] == ["oscillation", "no_nonlinearity"]
    useless = {"oscillation": proof(False, 0.0)}
    assert [c.id for c in causes_of(checks, useless)] == ["no_nonlinearity", "oscillation"]
    helped = {"no_nonlinearity": proof(True, 0.5)}
    assert causes_of(checks, helped)[0].id == "no_nonlinearity"
    (cause,) = causes_of((wrong("oscillation", 0.8),), useless)
    assert cause.score == 0.5  # odds of 4 to 1, a quarter of them
    unsure = proof(False, 0.05)
    assert causes_of(checks, {"oscillation": unsure})[0].id == "oscillation"
    (fact,) = causes_of((wrong("nan", 0.9),), {"nan": proof(False, 0.0)})
    assert fact.score == 0.9 and fact.confidence == calibrated(0.9)


@pytest.mark.parametrize(
    ("curve", "verdict"),
    [
        (lambda x: 1.0 + 4 * x**-0.3, "undertrained"),
        (lambda x: 2.0 + 3 * x**-1.0, "fine"),
        (lambda x: 2.0 + 0.001 * x, "unknown"),
    ],
    ids=["falls", "rests", "rises"],
)
def test_a_healthy_loop_is_called_by_its_curve(curve, verdict):
    """Still falling is undertrained; settled is fine; of a rising one the doctor can't tell."""
    x = np.arange(600)
    found = conclude(Evidence(x, curve(x + 1.0), []), ())
    assert found.verdict == verdict and found.sentence and 0 < found.confidence < 1
    assert not found.causes


@pytest.mark.parametrize(
    ("one_distance", "verdict"),
    [(0.56, "fine"), (0.1, "undertrained"), (math.nan, "undertrained")],
    ids=["told apart", "not yet", "no labelled pairs"],
)
def test_pairs_that_are_told_apart_have_nearly_all_been_learned(one_distance, verdict):
    """Of what a margin leaves the loss falls by a large part for ever, as 0.016 to 0.010."""
    x = np.arange(600)
    case = Evidence(x, 0.5 * (x + 1.0) ** -0.55, [], one_distance=one_distance)
    found = conclude(case, ())
    assert found.verdict == verdict, found.sentence
    assert ("one distance for all pairs has 0.560" in found.sentence) == (verdict == "fine")


def test_pairs_of_new_data_alone_say_little_of_what_is_told_apart():
    """Easier ones, or another scale: those of the training have to be told apart, too."""
    x, points = np.arange(600), range(20, 620, 20)
    new = [(step, 0.5 * step**-0.55) for step in points]
    told = Evidence(x, 0.5 * (x + 1.0) ** -0.55, [], new, one_distance=0.56)
    assert conclude(told, ()).verdict == "fine"
    harder = replace(told, losses=5 * (x + 1.0) ** -0.55)
    assert conclude(harder, ()).verdict == "undertrained"


def test_what_is_far_above_the_entropy_of_smoothed_labels_still_falls():
    """As where it was stopped too early."""
    x = np.arange(600)
    seen = loss(kind="cross_entropy", value=1.0, floor=0.537)
    case = Evidence(x, 0.6 + 4 * (x + 1.0) ** -0.3, [step(0, loss=1.0, criterion=seen)])
    assert conclude(case, ()).verdict == "undertrained"


@pytest.mark.parametrize(
    ("floor", "part", "verdict"),
    [(0.537, 1.0, "fine"), (0.0, 1.0, "undertrained"), (0.537, 0.5, "undertrained")],
    ids=["smoothed", "not smoothed", "half of a loss"],
)
def test_a_loss_has_settled_where_smoothed_labels_leave_no_lower_one(floor, part, verdict):
    """Of 0.556 hardly anything is left to gain, where none is below 0.537."""
    x = np.arange(600)
    losses = 0.54 + 2.2 * np.exp(-x / 90) + 0.03 * (1 - x / 600)
    seen = loss(kind="cross_entropy", value=1.0, floor=floor)
    found = conclude(Evidence(x, losses, [step(0, loss=part, criterion=seen)]), ())
    assert found.verdict == verdict, found.sentence
    assert found.forecast.median >= floor * (part == 1.0)


@pytest.mark.parametrize(
    ("curve", "verdict", "words"),
    [
        (lambda x: 1.0 + 4 * x**-0.3, "undertrained", "new data still falls"),
        (lambda x: 2.0 + 3 * x**-1.0, "fine", "has settled at 2."),
        (lambda x: 2.0 + (x / 600 - 0.4) ** 2, "overfitting", "stop at step 240"),
    ],
    ids=["falls", "rests", "rises again"],
)
def test_the_loss_on_new_data_counts_where_it_is_known(curve, verdict, words):
    """However far the loss on the batches still falls."""
    x, validated = np.arange(600), range(20, 620, 20)
    batches = 4 * (x + 1.0) ** -0.6
    case = Evidence(x, batches, [], [(step, float(curve(step))) for step in validated])
    found = conclude(case, ())
    assert found.verdict == verdict and words in found.sentence, found.sentence


def test_more_steps_are_not_advised_where_the_loss_on_new_data_is_above_an_earlier_one():
    """Measured three times it need not be overfitting, and is nothing that more steps lower."""
    steps = np.arange(2000)
    evidence = Evidence(steps, 1 + 4 * (steps + 1.0) ** -0.3, [])
    assert conclude(evidence, ()).verdict == "undertrained"
    evidence.validations = [(600, 1.6), (1200, 1.5), (1900, 1.6)]
    found = conclude(evidence, ())
    assert found.verdict == "unknown" and "more steps are not advised" in found.sentence


def test_the_loss_that_was_lowest_is_named():
    """As a chart of it shows it; its neighbours only say whether it was so by chance."""
    x = np.arange(1200)
    points = [(100, 0.9), (200, 0.25), (300, 0.6), (400, 0.7), (500, 0.8), (600, 0.9), (700, 1.0)]
    found = conclude(Evidence(x, 4 * (x + 1.0) ** -0.6, [], points), ())
    assert found.verdict == "overfitting" and "was lowest, 0.250, at step 200" in found.sentence


def test_a_training_that_goes_on_from_saved_weights_has_fallen_before(monkeypatch):
    """A gap to new data is held against what a guess loses, and not against its own first loss."""
    steps = np.arange(2000)
    evidence = Evidence(steps, 1.6 - 0.3 * steps / 2000, [], [(900, 1.65), (1900, 1.5)])
    assert "training examples alone" in conclude(evidence, ()).sentence
    monkeypatch.setattr(Evidence, "uniform", math.log(65))
    assert "training examples alone" not in conclude(evidence, ()).sentence


@pytest.mark.parametrize(
    ("visits", "median", "verdict"),
    [
        (math.nan, 0.9, "undertrained"),
        (0.1, 0.9, "undertrained"),
        (30.0, 0.9, "unknown"),
        (30.0, 0.3, "undertrained"),
    ],
    ids=["not known how often", "hardly again", "again and again", "stopped too early"],
)
def test_a_training_loss_that_falls_says_little_of_examples_met_often(visits, median, verdict):
    """It tells of new ones where each was met seldom, or where it has hardly begun to fall."""
    losses = np.linspace(4.0, 1.0, 2000)
    evidence = Evidence(np.arange(2000), losses, [], visits=99.0, sure_visits=visits)
    forecast = Forecast(
        4000, median, median, median, "training", 1.0, 0.9, Picture("", "lines", ())
    )
    said, sentence, sure = _by_forecast(evidence, forecast)
    assert said == verdict and "seen.validate(loss)" in sentence
    assert (sure < 0.5 and "30 times" in sentence) == (said == "unknown")
    unedited = _by_forecast(replace(evidence, is_unedited=True), forecast)[1]
    assert "torch.no_grad()" in unedited and "seen." not in unedited
    evidence.validations = [(1999, 1.1)]
    assert _by_forecast(evidence, forecast)[0] == "undertrained"


def test_a_small_gain_that_is_not_sure_is_not_called_undertrained():
    """Nor is it called settled."""
    evidence = Evidence(np.arange(2000), np.ones(2000), [])
    forecast = Forecast(4000, 0.97, 0.8, 1.02, "validation", 1.0, 0.8, Picture("", "lines", ()))
    unsure = _by_forecast(evidence, forecast)
    assert unsure[0] == "fine" and "settled" not in unsure[1] and "not sure" in unsure[1]
    for sure in ({"high": 0.99}, {"median": 0.9}):
        assert _by_forecast(evidence, replace(forecast, **sure))[0] == "undertrained"
    settled = _by_forecast(evidence, replace(forecast, median=0.995))
    assert settled[0] == "fine" and "has settled at 1" in settled[1]


@pytest.mark.parametrize(
    ("now", "high", "verdict"),
    [(0.04, 0.17, "fine"), (0.04, 0.03, "undertrained"), (0.4, 0.5, "undertrained")],
    ids=["little left", "surely falls", "much left"],
)
def test_what_little_is_left_of_a_loss_has_to_fall_surely(now, high, verdict):
    """Of 0.04, where a guess has 1.39, a quarter may be left or four times as much: all is well."""
    seen = loss(kind="cross_entropy", value=now, uniform=1.39)
    evidence = Evidence(np.arange(2000), np.full(2000, now), [step(0, loss=now, criterion=seen)])
    ahead = Forecast(4000, now / 4, 0.0, high, "training", now, 0.9, Picture("", "lines", ()))
    found = _by_forecast(evidence, ahead)
    assert found[0] == verdict and ("nearly all is learned" in found[1]) is (verdict == "fine")


@pytest.mark.parametrize(
    ("began", "high", "verdict"),
    [(1.6, 0.034, "fine"), (1.6, 0.03, "undertrained"), (0.05, 0.034, "undertrained")],
    ids=["of a density", "surely falls", "much of its fall"],
)
def test_much_of_a_loss_without_a_guess_is_much_of_its_fall(began, high, verdict):
    """From 1.6 to 0.032 nats, and perhaps to 0.012: that 0 is near says nothing."""
    losses = np.r_[began, np.full(1999, 0.032)]
    ahead = Forecast(4000, 0.012, 0.0, high, "training", 0.032, 0.9, Picture("", "lines", ()))
    assert _by_forecast(Evidence(np.arange(2000), losses, []), ahead)[0] == verdict


def test_one_low_loss_among_others_is_no_minimum():
    """Of some noisy losses on new data one is the lowest, which says nothing."""
    losses = [2.3, 0.274, 0.154, 0.151, 0.160, 0.152, 0.168, 0.158, 0.145, 0.154, 0.152, 0.150]
    steps = range(0, 1200, 100)
    x = np.arange(1200)
    case = Evidence(x, 1 + (x + 1.0) ** -0.5, [], [*zip(steps, losses, strict=True), (1200, 0.152)])
    assert conclude(case, ()).verdict != "overfitting"


def test_a_loss_that_wanders_slowly_has_not_risen():
    """A graph network's, on a few labelled nodes: as high now as it was again and again."""
    x = np.arange(300.0)
    wanders = 0.15 + 0.01 * np.sin(x / 4) + 1.3 * np.exp(-x / 8) - 0.012 * np.exp(-((x - 100) ** 2))
    case = Evidence(x, 0.1 + (x + 1.0) ** -0.9, [], list(zip(x, wanders, strict=True)))
    assert conclude(case, ()).verdict != "overfitting"
    case.validations = [(step, loss + 1e-6 * step**2) for step, loss in case.validations]
    assert conclude(case, ()).verdict == "overfitting"


def test_a_sum_over_new_examples_is_not_held_against_a_mean():
    """It falls as the training loss does, a thousand times as large all the time."""
    x = np.arange(1, 1001)
    losses = 100 + 400 * x**-0.5
    case = Evidence(x, losses, [], [(at, 800 * losses[at - 1]) for at in range(50, 1001, 50)])
    found = conclude(case, ())
    assert case.validates_on_other_scale and found.verdict != "overfitting"
    assert "is on another scale than that in training, 1" in found.sentence
    case.validations = [(at, 800 * losses[49] * (1 - at / 80_000)) for at in range(50, 1001, 50)]
    assert not case.validates_on_other_scale  # it stays where it was, nearly
    assert "another scale" not in conclude(case, ()).sentence
    case.validations = [(at, 1.5 * losses[at - 1]) for at in range(50, 1001, 50)]
    assert "another scale" not in conclude(case, ()).sentence


@pytest.mark.parametrize(("times", "other"), [(4000.0, True), (20.0, False)])
def test_a_sum_that_no_longer_falls_is_on_another_scale_and_what_is_memorised_is_not(times, other):
    """Neither loss falls where the first one on new data was measured late; of 20 times it may."""
    x = np.arange(1, 1001)
    losses = 1.7 + 0.5 * np.exp(-x / 20.0)
    case = Evidence(x, losses, [], [(at, times * 1.7) for at in range(400, 1001, 50)])
    assert case.validates_on_other_scale is other
    assert ("another scale" in conclude(case, ()).sentence) is other


@pytest.mark.parametrize(
    ("right", "loss", "verdict"),
    [(1.0, 2e-4, "fine"), (0.98, 2e-4, "undertrained"), (1.0, 0.1, "undertrained")],
)
def test_where_next_to_no_loss_is_left_more_steps_bring_nothing(right, loss, verdict):
    """However many of the planned ones are not done, and wherever that loss was lowest."""
    steps = np.arange(100)
    points = [(step, loss * (1 + 30 * math.exp(-step / 20))) for step in range(0, 100, 10)]
    if verdict == "fine":
        points[5] = (50, loss / 2)
    found = Evidence(steps, 0.7 * np.exp(-steps / 10.0), observed(), points, planned=1000)
    found.metrics = [(step, value, right) for step, value in points]
    answer = conclude(found, ())
    assert answer.verdict == verdict, answer.sentence
    assert ("it has learned this" in answer.sentence) is (verdict == "fine")


def test_a_run_that_goes_on_is_not_called_settled():
    """Before half of its steps are done, it is only said how far it is."""
    x = np.arange(100)
    found = conclude(Evidence(x, 2 + 3 / (x + 1.0), [], planned=1000), ())
    assert found.verdict == "undertrained" and "100 of 1,000 steps" in found.sentence


@pytest.mark.parametrize(
    ("time", "size", "gap", "verdict"),
    [
        (0.08, 0.01, 0.0, "undertrained"),
        (0.002, 0.09, 0.02, "too_small"),
        (0.002, 0.001, 0.02, "fine"),
        (0.002, 0.09, 0.6, "fine"),
    ],
    ids=["time", "size", "neither", "size, but it learns by memorising"],
)
def test_copies_that_trained_decide(time, size, gap, verdict):
    """What brings more, time or size, is the verdict; where neither does, it is fine."""
    case = Evidence(np.arange(400), 2 + 3 * (np.arange(400) + 1.0) ** -0.5, [])
    for declared, result in (
        (LONGER, Longer(now=2.0, twice=2.0 * (1 - time), gain=time, gap=gap)),
        (WIDER, Wider(loss=1.8, gain=size)),
    ):
        case.add(declared.done(Outcome(True, "measured", result)), result)
    fixes = {"too_small": (("hidden", (64,)),), "undertrained": (("steps", 800),)}
    case.proofs = {id: proof(True, 0.1, settings) for id, settings in fixes.items()}
    found = conclude(case, ())
    assert found.verdict == verdict
    assert ("to 1.80, but" if size > 0.05 and verdict == "fine" else "") in found.sentence
    assert found.settings == fixes.get(verdict, ())
    case.proofs = {id: proof(False, 0.0, settings) for id, settings in fixes.items()}
    assert conclude(case, ()).settings == ()
    case.can_grow = False
    if verdict == "fine":
        assert conclude(case, ()).verdict == "at_floor"


def copies(size, **measured):
    """Evidence of copies that trained for less time, and of a wider one."""
    case = Evidence(np.arange(400), 2 + 3 * (np.arange(400) + 1.0) ** -0.5, [])
    longer, wider = Longer(now=2.0, **measured), Wider(loss=2.0 * (1 - size), gain=size)
    for declared, result in ((LONGER, longer), (WIDER, wider)):
        case.add(declared.done(Outcome(True, "measured", result)), result)
    return case


def test_it_is_not_too_small_while_a_table_of_pairs_is_better_and_more_steps_help():
    """Early on a wider network only learns faster."""
    case = copies(0.035, twice=1.95, gain=0.025, gap=0.0)
    assert conclude(case, ()).verdict == "too_small"
    case.floors = {"pair": 1.8}
    assert conclude(case, ()).verdict == "undertrained"


def test_it_is_not_fine_while_a_table_of_pairs_is_better():
    """Its curve may stand still for a while."""
    case = copies(0.0, twice=2.0, gain=0.0, gap=0.0)
    assert conclude(case, ()).verdict == "fine"
    case.floors = {"pair": 1.8}
    found = conclude(case, ())
    assert found.verdict == "undertrained" and "bigram baseline, 1.80" in found.sentence


def test_it_overfits_where_a_copy_with_half_the_steps_is_better_on_new_data():
    """Also where the loss on new data was measured too seldom to be a curve."""
    risen = {"twice": 2.0, "gain": 0.0, "half": 1.82, "risen": 0.05}
    found = conclude(copies(0.2, gap=0.7, **risen), ())
    assert found.verdict == "overfitting" and "half the steps 1.82" in found.sentence
    assert conclude(copies(0.0, gap=0.1, **risen), ()).verdict == "fine"


@pytest.mark.parametrize(
    ("at", "new", "told"), [(399, 0.7, False), (399, 1.9, True), (50, 1.9, False)]
)
def test_what_holds_for_training_examples_alone_is_told(at, new, told):
    """By a validation at the end; an early one lies above the training loss in any case."""
    x = np.arange(400)
    case = Evidence(x, 0.5 + 2.8 * np.exp(-x / 60.0), [], [(0, 3.3), (at, new)])
    found = conclude(case, ())
    assert ("for its training examples alone" in found.sentence) is told, found.sentence
    assert found.verdict == "unknown" or not told


EARLY_STOPPED = """0.330 0.081 0.052 0.066 0.035 0.030 0.029 0.027 0.029 0.025 0.025 0.014 0.038
    0.015 0.063 0.017 0.019 0.012 0.014 0.036 0.017 0.015 0.019 0.025"""


def test_a_loop_that_stops_when_nothing_new_is_lower_has_not_overfitted_for_that():
    """Its last losses on new data lie above the lowest by how it stops; they jump about as ever."""
    losses = [float(loss) for loss in EARLY_STOPPED.split()]
    x = np.arange(1200)
    case = Evidence(
        x, 0.02 + (x + 1.0) ** -0.6, [], [*zip(range(49, 1200, 50), losses, strict=True)]
    )
    assert conclude(case, ()).verdict != "overfitting"
    smooth = [*sorted(losses[:18], reverse=True), 0.014, 0.016, 0.018, 0.020, 0.022, 0.024]
    case.validations = [*zip(range(49, 1200, 50), smooth, strict=True)]
    assert conclude(case, ()).verdict == "overfitting"
