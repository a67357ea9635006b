"""A fourth playground has a page of its own, and is in Runs and in the doctor like the others."""

import pytest
from PySide6.QtWidgets import QLabel, QListWidget, QSpinBox

from core.telemetry.events import Diagnosed, Finished
from gui.doctor.examination import Stage
from gui.pages import page_names
from tests.gui.conftest import Program
from tests.gui.hands import Hands


@pytest.fixture
def spirals(qtbot, fourth, window):
    """The program at its spirals."""
    made = Program(qtbot, window, "spirals")
    made.ready()
    return made


@pytest.fixture
def sixty_steps(fourth):
    """Its recipe, for sixty steps."""
    return fourth.recipes["spirals"].replace({"steps": 60})


def test_its_page_is_found_and_trains(qtbot, spirals, sixty_steps):
    """Curves, layers, an opened layer, the network's map; its run is in the table of runs."""
    assert "spirals" in page_names()
    session, ended, views = spirals.session, [], []
    session.ended.connect(ended.append)
    session.layer_viewed.connect(views.append)
    spirals.learn(sixty_steps)
    assert isinstance(ended[-1], Finished) and session.history.evaluations["val_accuracy"].y[-1]
    assert [layer.name for layer in session.info.layers] == ["hidden.0", "hidden.1", "output"]
    spirals.page.learning.open_layer("hidden.0")
    spirals.until(lambda: bool(views))
    assert views[-1].activity.shape == (32, 200)
    spirals.page.tabs.setCurrentWidget(spirals.page.network_panel)
    places = spirals.page.network_panel.map.network.places()
    assert list(places)[1:-1] == ["hidden.0", "hidden.1", "output"]
    runs = Hands(qtbot, spirals.window, "runs")
    runs.until(lambda: runs.page.runs.rowCount() == 1)
    entry = runs.page.runs.entry(0)
    assert entry.about.playground == "spirals" and entry.about.step == 60


def test_without_a_template_it_has_no_script_to_show(spirals):
    """A sentence stands there instead."""
    spirals.click("showCode")
    caption = spirals.find("codeCaption", QLabel)
    spirals.until(lambda: caption.text() == "The spirals playground has no script to show.")
    assert not spirals.find("copyCode").isEnabled()


def test_the_doctor_examines_it_with_a_fault(qtbot, spirals, sixty_steps):
    """It can be chosen, its faults are offered, and one that is injected is named."""
    spirals.session.recipe = sixty_steps
    doctor = Hands(qtbot, spirals.window, "doctor")
    doctor.click("doctorPlayground_spirals")
    faults = doctor.find("faultBox", QListWidget)
    ids = [faults.item(row).data(0x100) for row in range(faults.count())]
    assert "cut" in ids and "raw_pixels" not in ids
    faults.setCurrentRow(ids.index("cut"))
    doctor.find("doctorBudget", QSpinBox).setValue(1)
    said = []
    doctor.page.examination.diagnosed.connect(said.append)
    doctor.click("examineButton")
    doctor.until(lambda: doctor.page.examination.stage is Stage.IDLE and bool(said))
    final = [event for event in said if isinstance(event, Diagnosed)][-1]
    assert final.final and final.diagnosis.causes[0].id == "parameter_not_trained"
