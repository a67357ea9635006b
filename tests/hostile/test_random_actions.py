"""Some hundred random actions on the real window, in a process of its own."""

from bench.hostile.actions import in_own_process


def test_random_actions_break_nothing():
    """Nothing is raised, Qt has no complaint, and nothing is left running."""
    found = in_own_process(120, seed=5)
    assert "crash" not in found
    problems = found["problems"]
    assert not problems.get("exception") and not problems.get("Qt warning"), problems
    assert not found["threads"]
