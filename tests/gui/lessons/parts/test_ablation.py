"""Lesson 6 on the screen: trainings with paired seeds, their effects, stop and continue."""

import math

import pytest
import torch
from PySide6.QtTest import QTest

from core import registry
from core.switches import Switches
from gui.background_job import Stage
from gui.lessons.parts.ablation import Part
from tests.gui.lessons.parts.hands import LEFT

TINY = Switches(
    plain={"model": "mlp", "hidden": (8,), "embedding": 4, "batch_size": 8, "dropout": 0.0},
    added=({"lr": 0.02}, {"optimizer": "muon"}),
    steps=50,
)


@pytest.fixture
def part(shelf, monkeypatch):
    """The lesson's part with a network of a few units, timed already."""
    monkeypatch.setattr(type(registry.get("names")), "switches", TINY)
    made = shelf.show_part(Part(shelf.context, {"playgrounds": "names digits"}))
    made.seeds.setValue(2)
    shelf.until(lambda: "about" in made.words.text())
    return made


def train(shelf, part):
    """Click Start, and wait for the end."""
    QTest.mouseClick(part.start, LEFT)
    shelf.until(lambda: part.job.stage is Stage.IDLE)


def row(part, index):
    """Return the middle of a row of the board."""
    return part.board.rect_of(index).center().toPoint()


def test_it_says_how_long_it_takes_then_shows_each_effect(shelf, part):
    """Two seeds of three recipes; the verdict of a row is that of its interval."""
    assert part.words.text().startswith("6 trainings of 50 steps each: about ")
    assert part.words.text().endswith(" on this machine.")
    assert part.start.text() == "Start" and not part.stop.isEnabled()
    played = []
    part.played.connect(lambda: played.append(1))
    train(shelf, part)
    study = part.study
    assert played == [1] and not study.missing(2)
    assert all(math.isfinite(study.loss(place)) and len(study.curve(place)) for place in range(3))
    assert len(study.effect(1).gains) == 2 and study.effect(1).verdict
    assert "95 % interval" in part.board.describe(1) and "ms a step" in part.board.describe(0)
    scale = part.board.scale()
    for place in (1, 2):  # by Student, an interval of two pairs is far wider than these
        effect = study.effect(place)
        assert scale.low < effect.low <= min(effect.gains)
        assert max(effect.gains) <= effect.high < scale.high
    assert part.words.text().startswith("All is trained: 2 seeds of 50 steps.")
    assert not part.start.isEnabled()
    part.seeds.setValue(3)
    assert part.words.text().startswith("Still 3 trainings") and part.start.text() == "Continue"


def test_a_click_on_a_row_shows_its_curves_and_its_code(shelf, part):
    """Marked is what the switch has changed; the source of its term stands below the board."""
    train(shelf, part)
    QTest.mouseClick(part.board, LEFT, pos=row(part, 2))
    assert [line.name for line in part.chart.lines] == [
        "other switches",
        "without: Optimiser muon",
        "with: Optimiser muon",
    ]
    part.chart.point(10.0)
    assert "other switches" not in part.chart.hover_text()
    assert "Muon: An optimiser for the matrices" in part.about.text()
    assert "Source: Jordan et al. 2024" in part.about.text()
    QTest.mouseClick(part.code.button, LEFT)
    marked = [part.code.script.splitlines()[line] for line in part.code.source.marked_lines()]
    assert any("Muon" in line for line in marked) and part.code.isVisible()
    QTest.mouseClick(part.board, LEFT, pos=row(part, 0))
    assert "Plain recipe, where it differs" in part.about.text()
    assert not part.code.source.marked_lines()


