"""The experiments of lesson 3, and the lecture's numbers."""

import pytest

from core.lessons.experiments import EXPERIMENTS
from core.lessons.pair_history import NetworkHistory
from core.lessons.text import Live, lessons
from tests.core.lessons.pairs import trained


def test_the_lectures_numbers_are_met(names):
    """The lecture's measurements at its first step, within the variation of a seed."""
    met = {
        "first-loss": {"First loss of A": 27.88, "First loss of B": 3.32},
        "spread": {"Std of layer 5, A": 0.32, "Std of layer 5, B": 0.66},
        "small-gain": {
            "Gradient of layer 1 ÷ layer 5, A": 0.062,
            "Gradient of layer 1 ÷ layer 5, B": 1.4,
        },
    }
    for id, expected in met.items():
        experiment = EXPERIMENTS[id]
        first, second, _ = trained(experiment.first.for_steps(1), experiment.second, names)
        here = {row.words: row for row in experiment.rows}
        for words, value in expected.items():
            assert here[words].here(first, second) == pytest.approx(value, rel=0.1)
            assert here[words].lecture.startswith(f"{value:g}")


def test_every_experiment_has_an_answer_with_numbers(names):
    """The measurement selects a choice, and its sentence has a number."""
    for id, experiment in EXPERIMENTS.items():
        question = experiment.question
        assert len(question.choices) == len(question.bounds) + 1, id
        assert list(question.bounds) == sorted(question.bounds), id
        narrow = {"width": 12, "steps": 2}
        first, second, _ = trained(
            experiment.first.replace(narrow), experiment.second.replace(narrow), names
        )
        assert 0 <= question.right(first, second) < len(question.choices), id
        assert any(c.isdigit() for c in question.answer(first, second)), id
        assert all(row.written(first, second) for row in experiment.rows), id


def test_there_is_no_answer_before_it_was_measured():
    """Until both networks have done a step."""
    nothing = (NetworkHistory(), NetworkHistory())
    assert EXPERIMENTS["sigmoid"].question.right(*nothing) == -1
    assert [row.written(*nothing) for row in EXPERIMENTS["spread"].rows] == [""] * 5


def test_the_lesson_names_experiments_that_there_are():
    """Each live part of the text finds its experiments, and each experiment has its place."""
    lesson = lessons()["3-gradients"]
    named = [
        id
        for block in lesson.blocks
        if isinstance(block, Live) and block.name == "paired_runs"
        for id in block.options["experiments"].split()
    ]
    assert sorted(named) == sorted(EXPERIMENTS)
    anchors = {section.anchor for section in lesson.sections}
    asked = "saturation the-first-loss initialisation batch-norm residual-connections"
    assert {*asked.split(), "the-update-to-weight-ratio", "see-it-in-your-own-run"} <= anchors
