"""Texts to begin with, from a handful of numbers to a network that classifies two moons."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A text, and how it is best trained.

    Attributes:
        title: of the text, in a few words.
        text: in the language of expressions.
        rate: a learning rate that works.
        fast: whether it needs more steps than one wants to watch singly.
    """

    title: str
    text: str
    rate: float
    fast: bool = False


PRESETS = {
    "lecture": Preset(
        "The lecture's example",
        """\
# micrograd, lecture 1
a = 2
b = -3
c = 10
f = -2
L = (a*b + c) * f
""",
        0.01,
    ),
    "lecture neuron": Preset(
        "The lecture's neuron",
        """\
# micrograd, lecture 1: o is 0.7071
x1 = data(2)
x2 = data(0)
w1 = -3
w2 = 1
b = 6.8813735870195432
n = x1*w1 + x2*w2 + b
o = n.tanh()
""",
        0.05,
    ),
    "neuron": Preset(
        "A neuron that learns",
        """\
x = data([1, -2, 0.5])  # inputs
y = data(0.8)  # target
w = [-0.6, 0.4, 0.9]
b = 0.1
o = tanh(dot(w, x) + b)
loss = (o - y)**2
""",
        0.05,
    ),
    "sigmoid": Preset(
        "A sigmoid from elementary steps",
        """\
x = data(1.5)
w = 2
b = -1
z = w*x + b
s = 1 / (1 + exp(-z))
loss = s**2  # target: s = 0
""",
        0.5,
    ),
    "noise": Preset(
        "Noise inside the expression",
        """\
a = 0.5
b = -1
c = 0.3
out = (a*b + c).tanh() + 0.3*noise()
loss = (out - 0.6)**2
""",
        0.05,
    ),
    "xor": Preset(
        "A network for XOR",
        """\
# 1 where exactly one of two is 1
x = data([[0,0], [0,1], [1,0], [1,1]])
y = data([[-1], [1], [1], [-1]])
w1 = randn(2, 4)
b1 = randn(4)
w2 = randn(4, 1)
b2 = 0
h = tanh(x @ w1 + b1)
out = h @ w2 + b2
loss = mean((out - y)**2)
""",
        0.2,
        True,
    ),
    "moons": Preset(
        "A network for two moons",
        """\
x = moons(100)  # points
y = moons_label(100)  # +1 or -1
w1 = randn(2, 12)
b1 = randn(12)
w2 = randn(12, 1)
b2 = 0
h = tanh(x @ w1 + b1)
out = h @ w2 + b2
loss = mean(softplus(-y * out))
""",
        0.3,
        True,
    ),
}
