"""Limits of an expression: enough for a small network, too little to keep anybody waiting."""

CHARACTERS = 4_000
LINES = 60
NODES = 160
DEPTH = 40
"""Nested brackets and signs."""
NAME = 24
DIGITS = 24
"""Characters of one number."""
LARGEST = 1e9
EXPONENT = 16
LENGTH = 1_000
"""Numbers along one side of a vector or matrix."""
LEAF = 2_000
"""Numbers of one leaf."""
NUMBERS = 400_000
"""Numbers of all values together."""
PRODUCTS = 4_000_000
"""Multiplications of all matrix products together."""
TENSOR = 200_000
"""Numbers of one tensor in a gradient that is typed."""
DIMENSIONS = 4
