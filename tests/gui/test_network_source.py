"""Which network answers: said on every page, and marked in the sidebar while it is trained."""

import pytest
from PySide6.QtWidgets import QWidget

from core.telemetry.events import Diagnosed
from gui.session_state import State
from tests.gui.conftest import QUICK
from tests.gui.doctor.diagnoses import BROKEN


def marks(window, page):
    """The icons of a page's button, and what it says."""
    button = window.findChild(QWidget, f"go_{page}")
    assert all(sign.isVisible() for sign in button.signs)
    return [sign._icon for sign in button.signs], button.accessibleName()


def test_from_shipped_to_in_training_to_the_run(program):
    """Each line names the network that answers there now, the doctor's as well."""
    network = program.find("digitsNetwork")
    program.until(lambda: program.session.weights is not None)
    assert network.text() == "The shipped network" and marks(program.window, "digits")[0] == []
    program.train(QUICK)
    program.until(lambda: "In training, step" in network.text())
    assert marks(program.window, "digits") == (["play"], "Digits: training")
    program.click("pauseButton")
    program.until(lambda: network.text().endswith(", paused"))
    assert f"step {program.session.weights.step:,}," in network.text()
    assert marks(program.window, "digits") == (["pause"], "Digits: paused")
    program.window.show_page("doctor")
    doctor = program.window.pages["doctor"].controls.network
    assert network.text()[1:] in doctor.text()
    program.window.show_page("digits")
    program.stop()
    kept = program.page.network.path.parent.name
    step = program.session.weights.step
    assert network.text() == f"Run {kept}, step {step:,}" and kept in network.accessibleName()
    assert marks(program.window, "digits") == ([], "Digits")
    program.click("openStarter")
    program.until(lambda: network.text() == "The shipped network")


@pytest.mark.usefixtures("all_starters")
def test_names_and_text_say_it_too(naming):
    """One line each, where the names and the text stand."""
    assert naming.find("namesNetwork").text() == "The shipped network"
    text = naming.window.pages["text"]
    naming.until(lambda: text.session.state is State.READY and text.session.weights is not None)
    assert text.write.network.text() == "The shipped network"


def test_a_finding_is_marked_until_it_is_dismissed(program):
    """A shape, a colour and words; a dismissed finding needs no mark."""
    program.session.diagnosed.emit(Diagnosed(5, BROKEN))
    said = f"the doctor has found: {BROKEN.causes[0].title}"
    assert marks(program.window, "digits") == (["verdict-broken"], f"Digits: {said}")
    assert f"Now: {said}." in program.window.findChild(QWidget, "go_digits").toolTip()
    while program.page.run_bar.badge.causes():
        program.click("dismissFinding")
    assert marks(program.window, "digits") == ([], "Digits")
