"""The rules: each a small function of a case, with its criterion, its threshold and its source.

A rule returns one :class:`Check`: passed, failed with a confidence, or not checked. The
thresholds stand beside the rules as constants; ``docs/doctor.md`` lists them.
"""

from collections.abc import Callable

from ..diagnosis import Check
from ..evidence import Evidence
from . import data, during, new_data, rates, start, use

Rule = Callable[[Evidence], Check]
RULES: tuple[Rule, ...] = (
    *data.RULES,
    *start.RULES,
    *during.RULES,
    *new_data.RULES,
    *rates.RULES,
    *use.RULES,
)


def judge(case: Evidence) -> tuple[Check, ...]:
    """Apply every rule."""
    return tuple(rule(case) for rule in RULES)
