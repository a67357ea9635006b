"""Anything differentiable can be trained: a small language of arithmetic, and what happens in it.

tokens.py       a text in its smallest pieces; limits.py: how much of it there may be
functions.py    what may be called, each with its shape and its slope in words
parser.py       the pieces, to a graph; nothing is ever handed to Python to run
sources.py      numbers that are given or drawn; data.py: the points of two moons
graph.py        the nodes in the order of the forward pass, and what each is; no torch yet
evaluation.py   the graph in torch: values, gradients, what flows over each edge
differences.py  the same gradients by nudging, without any calculus
lab.py          numbers that change: a step downhill, noise drawn anew, a leaf set by hand
layout.py       where the nodes stand, from left to right
words.py        what happens at a node, in a sentence with its numbers
presets.py      texts to begin with

The language, line by line: ``name = arithmetic``, ``#`` begins a comment, the last line is what
is descended on. A name that is given plain numbers (``w = 0.5``, ``v = [1, 2]``, ``randn(2, 8)``)
is learned; ``data(...)`` around them makes them given, and a number without a name stays as it is.
"""
