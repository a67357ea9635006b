"""Short cuts for the tests of expressions."""

from core.expressions.lab import Lab
from core.expressions.parser import parse
from core.expressions.presets import PRESETS

LECTURE = PRESETS["lecture"].text
NEURON = PRESETS["lecture neuron"].text


def lab_of(text, **rest):
    """Return an expression at work."""
    return Lab(parse(text), **rest)


def loss_of(text):
    """Return the value of the last line."""
    return lab_of(text).loss


def named(lab, name):
    """Return a value and a gradient by the name in the text."""
    index = lab.graph.names[name]
    return lab.values[index].tolist(), lab.gradients[index].tolist()
