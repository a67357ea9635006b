"""The diagnosis: one object everywhere, one cause and not its symptoms, and a curve drawn on."""

import dataclasses
import json
import math

import numpy as np
import pytest
from core.doctor.rules.results import failed

from core.doctor.diagnosis import (
    VERDICTS,
    WIDTH,
    Cause,
    Check,
    Diagnosis,
    Experiment,
    Picture,
    Series,
)
from core.doctor.evidence import Evidence
from core.doctor.experiments.experiment import Outcome
from core.doctor.experiments.training_copies import LONGER, WIDER, Longer, Wider
from core.doctor.faults.gallery import FAULTS
from core.doctor.rules import RULES, judge
from core.doctor.verdict.causes import CAUSES
from core.doctor.verdict.conclusion import causes_of, conclude
from core.doctor.verdict.extrapolation import forecast

ISSUE = """lr_too_high lr_too_low lr_growing vanishing_gradient exploding_gradient dead_units
    saturated_units bad_init_scale symmetric_init inputs_not_normalised inputs_ignored
    labels_shuffled labels_noisy labels_out_of_range class_imbalance wrong_loss double_softmax
    no_nonlinearity gradients_not_zeroed wrong_update_sign parameter_not_trained
    detached_regulariser regulariser_dominates train_eval_mismatch future_leak batch_mixed
    data_overlap overfitting nan frozen_layer context_too_short vocabulary_unused oscillation
    plateau""".split()
"""The ids that scripts were promised."""
KEYS = {"verdict", "sentence", "confidence", "causes", "checks", "experiments"}
CAUSE_KEYS = {"id", "title", "where", "evidence", "fix", "confidence"}


def whole():
    """A diagnosis in which everything occurs, numbers that are none among them."""
    lines = Picture(
        "Loss",
        "lines",
        (
            Series("loss", (0.0, 1.0, 2.0), (3.3, math.nan, 2.5)),
            Series("extrapolated", (2.0, 4.0), (2.5, 2.25)),
        ),
        y_label="nats",
        log=True,
        levels=(("uniform guess", 3.3),),
    )
    bars = Picture("How many?", "bars", (Series("share", (0.0, 1.0), (0.25, 0.5)),), ("a", "b"))
    return Diagnosis(
        verdict="broken",
        sentence="A parameter receives no update: C: no gradient reaches it.",
        confidence=0.9,
        causes=(
            Cause(
                "parameter_not_trained",
                CAUSES["parameter_not_trained"].title,
                "C",
                "C: no gradient reaches it; expected: all move",
                CAUSES["parameter_not_trained"].fix,
                0.9,
                (("lr", 0.1), ("hidden", (64, 32)), ("schedule", "cosine"), ("batch_norm", True)),
            ),
            Cause(
                "lr_growing", "The learning rate grows", "", "from 0.1 to 0.3", "Let it fall.", 0.6
            ),
        ),
        checks=(
            Check("nan", "finite losses", True, "3 losses are", "numbers", picture=lines),
            Check("dead_units", "live units (no dead relu)", None, "there is no relu"),
            Check(
                "parameter_not_trained", "every parameter is trained", False, "C", "all", "C", 0.9
            ),
        ),
        experiments=(
            Experiment(
                "other_rates",
                "Would another rate learn better?",
                "x 1: 2.5",
                "",
                True,
                (("x1", 2.5), ("x100", math.nan)),
                0.75,
                bars,
            ),
            Experiment("wider", "Would more help?", "There was no time to try it.", "", None),
        ),
        settings=(("steps", 200),),
        seconds=1.25,
    )


def test_a_diagnosis_is_plain_json_with_the_promised_keys():
    """No NaN and no tuple is left in it, and scripts find the keys that they were promised."""
    plain = whole().to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert set(plain) >= KEYS and all(set(cause) >= CAUSE_KEYS for cause in plain["causes"])
    assert plain["experiments"][0]["values"][1] == ["x100", None]
    assert plain["checks"][0]["picture"]["series"][0]["y"] == [3.3, None, 2.5]


