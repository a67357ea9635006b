"""Small made-up observations: a healthy training, of which a test changes one thing."""

import math

import numpy as np

from core.doctor.diagnosis import Experiment
from core.doctor.evidence import Evidence
from core.doctor.watch.observation import (
    Observation,
    ObservedInput,
    ObservedLayer,
    ObservedLoss,
    ObservedParameter,
)

UNIFORM = math.log(27)
STEPS = 200


def weight(name="hidden.weight", shape=(100, 30), **changes):
    """A weight that takes one step of plain gradient descent at a learning rate of 0.1."""
    values = {
        "std": 0.1,
        "gradient": 1e-3,
        "update": 1e-4,
        "cosine": -1.0,
        "implied_lr": 0.1,
        "requires_grad": True,
        "used": True,
    }
    return ObservedParameter(name, shape, **values | changes)


def layer(name="hidden", **changes):
    """A hidden layer of tanh with Kaiming weights."""
    values = {
        "kind": "linear",
        "fan_in": 30,
        "units": 100,
        "weight_std": 0.1,
        "in_std": 1.0,
        "out_std": 1.0,
        "nonlinearity": "tanh",
        "saturated": 0.05,
    }
    return ObservedLayer(name, f"{name}.weight", **values | changes)


def output(**changes):
    """The output layer of 27 classes."""
    values = {"fan_in": 100, "units": 27, "weight_std": 0.01, "nonlinearity": "", "saturated": 0.0}
    return layer("output", is_output=True, **values | changes)


def loss(**changes):
    """Cross-entropy of logits of 27 classes."""
    values = {
        "kind": "cross_entropy",
        "classes": 27,
        "value": UNIFORM,
        "uniform": UNIFORM,
        "integer_targets": True,
        "target_min": 0,
        "target_max": 26,
        "top_share": 0.2,
        "target_count": 64,
    }
    return ObservedLoss(**values | changes)


def inputs(**changes):
    """A batch of 64 normalised rows."""
    values = {"is_tokens": False, "shape": (64, 30), "mean": 0.0, "std": 1.0}
    return ObservedInput(**values | changes)


def step(number=0, **changes):
    """A step of an MLP with one hidden layer."""
    values = {
        "loss": UNIFORM,
        "parameters": (weight(), weight("output.weight", (27, 100))),
        "layers": (layer(), output()),
        "criterion": loss(),
        "inputs": (inputs(),),
        "variable_lr": 0.1,
    }
    return Observation(number, **values | changes)


def steps(count=8, every=25, **changes):
    """Some equal steps of a training; the first two are consecutive."""
    numbers = [0, 1, *range(every, every * (count - 1), every)]
    return [step(number, **changes) for number in numbers]


def falling(start=UNIFORM, end=2.2, count=STEPS):
    """A loss that falls as 1 / t, with a little noise."""
    noise = 0.01 * np.random.default_rng(0).normal(size=count)
    return end + (start - end) / (1 + np.arange(count) / 20) + noise


def evidence(observations=None, losses=None, **changes):
    """A healthy training of 200 steps, with one thing changed."""
    losses = falling() if losses is None else np.asarray(losses, float)
    found = Evidence(np.arange(len(losses)), losses, observations or steps())
    for name, value in changes.items():
        assert hasattr(found, name)
        setattr(found, name, value)
    return found


def tried(found, id, passed, result=None):
    """Add an experiment to some evidence."""
    found.add(Experiment(id, id, "as measured", "as expected", passed), result)
    return found


def seen(**changes):
    """Steps of one weight that is changed."""
    return evidence(steps(parameters=(weight(**changes), weight("output.weight", (27, 100)))))
