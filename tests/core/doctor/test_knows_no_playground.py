"""The doctor knows no playground and no model by name: it asks for traits and settings."""

import ast
from pathlib import Path

import core.doctor
from core import playgrounds

OTHERS = {("diagnosis.py", "names"), ("tape_replay.py", "gru"), ("baselines.py", "bigram")}
"""Names of a picture's bars, a function of torch, and a baseline: no playground and no model."""


def test_no_text_in_the_doctor_is_a_name_of_a_playground_or_a_model():
    """Neither in its rules and experiments, nor in its faults."""
    known = set(playgrounds.all_names())
    known |= {model for name in playgrounds.all_names() for model in playgrounds.get(name).models}
    found = []
    for path in Path(core.doctor.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in known:
                found.append((path.name, node.value))
    assert set(found) <= OTHERS
