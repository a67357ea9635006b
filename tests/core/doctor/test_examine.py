"""A run under the doctor's eyes: what he names, when he says it, and that he changes nothing."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from core import playgrounds
from core.doctor.diagnosis import CUT_SHORT, VERDICTS, Diagnosis
from core.doctor.examine import examine, examine_checkpoint
from core.doctor.experiments.replay import Replay
from core.doctor.faults.fault_injection import FaultInjection, FaultyLearner
from core.doctor.faults.gallery import FAULTS, fitting
from core.doctor.run_doctor import RunDoctor
from core.doctor.verdict.causes import CAUSES
from core.layers import layers_of
from core.telemetry.events import (
    ENDINGS,
    Diagnosed,
    Failed,
    Finished,
    Metrics,
    Progress,
    Started,
    Stopped,
)
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.learner import Learner
from core.training.trainer import Run, train

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SMALL = {
    "digits mlp": ("digits", "plain mlp", {"hidden": (32,), "batch_size": 32}, 60),
    "names mlp": (
        "names",
        "tuned mlp",
        {"hidden": (32,), "embedding": 8, "context": 4, "batch_size": 64},
        60,
    ),
    "names gru": ("names", "tuned gru", {"width": 24, "embedding": 8, "batch_size": 24}, 50),
    "text mlp": (
        "text",
        "tuned mlp",
        {"tokenizer": "characters", "context": 4, "width": 16, "hidden": (32,), "batch_size": 64},
        60,
    ),
}
"""A playground, a recipe of it, made small, and how many steps it is given."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The data of each playground; for text some tens of thousands of characters."""
    found = {name: playgrounds.get(name).load(None) for name in ("digits", "names")}
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    text = playgrounds.get("text").load(None).corpus.val.start(100_000)
    path.write_text(text, encoding="utf-8")
    found["text"] = playgrounds.get("text").load(path)
    return found


@pytest.fixture
def made(loaded):
    """Make a run of a small recipe by its name: ``made("names mlp", fault="cut")``."""

    def make(name, fault=None, changes=None, steps=None, **rest):
        playground, base, settings, usual = SMALL[name]
        found = playgrounds.get(playground)
        recipe = found.recipes[base].replace({"steps": 0, **settings, **(changes or {})})
        if fault:
            rest["make_learner"] = partial(FaultyLearner, FAULTS[fault].make())
        rest = {"watched": True, "probe_every": 1.0, **rest}
        return Run(found, recipe, loaded[playground], CPU, None, steps or usual, **rest)

    return make


def told(run, budget=1.5, control=None):
    """Examine a run; return its events."""
    return list(examine(run, control or Control(), budget))


def last(events):
    """The last diagnosis among events."""
    return [e for e in events if isinstance(e, Diagnosed)][-1].diagnosis


@pytest.mark.parametrize("name", SMALL)
def test_a_clean_run_has_no_cause(made, name):
    """Some tens of steps of a sound recipe: nothing is broken, and nothing is blamed."""
    events = told(made(name), budget=3.0)
    found = last(events)
    assert found.verdict != "broken" and not found.causes, found.text()
    assert found.verdict in VERDICTS and found.experiments and found.seconds > 0
    assert CUT_SHORT not in found.sentence
    assert isinstance(events[-1], Finished)


PLANTED = [
    ("digits mlp", ("cut", "uphill", "softmax_twice", "beyond", "marked")),
    ("names mlp", ("cut", "uphill", "softmax_twice", "beyond", "told")),
    ("names gru", ("uphill", "beyond", "not_zeroed", "left_out")),
    ("text mlp", ("cut", "negative", "softmax_twice", "not_zeroed", "told")),
]


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name, faults in PLANTED for fault in faults]
)
def test_a_planted_fault_is_named_first(made, name, fault):
    """What was broken on purpose is found, in every playground, and stands first."""
    events = told(made(name, fault, steps=40))
    found = last(events)
    right = {FAULTS[fault].cause, *FAULTS[fault].also}
    assert found.verdict == "broken" and found.causes[0].id in right, found.text()
    assert found.sentence.startswith(CAUSES[found.causes[0].id].title)


