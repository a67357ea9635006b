"""How much an expression may be: enough for a small net, too little to keep anybody waiting."""

CHARACTERS = 4_000
LINES = 60
NODES = 160
DEPTH = 40
"""Brackets within brackets, and signs in front of signs."""
NAME = 24
DIGITS = 24
"""Characters of one number."""
LARGEST = 1e9
EXPONENT = 16
LENGTH = 1_000
"""Numbers along one side of a vector or matrix."""
LEAF = 2_000
"""Numbers that one name may be given."""
NUMBERS = 400_000
"""Numbers of all values together."""
PRODUCTS = 4_000_000
"""Multiplications of all matrix products together."""
