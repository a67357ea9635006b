"""A training of the window leaves a run, and goes on after it was interrupted."""

import time
from dataclasses import replace

import pytest

from core.runs.curves import read_curves
from core.runs.keyframes import keyframes_of
from core.runs.run_info import read_run_info, write_run_info
from core.telemetry.events import Answer, Failed, Finished
from gui.background_job import Stage
from gui.session_state import State


@pytest.fixture
def pages():
    """The pages that are used here."""
    return ("names", "runs")


def _only(runs):
    (folder,) = runs.iterdir()
    return folder


def test_a_training_leaves_a_run(quick, letters_recipe, runs):
    """Curves, moments and the doctor's word; the bar says what it is called."""
    quick.learn(letters_recipe.replace({"steps": 300}))
    folder = _only(runs)
    about = read_run_info(folder)
    assert about.state == "finished" and about.step == 300 and about.source == ""
    assert len(read_curves(folder).loss.x) == 300 and keyframes_of(folder)[-1] == 300
    assert folder.name in quick.page.run_bar.message.text()


def test_a_run_that_was_stopped_goes_on(quick, letters_recipe, runs):
    """Its curve is whole, its recipe is on the page, and it ends where it was to end."""
    recipe = letters_recipe.replace({"steps": 3000, "lr": 0.003})
    ended = []
    quick.session.ended.connect(ended.append)
    quick.train(recipe)
    quick.stop()
    folder = _only(runs)
    stood = read_run_info(folder).step
    assert stood < 3000
    quick.session.recipe = letters_recipe
    quick.session.resume_run(folder)
    form = quick.page.recipe.form
    assert form._inputs["lr"].text() == "0.003" and form._inputs["lr"].isEnabled()
    assert form._inputs["batch_size"].text() == "64" and not form._inputs["batch_size"].isEnabled()
    quick.until(lambda: len(ended) == 2)
    assert isinstance(ended[1], Finished) and ended[1].step == 3000
    assert quick.session.recipe.lr == 0.003
    assert quick.session.history.loss.x[0] == 1 and quick.session.history.loss.x[-1] == 3000
    assert _only(runs) == folder and read_run_info(folder).state == "finished"


def test_a_run_that_was_stopped_is_resumed_where_it_was_stopped(quick, letters_recipe, runs):
    """A link beside what is said of it; there is none beside a run that has finished."""
    quick.train(letters_recipe.replace({"steps": 3000}))
    resume = quick.find("resumeButton")
    assert not resume.isVisible()
    quick.stop()
    folder = _only(runs)
    quick.click("resumeButton")
    quick.until(lambda: read_run_info(folder).state == "finished")
    quick.ready()
    assert read_run_info(folder).step == 3000 and not resume.isVisible()
    assert _only(runs) == folder


def test_what_cannot_go_on_is_said(quick, letters_recipe, runs):
    """A run that is finished, and one whose data is gone: a sentence, and one can train."""
    ended = []
    quick.session.ended.connect(ended.append)
    quick.learn(letters_recipe.replace({"steps": 20}))
    folder = _only(runs)
    quick.session.resume_run(folder)
    quick.until(lambda: isinstance(ended[-1], Failed))
    assert "is finished" in ended[-1].sentence
    gone = replace(read_run_info(folder), state="stopped", steps=40, source="/nowhere/names.txt")
    write_run_info(folder, gone)
    quick.session.resume_run(folder)
    quick.until(lambda: "nowhere" in ended[-1].sentence)
    assert quick.session.state is State.READY


def test_a_question_that_the_run_did_not_answer_is_answered_after_it(quick, sixty):
    """It came when the last step was done: the network that came out answers."""
    session, answers, ended = quick.session, [], []
    session.answered.disconnect()  # the page knows its own topics
    session.answered.connect(lambda event: answers.append(event.topic))
    session.ended.connect(ended.append)
    session.recipe = sixty
    quick.page.run_bar.transport.train.click()
    quick.until(lambda: session.state is State.TRAINING)
    while not session._run._task.mailbox.closed:  # nothing of it is passed on meanwhile
        time.sleep(0.01)
    assert session.ask(lambda model, step: Answer("late", step, {}), "late") and not ended
    quick.until(lambda: answers == ["late"])
    assert isinstance(ended[0], Finished)


@pytest.mark.parametrize("wider", [True, False])
def test_what_was_asked_before_a_run_began_is_asked_of_layers_that_it_has(quick, sixty, wider):
    """The network that it trains may lack those of the one before."""
    session, answers, noted = quick.session, [], []
    quick.learn(sixty)
    session.answered.disconnect()  # the page knows its own topics
    session.answered.connect(lambda event: answers.append(event.topic))
    session.noted.connect(noted.append)
    width = sixty.hidden[0]

    def ask(model, step):
        assert any(p.shape[0] == width for p in model.parameters())
        return Answer("layer", step, {})

    session._answer.enter(Stage.WAITING)  # what it has to answer takes its time
    session.recipe = sixty.replace({"hidden": (width + 1,)}) if wider else sixty
    quick.page.run_bar.transport.train.click()
    assert not session.begun and session.ask(ask, "layer")
    quick.until(lambda: session.state is State.TRAINING)
    session._answer.enter(Stage.IDLE)
    quick.ready()
    assert not noted and ("layer" in answers) is not wider


def test_questions_wait_their_turn_and_the_newest_of_a_topic_counts(quick):
    """Of two on one topic the later is answered, of two topics both."""
    session, answers = quick.session, []
    session.answered.disconnect()  # the page knows its own topics
    session.answered.connect(lambda event: answers.append(event.topic))
    for topic, name in (("a", "a1"), ("b", "b1"), ("b", "b2"), ("c", "c1")):
        assert session.ask(lambda model, step, name=name: Answer(name, step, {}), topic)
    quick.until(lambda: len(answers) == 3)
    assert answers == ["a1", "b2", "c1"]


def test_a_folder_of_runs_that_cannot_be_written_is_said(quick, letters_recipe, runs):
    """Nothing is trained that could not be kept; the list of runs says it, too."""
    runs.write_text("a file where the folder should be")
    quick.learn(letters_recipe.replace({"steps": 20}))
    assert "can't be made (Not a directory)" in quick.page.run_bar.message.text()
    assert "GLASSBOX_RUNS" in quick.page.run_bar.message.text()
    quick.window.show_page("runs")
    message = quick.window.pages["runs"].message
    quick.until(lambda: "can't be read (Not a directory)" in message.words.text())
    runs.unlink()
    quick.learn(letters_recipe.replace({"steps": 20}))
    assert read_run_info(_only(runs)).state == "finished"
