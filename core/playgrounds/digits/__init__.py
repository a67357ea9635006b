"""Handwritten digits: MNIST."""