def test_what_is_stopped_goes_on_where_it_was(shelf, part):
    """Trainings that are done stay, also while another playground or length is looked at."""
    part.length.setCurrentIndex(part.length.findData(500))
    QTest.mouseClick(part.start, LEFT)
    shelf.until(lambda: len(part.study.missing(2)) < 6)
    QTest.mouseClick(part.stop, LEFT)
    shelf.until(lambda: part.job.stage is Stage.IDLE)
    left = part.study.missing(2)
    assert 0 < len(left) < 6 and part.start.text() == "Continue"
    assert left == [(p, s) for s in (1, 2) for p in (0, 1, 2)][-len(left) :]
    part.length.setCurrentIndex(part.length.findData(50))
    assert len(part.study.missing(2)) == 6 and part.start.text() == "Start"
    part.subject.buttons["digits"].setChecked(True)
    shelf.until(lambda: part.timing.stage is Stage.IDLE)
    part.subject.buttons["names"].setChecked(True)
    assert part.length.currentData() == 50  # as it was left
    part.length.setCurrentIndex(part.length.findData(500))
    assert part.study.missing(2) == left and part.start.text() == "Continue"
    first = part.study.of(0)[0]
    train(shelf, part)
    assert not part.study.missing(2) and part.study.of(0)[0] is first


def test_a_switch_can_be_tried_alone(shelf, part):
    """On the plain recipe, which is trained once for both."""
    part.choice.setCurrentIndex(2)
    assert part.choice.currentText() == "Only: Optimiser muon"
    assert part.words.text().startswith("4 trainings of 50 steps")
    train(shelf, part)
    assert len(part.study.effect(1).gains) == 2 and part.board.count() == 2
    part.choice.setCurrentIndex(0)
    assert part.study.missing(2) == [(1, 1), (2, 1), (1, 2), (2, 2)]
    train(shelf, part)
    part.choice.setCurrentIndex(1)
    assert not part.study.missing(2), "the first switch alone is the second recipe of all"


def test_data_that_can_not_be_read_is_a_sentence(shelf, part, tmp_path):
    """What is wrong and what to do; Start stays."""
    bad = tmp_path / "names.txt"
    bad.write_bytes(b"\xff\xfe\x00")
    shelf.pages["names"].session.data = bad
    QTest.mouseClick(part.start, LEFT)
    shelf.until(lambda: part.job.stage is Stage.IDLE)
    assert part.problem.isVisible() and str(bad) in part.problem.text()
    assert part.start.isEnabled()


def test_a_measurement_that_fails_is_not_said_under_another_playground(shelf, part, monkeypatch):
    """It may go on beside the trainings of that one, and is tried again where it belongs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    shelf.pages["digits"].session.device = "cuda"
    ended = []
    part.timing.ended.connect(ended.append)
    part.subject.buttons["digits"].setChecked(True)
    part.subject.buttons["names"].setChecked(True)
    train(shelf, part)
    shelf.until(lambda: bool(ended))
    assert not part.study.missing(2) and not part.problem.isVisible()
    part.subject.buttons["digits"].setChecked(True)
    shelf.until(part.problem.isVisible)
    assert "no device 'cuda'" in part.problem.text()


def test_a_device_that_is_not_there_is_a_sentence(shelf, monkeypatch):
    """The lesson is made all the same."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    shelf.pages["names"].session.device = "cuda"
    part = shelf.show_part(Part(shelf.context, {"playgrounds": "names"}))
    shelf.until(part.problem.isVisible)
    assert "no device 'cuda'" in part.problem.text() and part.board.count() > 1


@pytest.mark.parametrize("name", ["digits", "names", "text"])
def test_half_precision_is_left_out_where_it_brings_nothing(shelf, monkeypatch, name):
    """And that is said, of each playground that has the switch."""
    monkeypatch.setattr("gui.lessons.parts.ablation.is_mixed", lambda recipe, device: False)
    monkeypatch.setattr("core.lessons.ablation_runs.EVALUATED", 100)
    part = shelf.show_part(Part(shelf.context, {"playgrounds": name}))
    assert part.board.count() == len(registry.get(name).switches.added)
    shelf.until(lambda: "about" in part.words.text())
    assert part.words.text().endswith(
        "Half precision is left out: it would make nothing faster here."
    )
