"""The rules: one for each thing that can be wrong, declared with its criterion and source.

A rule returns one :class:`~core.doctor.diagnosis.Check`: passed, failed with a confidence, or not
checked. Thresholds are named above the rules; those of layers in
:mod:`core.telemetry.layer_health`. ``docs/doctor.md`` lists them all.
"""

from ..diagnosis import Check
from ..evidence import Evidence
from . import crash, curve, data, inference, layers, loss, rates, targets, updates, wiring
from .rule import Rule

RULES = tuple(
    found
    for module in (crash, curve, data, layers, wiring, loss, updates, rates, targets, inference)
    for found in vars(module).values()
    if isinstance(found, Rule)
)


def apply_rules(evidence: Evidence) -> tuple[Check, ...]:
    """Return the check of every rule."""
    return tuple(rule.check(evidence) for rule in RULES)
