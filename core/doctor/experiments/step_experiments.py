"""All experiments on copies of an observed step."""

from .input_experiments import INPUT_EXPERIMENTS
from .leakage_experiments import LEAKAGE_EXPERIMENTS
from .learning_experiments import LEARNING_EXPERIMENTS
from .loss_experiments import LOSS_EXPERIMENTS
from .mode_experiments import MODE_EXPERIMENTS

STEP_EXPERIMENTS = (
    *INPUT_EXPERIMENTS,
    *LEAKAGE_EXPERIMENTS,
    *LOSS_EXPERIMENTS,
    *MODE_EXPERIMENTS,
    *LEARNING_EXPERIMENTS,
)
"""In the order in which they are tried: the cheap ones first."""
