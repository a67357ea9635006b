"""What every rule declares, and what docs/doctor.md says of it."""

from pathlib import Path

from bench.doctor import causes_table
from core.doctor.rules import RULES, apply_rules
from core.doctor.rules.rule import names
from core.doctor.verdict.causes import CAUSES
from tests.core.doctor.rules.helpers import evidence

DOCS = Path(__file__).parents[4] / "docs" / "doctor.md"


def test_every_cause_has_a_rule_that_says_by_what_right():
    """Titles and criteria are declared, and each is there once."""
    assert {rule.id for rule in RULES} == set(CAUSES) and len(RULES) == len(CAUSES)
    for rule in RULES:
        assert rule.criterion.endswith(".") and rule.title and rule.expected, rule.id
        assert rule.id == rule.decide.__name__
    for what in ("title", "criterion"):
        assert len({getattr(rule, what) for rule in RULES}) == len(RULES)


def test_the_documentation_has_the_declared_rules():
    """Its table of causes is the one that is made from the code."""
    assert causes_table() in DOCS.read_text(), "python -m bench.doctor causes"


def test_a_check_has_what_its_rule_declares():
    """Id, title and expectation come from there."""
    rules = {rule.id: rule for rule in RULES}
    for check in apply_rules(evidence()):
        assert check.title == rules[check.id].title
        assert check.passed is not False, check
        assert check.passed is None or check.expected


def test_long_lists_of_names_are_cut():
    """The first three, and how many more."""
    assert names(["a", "b"]) == "a, b"
    assert names(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
