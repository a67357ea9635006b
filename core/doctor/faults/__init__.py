"""Faults that can be injected into a training on purpose."""