def test_a_diagnosis_is_read_as_it_was_written():
    """By way of JSON: pictures, settings and NaN are there again, and all of it is equal."""
    before = whole()
    after = Diagnosis.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))
    assert after == before
    assert math.isnan(after.experiments[0].values[1][1]) and after.text() == before.text()
    for verdict in VERDICTS:
        short = Diagnosis(verdict, "A sentence.", 0.5)
        assert Diagnosis.from_dict(short.to_dict()) == short


def test_a_diagnosis_can_not_be_changed():
    """It is one frozen object; who shows it can't alter what another one shows."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole().verdict = "fine"


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("verdict", "splendid", ValueError),
        ("causes", [{"id": "nan"}], (KeyError, TypeError)),
        ("checks", [5], (KeyError, TypeError)),
        ("experiments", [{"values": [[1]], "picture": None}], (ValueError, TypeError)),
        ("settings", 5, TypeError),
        ("surprise", 1, TypeError),
    ],
)
def test_what_is_no_diagnosis_is_refused(key, value, error):
    """What another program wrote ends in one of the errors that readers expect."""
    with pytest.raises(error):
        Diagnosis.from_dict({**whole().to_dict(), key: value})


def test_the_text_names_the_causes_and_fits_a_terminal():
    """Verdict first, each cause with number, place, evidence and mend; no line is too wide."""
    page = whole().text()
    lines = page.splitlines()
    assert lines[0].startswith("Something is wrong. A parameter receives no update")
    assert max(len(line) for line in lines) <= WIDTH
    assert "1. A parameter receives no update (C)" in page and "2. The learning rate grows" in page
    assert "parameter_not_trained, 90% sure" in page and "lr_growing, 60% sure" in page
    assert "Tried: Would another rate learn better? x 1: 2.5" in page
    assert "no time" not in page  # what could not be tried is no news
    assert "Passed checks: finite losses." in page
    assert "Not checked: live units (no dead relu)." in page


def test_every_promised_id_is_known_and_every_known_one_is_told():
    """The issue's list, the rules' and the gallery's ids are all in the table of causes."""
    assert set(ISSUE) <= set(CAUSES)
    empty = judge(Evidence(np.empty(0), np.empty(0), []))
    assert {check.id for check in empty} == set(CAUSES) and len(empty) == len(RULES)
    assert {fault.cause for fault in FAULTS.values()} <= set(CAUSES)
    assert {id for fault in FAULTS.values() for id in fault.also} <= set(CAUSES)
    for id, about in CAUSES.items():
        assert about.title and about.about.endswith(".") and about.fix.endswith((".", "?")), id
        assert set(about.explains) <= set(CAUSES) - {id}, id


def test_of_nothing_nothing_is_said():
    """No rule finds anything in a training of which nothing was seen."""
    empty = Evidence(np.empty(0), np.empty(0), [])
    checks = judge(empty)
    assert all(check.passed is None and check.measured for check in checks)
    found = conclude(empty, checks)
    assert found.verdict == "unknown" and not found.causes and found.confidence < 0.5


def test_every_rule_says_what_it_looks_at_and_by_what_right():
    """Each has a sentence of its own, which the docs are made from."""
    sentences = [rule.__doc__.splitlines()[0] for rule in RULES]
    assert all(sentence.endswith(".") or "(" in sentence for sentence in sentences)
    assert len(set(sentences)) == len(RULES)


# One cause, and not five symptoms of it.


def wrong(id, confidence, where=""):
    """A check that failed."""
    return failed(id, CAUSES[id].title, "measured", "expected", confidence, where)


def ids(*checks):
    """The causes that are left of some checks, in order."""
    return [cause.id for cause in causes_of(checks, {})]


