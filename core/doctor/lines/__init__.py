"""The lines of a program in which a cause lies."""