@pytest.mark.parametrize(
    ("name", "fault", "ending"),
    [
        ("names mlp", None, Finished),
        ("names mlp", "uphill", Finished),
        ("digits mlp", "beyond", Failed),
        ("digits mlp", "not_a_number", Failed),
    ],
)
def test_the_final_word_comes_once_and_before_the_ending(made, name, fault, ending):
    """One diagnosis is the last one; one ending follows it, and then nothing more."""
    events = told(made(name, fault, steps=80), budget=1.0)
    finals = [n for n, e in enumerate(events) if isinstance(e, Diagnosed) and e.final]
    endings = [n for n, e in enumerate(events) if isinstance(e, ENDINGS)]
    assert isinstance(events[0], Started) and len(finals) == 1
    assert endings == [len(events) - 1] and type(events[-1]) is ending
    assert finals[0] == len(events) - 2
    assert all(0 <= e.share <= 1 and e.words for e in events if isinstance(e, Progress))


def test_a_crash_of_torch_is_a_failure_with_a_sentence(made):
    """Labels that no output stands for: the run fails in words, and the diagnosis says why."""
    events = told(made("digits mlp", "beyond"))
    assert isinstance(events[-1], Failed) and "ended with an error" in events[-1].sentence
    assert last(events).causes[0].id == "labels_out_of_range"


def test_the_same_diagnosis_from_every_event(made):
    """What is told on the way and at the end can be read again from JSON."""
    for event in told(made("names mlp", "cut")):
        if isinstance(event, Diagnosed):
            plain = event.diagnosis.to_dict()
            assert Diagnosis.from_dict(plain).to_dict() == plain


def test_a_run_that_is_stopped_is_still_diagnosed(made):
    """Stop in the middle: no copies are trained, the final word is said, the ending is Stopped."""
    control, events = Control(), []
    for event in examine(made("names mlp", steps=100_000), control, 2.0):
        events.append(event)
        if isinstance(event, Metrics) and event.step > 50:
            control.stop()
    assert isinstance(events[-1], Stopped) and events[-2].final
    assert not any(trial.id in ("longer", "wider") for trial in last(events).experiments)
    assert last(events).sentence.endswith(CUT_SHORT)


@pytest.mark.parametrize("part", ["Overfit one batch", "Twice as many", "Trying the fix"])
@pytest.mark.parametrize("abandon", [False, True])
def test_an_experiment_ends_before_its_next_step(made, part, abandon, monkeypatch):
    """Whichever it is: Stop, and a window that closes, wait for a step and not for the rest."""
    control, begun, steps = Control(), [], []

    def counted(method):
        def call(*arguments, **rest):
            steps.extend(begun[:1])
            if len(steps) == 3:
                control.stop(abandon)
            return method(*arguments, **rest)

        return call

    monkeypatch.setattr(Learner, "learn", counted(Learner.learn))
    monkeypatch.setattr(Replay, "repeat", counted(Replay.repeat))
    run = made("names mlp", "rate_high" if part == "Trying the fix" else None)
    events = []
    for event in examine(run, control, 60.0):
        events.append(event)
        if isinstance(event, Progress) and event.words.startswith(part):
            begun.append(part)
    assert begun and len(steps) == 3
    assert events[-2].final and isinstance(events[-1], Finished)
    assert last(events).sentence.endswith(CUT_SHORT)
    assert sum(isinstance(event, Diagnosed) and event.final for event in events) == 1


