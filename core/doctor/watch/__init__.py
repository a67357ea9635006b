"""Observes a training loop from outside: what each step computed, in numbers."""
