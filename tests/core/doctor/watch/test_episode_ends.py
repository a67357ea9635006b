"""Steps of episodes that are kept with the flag of a time limit in the place of their end."""

import ast

import pytest

from core.doctor.watch import episode_ends
from core.doctor.watch.episode_ends import ends_ignored, limits_kept
from core.doctor.watch.graph import StepGraph
from core.doctor.watch.tape import Tape

LOOP = """
def play(env, memory, steps):
    state = env.reset()
    for _ in range(steps):
        action = choose(state)
        after, reward, fell, timeout = env.step(action)
        {keep}
        state = after
        if fell or timeout:
            state = env.reset()
"""
WRONG = "memory.push(state, action, reward, after, timeout)"
BEFORE = """if fell or timeout:
            done = True
        memory.push(state, reward, after, done, timeout)"""
BY_ITSELF = """rate = 0.0 if fell else 0.9
        memory.push(state, reward, after, rate, timeout)"""


@pytest.mark.parametrize("keep", [WRONG, "memory.append((state, action, reward, after, timeout))"])
def test_a_step_that_is_kept_with_its_time_limit_alone(keep, tmp_path, monkeypatch):
    """Of any file of the program; its line is known."""
    source = LOOP.format(keep=keep)
    (found,) = limits_kept(ast.parse(source))
    assert found.limit == "timeout" and found.end == "fell"
    assert source.splitlines()[found.line - 1].strip() == keep
    script = tmp_path / "play.py"
    script.write_text(source)
    monkeypatch.setattr(episode_ends, "OWN_FILES", {str(script)})
    words = ends_ignored(StepGraph(Tape()))
    assert words is not None and "timeout" in words[0] and "fell" in words[0]


@pytest.mark.parametrize(
    "keep",
    [
        "memory.push(state, action, reward, after, fell)",
        "memory.push(state, action, reward, after, fell or timeout)",
        "memory.push(state, action, reward, after, fell, timeout)",
        f"ends.append(fell)\n        {WRONG}",
        "print(reward, after, timeout)",
        "limits.append(timeout)",
        BEFORE,
        BY_ITSELF,
    ],
)
def test_a_step_that_is_kept_with_its_end_is_in_order(keep):
    """Also where that is kept elsewhere, or decides another number that is."""
    assert not limits_kept(ast.parse(LOOP.format(keep=keep)))


def test_a_time_limit_that_alone_ends_an_episode_is_in_order():
    """There is no other end."""
    source = LOOP.format(keep=WRONG).replace("fell or timeout", "timeout").replace("fell", "seen")
    assert not limits_kept(ast.parse(source))