def test_copies_are_trained_where_nothing_is_wrong(made):
    """Half as long, a quarter as long and twice as wide: their losses on new data are told."""
    found = last(told(made("names mlp"), budget=15.0))
    trials = {trial.id: trial for trial in found.experiments}
    assert trials["longer"].passed is not None and trials["wider"].passed is not None
    assert "hidden = (64,)" in trials["wider"].measured
    assert trials["longer"].picture.kind == "lines" and trials["wider"].picture.kind == "bars"
    assert found.verdict == "undertrained" and dict(found.settings)["steps"] == 120


def test_what_counts_is_counted(loaded):
    """A table of counts has no steps to look at; its verdict is that it is at its floor."""
    names = playgrounds.get("names")
    run = Run(names, names.recipes["counted bigram"], loaded["names"], CPU, None, 1)
    events = list(examine(run, Control(), 1.0))
    assert isinstance(events[-1], Finished) and events[-2].final
    assert last(events).verdict == "at_floor" and not last(events).causes


def test_a_checkpoint_is_gone_on_from_and_diagnosed(made, tmp_path):
    """What was trained an hour ago is looked at in small steps; its file stays what it is."""
    out = tmp_path / "net.safetensors"
    list(train(made("names mlp", steps=150, out=out), Control()))
    before = out.read_bytes()
    checkpoint = load_checkpoint(out)
    events = list(examine_checkpoint(checkpoint, made("names mlp").data, CPU, Control(), 1.0))
    found = last(events)
    assert isinstance(events[-1], Finished) and found.verdict != "broken", found.text()
    assert out.read_bytes() == before and events[-1].step > 150


# He sits beside it, and changes nothing.


def weights(run, **rest):
    """The weights, the state and the losses that a run ends with."""
    run, losses = replace(run, **rest), []
    doctor = RunDoctor()
    run = replace(run, observers=(doctor,) if run.observers else ())
    for event in train(run, Control()):
        if isinstance(event, Metrics):
            losses.append(event.losses)
    return load_checkpoint(run.out), np.concatenate(losses), doctor


@pytest.mark.parametrize("name", ["digits mlp", "names gru"])
def test_who_sits_beside_a_run_does_not_change_it(made, tmp_path, name):
    """Weights, optimiser, batches and random numbers, with the doctor and without him."""
    changes = {"dropout": 0.2}
    kept = {}
    for who in ("nobody", "nothing wrong", "doctor"):
        run = made(name, changes=changes, out=tmp_path / f"{who}.safetensors", watched=False)
        if who == "doctor":
            run = replace(run, observers=(RunDoctor(),))
        if who == "nothing wrong":
            run = replace(run, make_learner=partial(FaultyLearner, FaultInjection()))
        kept[who] = weights(run)
    alone, losses, _ = kept["nobody"]
    for who in ("nothing wrong", "doctor"):
        other, its_losses, doctor = kept[who]
        assert np.array_equal(losses, its_losses)
        for mine, its in ((alone.weights, other.weights), (alone.resume, other.resume)):
            assert set(mine) == set(its)
            assert all(torch.equal(mine[key], its[key]) for key in mine), who
    assert len(doctor.watcher.observations) > 2


def test_the_doctor_is_told_of_every_step(made):
    """Losses at each step, names as torch and the probes have them, and what validation said."""
    run_doctor = RunDoctor()
    list(train(made("names mlp", observers=(run_doctor,)), Control()))
    case = run_doctor.case()
    assert len(case.losses) == 60 and case.planned == 60 and case.validations
    assert math.isfinite(case.train_loss)
    model, seen = run_doctor.learner.model, case.observations[-1]
    assert {p.name for p in seen.parameters} == {name for name, _ in model.named_parameters()}
    assert [layer.name for layer in seen.layers] == list(layers_of(model))
    assert run_doctor.diagnose(1.0).verdict != "broken"


def test_a_fault_is_said_while_it_trains(made):
    """Not only at the end: a finding on the way names the same cause."""
    run = made("names mlp", "uphill", steps=20_000)
    control, early = Control(), None
    for event in examine(run, control, 0.5):
        if isinstance(event, Diagnosed) and not control.stopping:
            early = event
            control.stop()
    assert early is not None and not early.final
    assert early.diagnosis.causes[0].id == "wrong_update_sign"


