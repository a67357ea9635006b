"""The diagnosis: one frozen object, which is written as JSON and read again, and as text."""

import dataclasses
import json
import math

import pytest

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
from core.doctor.verdict.causes import CAUSES

KEYS = {"verdict", "sentence", "confidence", "causes", "checks", "experiments"}
CAUSE_KEYS = {"id", "title", "where", "evidence", "fix", "confidence"}


def whole():
    """A diagnosis in which everything occurs, NaN among its numbers."""
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
    bars = Picture("Units", "bars", (Series("share", (0.0, 1.0), (0.25, 0.5)),), ("a", "b"))
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
            Check("nan", "NaN in the loss", True, "3 losses are", "numbers", picture=lines),
            Check("dead_units", "dead units", None, "there is no hidden relu layer"),
            Check(
                "parameter_not_trained", "every parameter is trained", False, "C", "all", "C", 0.9
            ),
        ),
        experiments=(
            Experiment(
                "other_rates",
                "Other learning rates",
                "x 1: 2.5",
                "",
                True,
                (("x1", 2.5), ("x100", math.nan)),
                0.75,
                bars,
            ),
            Experiment("wider", "Wider model", "There was no time to try it.", "", None),
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


def test_a_cause_that_is_more_often_wrong_than_right_is_not_called_sure():
    """The words of the verdict follow its confidence."""
    assert Diagnosis("broken", "Plateau.", 0.23).text().startswith("Something may be wrong. Plat")
    assert Diagnosis("broken", "Plateau.", 0.5).headline == VERDICTS["broken"]
    assert Diagnosis("fine", "It has settled.", 0.4).headline == VERDICTS["fine"]


def test_a_diagnosis_can_not_be_changed():
    """It is one frozen object; who shows it can't alter what another one shows."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole().verdict = "fine"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "splendid"),
        ("sentence", 7),
        ("confidence", "high"),
        ("causes", [{"id": "nan"}]),
        ("checks", [5]),
        ("experiments", [{"values": [[1]], "picture": None}]),
        ("settings", 5),
    ],
)
def test_what_is_no_diagnosis_is_refused(key, value):
    """What another program wrote ends in the error that readers expect."""
    with pytest.raises(ValueError):
        Diagnosis.from_dict({**whole().to_dict(), key: value})


def test_the_text_names_the_causes_and_fits_a_terminal():
    """Verdict first, each cause with number, place, evidence and fix; no line is too wide."""
    page = whole().text()
    lines = page.splitlines()
    assert lines[0].startswith("Something is wrong. A parameter receives no update")
    assert max(len(line) for line in lines) <= WIDTH
    assert "1. A parameter receives no update (C)" in page and "2. The learning rate grows" in page
    assert "parameter_not_trained, confidence 90%" in page and "lr_growing, confidence 60%" in page
    assert "Experiment: Other learning rates. x 1: 2.5" in page
    assert "no time" not in page  # what could not be tried is left out
    assert "Passed checks: NaN in the loss." in page
    assert "Not checked: 1; the window and --json say which, and why." in page


def test_of_what_was_not_observed_no_checks_are_listed():
    """As where a program ends with an error before its loop."""
    unseen = dataclasses.replace(
        whole(), causes=(), checks=(Check("dead_units", "dead units", None, "none"),)
    )
    assert "dead units" not in unseen.text() and "hecked" not in unseen.text()