def test_one_cause_and_not_five_symptoms_of_it():
    """A step uphill blows everything up; what is named is the step."""
    symptoms = ("lr_too_high", "exploding_gradient", "saturated_units", "oscillation", "nan")
    checks = [*(wrong(id, 0.9) for id in symptoms), wrong("wrong_update_sign", 0.95)]
    assert ids(*checks) == ["wrong_update_sign"] == ids(*reversed(checks))
    found = conclude(Evidence(np.arange(30), np.linspace(3, 30, 30), []), tuple(checks))
    assert found.verdict == "broken" and found.confidence == 0.95
    assert found.sentence.startswith(CAUSES["wrong_update_sign"].title)
    assert "expected" not in found.sentence and found.checks == tuple(checks)


def test_two_faults_are_two_causes():
    """What one does not explain is named beside it, the surer one first."""
    assert ids(wrong("detached_regulariser", 0.8), wrong("lr_growing", 0.9)) == [
        "lr_growing",
        "detached_regulariser",
    ]


def test_a_symptom_far_surer_than_its_reason_is_a_cause_of_its_own():
    """A weak suspicion explains nothing away; neither does a reason that is hardly sure."""
    assert ids(wrong("lr_too_high", 0.3), wrong("dead_units", 0.6)) == ["dead_units", "lr_too_high"]
    assert ids(wrong("lr_too_high", 0.55), wrong("dead_units", 0.95)) == [
        "dead_units",
        "lr_too_high",
    ]
    assert ids(wrong("lr_too_high", 0.55), wrong("dead_units", 0.6)) == ["lr_too_high"]


def test_of_two_that_explain_one_another_the_surer_is_named():
    """bad_init_scale makes a high rate burst, and the other way round."""
    for first, second in (("symmetric_init", "inputs_ignored"), ("wrong_loss", "nan")):
        assert second in CAUSES[first].explains
    pairs = [
        (a, b) for a in CAUSES for b in CAUSES[a].explains if a < b and a in CAUSES[b].explains
    ]
    for a, b in pairs:
        assert ids(wrong(a, 0.9), wrong(b, 0.7)) == [a]
        assert ids(wrong(a, 0.7), wrong(b, 0.9)) == [b]


def test_what_leaves_a_network_that_works_comes_last():
    """Overfitting stands behind what keeps it from learning, however sure it is."""
    assert ids(wrong("overfitting", 0.92), wrong("lr_growing", 0.6))[-1] == "overfitting"


def test_a_mere_suspicion_is_not_broken():
    """Below one half it stands among the causes, and the verdict is another."""
    case = Evidence(np.arange(400), 2 + 3 * (np.arange(400) + 1.0) ** -0.5, [])
    found = conclude(case, (wrong("plateau", 0.3),))
    assert found.verdict != "broken" and [cause.id for cause in found.causes] == ["plateau"]


def test_the_settings_that_mend_it_go_with_the_cause():
    """What a recipe can change is handed on; another cause's advice is not."""
    advice = {"lr_too_high": {"lr": 0.01}, "dead_units": {"init": "kaiming"}}
    (cause,) = causes_of((wrong("lr_too_high", 0.9),), advice)
    assert cause.settings == (("lr", 0.01),) and cause.fix == CAUSES["lr_too_high"].fix


@pytest.mark.parametrize(
    ("curve", "verdict"),
    [
        (lambda x: 1.0 + 4 * x**-0.3, "undertrained"),
        (lambda x: 2.0 + 3 * x**-1.0, "fine"),
        (lambda x: 2.0 + 0.001 * x, "unknown"),
    ],
    ids=["falls", "rests", "rises"],
)
def test_a_healthy_loop_is_judged_by_its_curve(curve, verdict):
    """Still falling is not trained enough; no update is fine; rising can't be told."""
    x = np.arange(600)
    found = conclude(Evidence(x, curve(x + 1.0), []), ())
    assert found.verdict == verdict and found.sentence and 0 < found.confidence < 1
    assert not found.causes