def test_what_fixes_it_goes_with_the_cause(made):
    """Where a setting of the recipe fixes a cause, it is named with a value that is allowed."""
    found = last(told(made("names mlp", "rate_high", steps=60), budget=30.0))
    assert found.causes[0].id == "lr_too_high"
    settings = dict(found.causes[0].settings)
    made("names mlp").recipe.replace(settings)  # raises where a value is not allowed
    assert settings["lr"] < 0.2


# The gallery.


def all_recipes():
    """Every recipe of every playground."""
    for name in playgrounds.all_names():
        for recipe in playgrounds.get(name).recipes.values():
            yield name, recipe


def test_the_gallery_holds_what_was_promised():
    """Thirty faults or more, each with a known cause, words to show, and a place to be planted."""
    assert len(FAULTS) >= 30
    for id, fault in FAULTS.items():
        assert fault.id == id and fault.cause in CAUSES and set(fault.also) <= set(CAUSES)
        assert fault.title.endswith(".") and fault.hint.endswith((".", "?"))
        assert any(fault.applies(recipe) for _, recipe in all_recipes()), id
        assert isinstance(fault.make(), FaultInjection) and fault.make() is not fault.make()
    assert len({fault.title for fault in FAULTS.values()}) == len(FAULTS)
    assert len({fault.cause for fault in FAULTS.values()}) >= 25


def test_what_only_counts_can_not_be_broken():
    """There is no step in which anything could go wrong."""
    names = playgrounds.get("names")
    assert fitting(names.recipes["counted bigram"]) == []


@pytest.mark.parametrize("name", SMALL)
def test_every_fault_that_fits_can_be_trained(made, name):
    """Planted, the first steps are done (or end as torch ends them), and something is different."""
    run = made(name)
    clean = Learner(run.playground, run.recipe, run.data, CPU)
    usual = [float(clean.learn(*clean.take(), 0.0)[0]) for _ in range(2)]
    for fault in fitting(run.recipe):
        learner = FaultyLearner(fault.make(), run.playground, run.recipe, run.data, CPU)
        before = {n: p.detach().clone() for n, p in learner.model.named_parameters()}
        try:
            losses = [float(learner.learn(*learner.take(), 0.0)[0]) for _ in range(2)]
        except (IndexError, RuntimeError):
            assert fault.cause == "labels_out_of_range", fault.id
            continue
        assert learner.step == 2 and len(losses) == 2, fault.id
        assert fault.cause != "nan" or math.isfinite(losses[0])
        if fault.id in ("negative", "squared", "idle_penalty", "heavy_penalty", "softmax_twice"):
            assert losses[0] != pytest.approx(usual[0]), fault.id
        moved = [n for n, p in learner.model.named_parameters() if not torch.equal(p, before[n])]
        still = set(before) - set(moved)
        if fault.id in ("left_out", "cut", "frozen"):
            assert still, fault.id


def test_a_run_is_forecast_with_the_schedule_that_is_ahead(made):
    """While it trains to its planned end, and at its end to twice the steps; on new data."""
    doctor = RunDoctor(1.0, 0.0)
    run = made("names mlp", changes={"schedule": "cosine"}, steps=160, observers=(doctor,))
    cases = []
    for event in examine(run, Control(), 2.0):
        if isinstance(event, Metrics) and event.step >= 80 and not cases:
            cases.append(doctor.case(event.progress))
    (half,) = cases
    steps, rates = zip(*half.rates_ahead, strict=True)
    assert half.done <= steps[0] <= steps[-1] == half.planned == 160
    assert rates == tuple(sorted(rates, reverse=True)) and rates[-1] < 0.05 * rates[0]
    assert half.can_validate is False
    found = doctor.diagnose(1.0)
    assert found.forecast is None or found.forecast.at == 320
    assert "seen.validate" not in found.sentence
