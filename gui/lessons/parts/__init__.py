"""The live parts of the lessons, each found by being here: a module with a ``Part``."""
