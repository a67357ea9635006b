"""All experiments on copies of an observed step."""

from . import (
    input_experiments,
    leakage_experiments,
    learning_experiments,
    loss_experiments,
    mode_experiments,
    unlabelled_experiments,
)
from .step_experiment import experiments_of

STEP_EXPERIMENTS = experiments_of(
    input_experiments,
    leakage_experiments,
    loss_experiments,
    mode_experiments,
    learning_experiments,
)
"""In the order in which they are tried: the cheap ones first."""
UNLABELLED_EXPERIMENTS = experiments_of(unlabelled_experiments)
"""Those on steps without labels."""
