"""Rules on targets that a step makes itself, as of values of a network, or of noise."""

from ..diagnosis import Check
from ..evidence import Evidence
from ..watch.training_kind import ACTOR, DENOISING
from ..watch.wiring import BOOTSTRAP
from .rule import Rule, rule, wired


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
    "returns_of_the_past",
    "returns of what is to come",
    "Rewards that weigh the actions of an episode are added up from its last to its first, and"
    " their sums are put in the order of the actions.",
    "the rewards behind each action",
    "Williams 1992; Sutton and Barto 2018, section 13.3",
)
def returns_of_the_past(rule: Rule, evidence: Evidence) -> Check:
    if evidence.training_kind != ACTOR:
        return rule.not_checked("no policy is rewarded")
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the returns")
    return rule.passed("nothing else was found")


@rule(
    "terminal_ignored",
    "ends of episodes",
    "A target that adds discounted values to rewards uses the flag for the end of an episode that"
    " comes with them; the flag of a time limit may be left out, but does not stand in its place.",
    "no value behind the end of an episode",
    "Mnih et al. 2015, algorithm 1; Pardo et al. 2018, Time limits in reinforcement learning",
)
def terminal_ignored(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.observations:
        return rule.not_checked("no complete step was observed")
    # One step tells: in others no episode may end.
    found = [words for step in evidence.observations for id, words in step.wiring if id == rule.id]
    # What the source says of an environment is of another training, where none is learned from.
    if found and evidence.training_kind == ACTOR:
        return rule.failed(found[-1], 0.93, "the target")
    if not any(BOOTSTRAP in step.parts for step in evidence.observations):
        return rule.not_checked(f"there is no {BOOTSTRAP}")
    return rule.passed("no flag that is left out was found")


@rule(
    "noise_not_normal",
    "noise of a diffusion model",
    "The noise that a network learns to predict is not drawn uniformly between 0 and 1, where it is"
    " mixed into the data as normal noise is: by weights whose squares sum to 1.",
    "normal noise",
    "Ho et al. 2020, Denoising diffusion probabilistic models",
)
def noise_not_normal(rule: Rule, evidence: Evidence) -> Check:
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the noise")
    if evidence.training_kind != DENOISING:
        return rule.not_checked("no noise is to be predicted")
    return rule.passed("nothing else was found")
