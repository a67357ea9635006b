"""Points of a plane: which class they are of, or which value stands there."""