@pytest.mark.parametrize(
    ("curve", "verdict", "words"),
    [
        (lambda x: 1.0 + 4 * x**-0.3, "undertrained", "new data still falls"),
        (lambda x: 2.0 + 3 * x**-1.0, "fine", "has settled at 2."),
        (lambda x: 2.0 + (x / 600 - 0.4) ** 2, "fine", "at step 240"),
    ],
    ids=["falls", "rests", "rises again"],
)
def test_the_loss_on_new_data_counts_where_it_is_known(curve, verdict, words):
    """However far the batches' own loss still falls."""
    x, judged = np.arange(600), range(20, 620, 20)
    batches = 4 * (x + 1.0) ** -0.6
    case = Evidence(x, batches, [], [(step, float(curve(step))) for step in judged])
    found = conclude(case, ())
    assert found.verdict == verdict and words in found.sentence, found.sentence


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
        (LONGER, Longer(now=2.0, twice=1.9, gain=time, gap=gap)),
        (WIDER, Wider(loss=1.8, gain=size)),
    ):
        case.add(declared.done(Outcome(True, "measured", result)), result)
    found = conclude(case, (), {"too_small": {"hidden": (64,)}, "undertrained": {"steps": 800}})
    assert found.verdict == verdict
    fixes = {"too_small": (("hidden", (64,)),), "undertrained": (("steps", 800),)}
    assert found.settings == fixes.get(verdict, ())
    case.can_grow = False
    if verdict == "fine":
        assert conclude(case, ()).verdict == "at_floor"


# The curve, drawn on.


@pytest.mark.parametrize(
    ("a", "b", "c"), [(1.5, 8, 0.5), (0.5, 3, 0.97), (2, 5, 0.23), (0, 5, 0.33)]
)
def test_a_power_law_is_drawn_on_within_a_hundredth(a, b, c):
    """From a curve that is one, what twice and ten times the steps bring is found."""
    steps = np.arange(20, 2000, 20.0)
    found = forecast(steps, a + b * steps**-c)
    assert found.now == pytest.approx(a + b * steps[-1] ** -c, rel=0.01)
    assert found.twice == pytest.approx(a + b * (2 * steps[-1]) ** -c, rel=0.01)
    assert found.ten == pytest.approx(a + b * (10 * steps[-1]) ** -c, rel=0.05)


def test_a_loss_is_not_drawn_on_below_zero():
    """A curve that bends down at its end, as under a rate that falls to nothing."""
    steps = np.arange(20, 2000, 20.0)
    found = forecast(steps, 0.3 * (1 - steps / 2100))
    assert 0 <= found.low <= found.twice < found.now


def test_noise_widens_what_is_said():
    """With noise the true value still lies near the band, and the band is wider."""
    steps, noise = np.arange(20, 2000, 20.0), np.random.default_rng(1)
    curve = 1.5 + 8 * steps**-0.5
    sure, unsure = (
        forecast(steps, curve),
        forecast(steps, curve + noise.normal(0, 0.03, len(steps))),
    )
    assert unsure.high - unsure.low > sure.high - sure.low
    assert unsure.twice == pytest.approx(1.5 + 8 * (2 * steps[-1]) ** -0.5, rel=0.05)


@pytest.mark.parametrize(
    "losses",
    [
        lambda x: 2 + 0.01 * x,
        lambda x: np.full_like(x, np.nan),
        lambda x: np.where(x < 100, 3.0, np.inf),
    ],
    ids=["rises", "no numbers", "burst"],
)
def test_rubbish_is_not_drawn_on(losses):
    """A curve that rises, or is no curve, has no future that could be told."""
    steps = np.arange(20, 2000, 20.0)
    assert forecast(steps, losses(steps)) is None
    assert forecast(steps[:5], 3 - steps[:5] / 1000) is None
