"""A small language of differentiable expressions: parsed, evaluated, differentiated and trained.

tokens.py       a text as tokens with their places; limits.py: how long it may be
functions.py    the functions of the language: shape rule and local derivative of each
reader.py       the grammar (operator precedence); nothing is ever handed to Python to run
parser.py       tokens to a graph of differentiable numbers
sources.py      leaves: data, random numbers, the points of two moons
graph.py        the nodes in topological order, and where each value comes from; no torch yet
evaluation.py   the graph in torch: values forward, gradients backward
finite_differences.py  the same gradients from central differences
lab.py          an expression in training: gradient steps, resampled noise, numbers set by hand
stepper.py      the forward and the backward pass, one node at a time
layout.py       where the nodes stand, from left to right
explanations.py what happens at a node, in a sentence with its numbers
presets.py      texts to begin with

The language, line by line: ``name = arithmetic``, ``#`` begins a comment, the last line is the
loss. A name that is assigned plain numbers (``w = 0.5``, ``v = [1, 2]``, ``randn(2, 8)``) is
learned; ``data(...)`` around them makes them constant, and a literal without a name stays as it is.
"""
