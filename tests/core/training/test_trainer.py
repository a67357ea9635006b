"""The trainer: what it tells, and how it obeys."""

import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.playgrounds.digits.recipe import RECIPES, DigitsRecipe
from core.runs.recorder import FileRecorder
from core.telemetry.events import (
    ENDINGS,
    Answer,
    Evaluated,
    Failed,
    Finished,
    Metrics,
    Paused,
    Resumed,
    Snapshot,
    Started,
    Stopped,
    Weights,
)
from core.training import pace
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.learner import Learner
from core.training.trainer import Run, _Loop, train


def losses(events):
    """All losses of a run, in order."""
    return np.concatenate([e.losses for e in events if isinstance(e, Metrics)])


def test_a_run_learns(run_of, small):
    """A hundred steps on real digits lower the loss and raise the accuracy far above chance."""
    events = list(train(run_of(small, steps=100), Control()))
    assert losses(events)[-10:].mean() < 0.5 * losses(events)[0]
    assert [e for e in events if isinstance(e, Evaluated)][-1].metrics["val_accuracy"] > 0.75


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs_and_starts_at_its_reference_line(run_of, name):
    """Each named recipe trains; those that begin evenly start near the line that is drawn."""
    events = list(train(run_of(RECIPES[name].replace({"batch_size": 32}), steps=4), Control()))
    assert isinstance(events[-1], Finished)
    assert np.isfinite(losses(events)).all() and len(losses(events)) == 4
    if name != "EZMNIST":
        assert losses(events)[0] == pytest.approx(events[0].uniform_loss, abs=0.4)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("init", ["kaiming", "xavier", "normal", "zeros"])
def test_every_activation_and_initialisation_runs(run_of, small, activation, init):
    """Whatever is chosen, the steps are done and the numbers are numbers."""
    recipe = small.replace({"activation": activation, "init": init, "hidden": (12, 9)})
    events = list(train(run_of(recipe, steps=3), Control()))
    assert isinstance(events[-1], Finished) and np.isfinite(losses(events)).all()


def test_the_ends_are_the_first_and_last_events(run_of, small):
    """A run begins with Started and ends in exactly one ending."""
    events = list(train(run_of(small), Control()))
    assert isinstance(events[0], Started)
    assert [type(e) for e in events if isinstance(e, ENDINGS)] == [Finished]
    assert isinstance(events[-1], Finished) and events[-1].step == 20


def test_the_same_seed_gives_the_same_weights(run_of, small):
    """Two runs of one recipe agree bit for bit; another seed does not."""
    small = small.replace({"augment": "pen", "dropout": 0.2})

    def weights(recipe):
        events = list(train(run_of(recipe, watched=True, probe_every=0.0), Control()))
        return [e for e in events if isinstance(e, Weights)][-1].arrays["output.product.weight"]

    assert np.array_equal(weights(small), weights(small))
    assert not np.array_equal(weights(small), weights(small.replace({"seed": 7})))


def test_watching_changes_nothing(run_of, small):
    """Probes look, they don't touch: the losses are the same with and without them."""
    small = small.replace({"batch_norm": True, "dropout": 0.2})
    watched = losses(train(run_of(small, watched=True, probe_every=0.0), Control()))
    assert np.array_equal(watched, losses(train(run_of(small), Control())))


def test_the_layers_of_the_last_step_are_always_told(run_of, small, monkeypatch, tmp_path):
    """Even if nothing but the first step was measured; the network is the one that was trained."""
    monkeypatch.setattr(_Loop, "probes", lambda loop, alone: not loop.learner.step)
    small, out = small.replace({"batch_norm": True, "dropout": 0.2}), tmp_path / "kept.safetensors"
    learners = []

    def make(*arguments):
        learners.append(Learner(*arguments))
        return learners[-1]

    events = list(train(run_of(small, watched=True, out=out, make_learner=make), Control()))
    assert [e.step for e in events if isinstance(e, Snapshot)] == [1, 20]
    (learner,), kept = learners, load_checkpoint(out)
    assert learner.step == 20
    for name, tensor in learner.model.state_dict().items():
        assert torch.equal(tensor, kept.weights[name]), name
    state = learner.state()
    assert all(torch.equal(tensor, state[name]) for name, tensor in kept.resume.items())


def test_the_layers_of_a_network_that_has_diverged_are_told(run_of, small, monkeypatch):
    """Where the loss became NaN: those of the weights that are restored."""
    monkeypatch.setattr(_Loop, "probes", lambda loop, alone: not loop.learner.step)
    recipe = small.replace({"lr": 100.0, "optimizer": "sgd", "loss": "squared-error"})
    events = list(train(run_of(recipe, watched=True, steps=400), Control()))
    assert isinstance(events[-1], Failed)
    last = {type(event): event.step for event in events if isinstance(event, Snapshot | Weights)}
    assert last[Snapshot] == last[Weights]


