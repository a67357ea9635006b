"""Lesson 4: a gradient is typed, checked against autograd's, and at last trained with."""
