"""Rules on targets that are made of values of a network, as in reinforcement learning."""

from ..diagnosis import Check
from ..evidence import Evidence
from ..watch.wiring import BOOTSTRAP
from .rule import Rule, rule


@rule(
    "stale_target",
    "target network that follows",
    "A network whose values are learned from follows the one that learns, at times or slowly.",
    "the newer weights at times",
    "Mnih et al. 2015; Lillicrap et al. 2016",
)
def stale_target(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.observations:
        return rule.not_checked("no complete step was observed")
    if evidence.stale_target:
        return rule.failed(evidence.stale_target, 0.92, "the target network")
    return rule.passed("no such network that stays was found")


@rule(
    "terminal_ignored",
    "ends of episodes",
    "A target that adds discounted values to rewards uses the flag for the end of an episode that"
    " comes with them; the flag of a time limit may be left out.",
    "no value behind the end of an episode",
    "Mnih et al. 2015, algorithm 1; Pardo et al. 2018, Time limits in reinforcement learning",
)
def terminal_ignored(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.observations:
        return rule.not_checked("no complete step was observed")
    # One step tells: in others no episode may end.
    found = [words for step in evidence.observations for id, words in step.wiring if id == rule.id]
    if found:
        return rule.failed(found[-1], 0.93, "the target")
    if not any(BOOTSTRAP in step.parts for step in evidence.observations):
        return rule.not_checked(f"there is no {BOOTSTRAP}")
    return rule.passed("no flag that is left out was found")