def test_one_measurement_that_took_long_is_not_the_last(monkeypatch):
    """A share of the time bounds the cost, and ``longest`` bounds the wait."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    bounded, unbounded = pace.Pace(0.1, 0.02, longest=5.0), pace.Pace(0.1, 0.02)
    for made in (bounded, unbounded):
        assert made.due()
        made.charge(30.0)
    now[0] = 5.1
    assert bounded.due() and not unbounded.due()


def test_the_first_look_at_the_layers_postpones_no_other(run_of, small, monkeypatch):
    """Most of the first step is torch's own beginning, and no cost of the look."""
    charged = []
    monkeypatch.setattr(_Loop, "probes", lambda loop, alone: loop.learner.step in (0, 5, 10))
    monkeypatch.setattr(pace.Pace, "charge", lambda self, seconds: charged.append(self))
    events = list(train(run_of(small, watched=True), Control()))
    assert [e.step for e in events if isinstance(e, Snapshot)] == [1, 6, 11, 20]
    assert len([each for each in charged if each._longest < math.inf]) == 2  # for looks alone


def test_a_run_that_is_stopped_before_its_first_step_leaves_no_record(run_of, small, tmp_path):
    """Nor a folder; and one that was asked to stop before it began makes no network."""
    folder, control = tmp_path / "run", Control(paused=True)
    events = []
    run = run_of(small, recorder=FileRecorder(folder, None))
    for event in train(run, control):
        events.append(event)
        if isinstance(event, Paused):
            assert folder.is_dir()
            control.stop()
    assert isinstance(events[-1], Stopped) and not events[-1].checkpoint and not folder.exists()
    assert list(train(run_of(small, recorder=FileRecorder(folder, None)), control)) == [
        Stopped(0, 0.0)
    ]
    assert not folder.exists()


def test_events_are_read_only(run_of, small):
    """Nobody who listens can change what another one reads."""
    for event in train(run_of(small, watched=True, probe_every=0.0), Control()):
        if isinstance(event, Snapshot):
            with pytest.raises(ValueError, match="read-only"):
                event.layers[0].activation_histogram[0] = 1.0
        if isinstance(event, Weights):
            with pytest.raises(ValueError, match="read-only"):
                event.arrays["output.product.weight"][0] = 1.0


def test_stop_ends_the_run_and_keeps_the_network(run_of, small, tmp_path):
    """A run that is stopped is judged and kept, and says at which step."""
    control, out = Control(), tmp_path / "stopped.safetensors"
    events = []
    for event in train(run_of(small, steps=100_000, out=out), control):
        events.append(event)
        if isinstance(event, Metrics):
            control.stop()
    assert isinstance(events[-1], Stopped) and events[-1].step < 100_000
    assert load_checkpoint(out).about["steps"] == events[-1].step


def test_single_steps_and_going_on(run_of, small):
    """Paused from the start, it waits; each step asked for is one step; then it goes on."""
    control = Control(paused=True)
    for _ in range(3):
        control.step()
    seen = []

    def listen():
        for event in train(run_of(small, steps=30), control):
            seen.append(event)

    thread = threading.Thread(target=listen)
    thread.start()
    while sum(isinstance(e, Paused) for e in seen) < 1:
        thread.join(0.01)
    assert [e.step for e in seen if isinstance(e, Metrics)] == [1, 2, 3]
    control.resume()
    thread.join(20)
    kinds = [type(e) for e in seen]
    assert kinds[-1] is Finished and kinds.index(Paused) < kinds.index(Resumed)
    assert len(losses(seen)) == 30


def test_a_setting_changed_live_counts_from_the_next_step(run_of, small):
    """The learning rate that a person sets while it trains is the one that is used."""
    control, small = Control(), small.replace({"schedule": "constant"})
    rates = []
    for event in train(run_of(small, seconds=0.6, steps=None), control):
        if isinstance(event, Metrics):
            rates.append(event.learning_rate)
            control.change("lr", 5e-4)
    assert rates[0] == pytest.approx(3e-3) and rates[-1] == pytest.approx(5e-4)


def test_going_on_is_as_if_never_stopped(run_of, small, tmp_path):
    """Twenty steps and twenty more from the checkpoint give the weights of forty at once."""
    small = small.replace({"schedule": "constant", "augment": "affine", "dropout": 0.1})
    half, whole, resumed = (tmp_path / f"{n}.safetensors" for n in ("half", "whole", "resumed"))
    list(train(run_of(small, steps=20, out=half), Control()))
    list(train(run_of(small, steps=40, out=whole), Control()))
    list(train(run_of(small, steps=20, out=resumed, resume=load_checkpoint(half)), Control()))
    one, other = load_checkpoint(whole), load_checkpoint(resumed)
    assert other.about["steps"] == 40
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), name


def test_another_model_can_not_be_gone_on_from(run_of, small, trained):
    """A checkpoint of other sizes is refused with a sentence."""
    run = run_of(small.replace({"hidden": (16,)}), resume=load_checkpoint(trained))
    with pytest.raises(UserError, match="other sizes"):
        next(train(run, Control()))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_loss_that_is_no_number_stops_the_run(run_of, small, tmp_path, schedule):
    """The run says step and layer of the first NaN, and keeps the last good weights."""
    out = tmp_path / "good.safetensors"
    recipe = small.replace(
        {"lr": 100.0, "optimizer": "sgd", "schedule": schedule, "loss": "squared-error"}
    )
    events = list(train(run_of(recipe, steps=400, out=out), Control()))
    assert isinstance(events[-1], Failed)
    bad = int(np.flatnonzero(~np.isfinite(losses(events)))[0]) + 1
    assert 1 <= events[-1].step <= bad
    assert events[-1].layer in ("hidden.0", "output")
    assert all(torch.isfinite(t).all() for t in load_checkpoint(out).weights.values())


