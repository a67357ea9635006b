"""Sees in the source whether a step seeds a generator, so that its random numbers come again."""

import ast

from .graph import StepGraph
from .source import called_name, nodes_of_step

SEEDS = frozenset(
    "manual_seed seed default_rng RandomState Random seed_everything set_state set_rng_state"
    " setstate".split()
)
"""What begins a generator's random numbers anew."""


def is_seeded_in(graph: StepGraph) -> bool:
    """Whether anything that a step runs through begins random numbers anew."""
    calls = (node for _, node in nodes_of_step(graph) if isinstance(node, ast.Call))
    return any(called_name(call) in SEEDS for call in calls)