def test_a_folder_that_can_not_be_written_fails_with_a_sentence(run_of, small, tmp_path):
    """The training is not lost silently: the ending says that and why it was not kept."""
    (tmp_path / "file").write_text("a file, not a folder")
    events = list(train(run_of(small, out=tmp_path / "file" / "x.safetensors"), Control()))
    assert isinstance(events[-1], Failed) and "can't be written" in events[-1].sentence


def test_the_schedule_ends_with_the_run(run_of):
    """Cosine: a short rise, the full rate, and almost nothing at the end."""
    recipe = DigitsRecipe(model="mlp", hidden=(8,), augment="none", lr=0.01)
    rates = [
        e.learning_rate
        for e in train(run_of(recipe, seconds=1.0, steps=None), Control())
        if isinstance(e, Metrics)
    ]
    assert max(rates) > 0.008 and rates[-1] < 1e-4 and math.isclose(rates[-1], min(rates))


def test_after_a_failure_the_screen_has_good_weights_again(run_of, small):
    """The last weights that a watched run tells are the good ones, and it ends after them."""
    recipe = small.replace({"lr": 100.0, "optimizer": "sgd", "loss": "squared-error"})
    events = list(train(run_of(recipe, steps=400, watched=True), Control()))
    assert isinstance(events[-1], Failed) and isinstance(events[-2], Weights)
    assert all(np.isfinite(array).all() for array in events[-2].arrays.values())


@pytest.mark.parametrize("key", ["batch_size", "seed", "optimizer"])
def test_what_can_not_be_taken_over_is_said(run_of, small, trained, key):
    """Going on with another setting counts the steps on, and says that the rest begins anew."""
    other = {"batch_size": 32, "seed": 7, "optimizer": "sgd"}[key]
    run = run_of(small.replace({key: other}), resume=load_checkpoint(trained))
    events = list(train(run, Control()))
    assert events[0].step == 150 and key in events[0].note
    assert isinstance(events[-1], Finished) and events[-1].step == 170


def test_going_on_with_other_data_begins_a_new_order(digits, bundled, small, trained):
    """The order of one data set is not laid over another."""
    train_on = bundled.train
    fewer = replace(train_on, images=train_on.images[:1000], labels=train_on.labels[:1000])
    data = replace(bundled, train=fewer)
    run = Run(digits, small, data, torch.device("cpu"), steps=40, resume=load_checkpoint(trained))
    events = list(train(run, Control()))
    assert "data" in events[0].note and np.isfinite(losses(events)).all()


def test_going_on_right_after_a_step_is_told(run_of, small):
    """Pause, Step and Go on in one breath: Resumed is heard, so the screen can follow."""
    control, seen = Control(paused=True), []
    run = train(run_of(small, steps=30), control)
    for event in run:
        seen.append(event)
        if isinstance(event, Paused):
            control.step()
            control.resume()
    kinds = [type(event) for event in seen]
    assert Resumed in kinds and kinds.index(Resumed) > kinds.index(Paused)
    assert isinstance(seen[-1], Finished)


def test_a_question_that_fails_costs_no_training(run_of, small, caplog):
    """A look at a layer that is not there is logged, and the run goes on to its end."""

    def wrong(model, step):
        raise KeyError("conv.9")

    control = Control()
    control.ask(wrong)
    assert isinstance(list(train(run_of(small), control))[-1], Finished)
    assert "question" in caplog.text


def test_questions_bring_no_reports_and_lose_none(run_of, small):
    """A screen that asks at every step is answered; all losses are reported, at the usual pace."""
    control = Control()

    def question(model, step):
        return Answer("all", step, {})

    control.ask(question)
    events, begin = [], time.perf_counter()
    for event in train(run_of(small, steps=60), control):
        events.append(event)
        if isinstance(event, Answer):
            control.ask(question)
    kinds = [type(event) for event in events]
    at_most = 3 + (time.perf_counter() - begin) / 0.1  # the usual pace, the first step and the last
    assert kinds.count(Answer) >= 60 and kinds.count(Metrics) <= at_most
    assert len(losses(events)) == 60


def test_a_change_finds_the_losses_before_it_reported(run_of, small):
    """What was lost before a setting changed stands in a report of its own, as before a pause."""
    control, seen = Control(), []

    def question(model, step):
        if step == 7:
            control.change("lr", 1e-7)
        elif step < 7:
            control.ask(question)
        return Answer("all", step, {})

    control.ask(question)
    for event in train(run_of(small, steps=20), control):
        seen.append(event)
    rates = [event.learning_rate for event in seen if isinstance(event, Metrics)]
    assert rates[-1] <= 1e-7 < max(rates) and len(losses(seen)) == 20
