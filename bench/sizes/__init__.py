"""Is it too small, not trained enough, fine or overfitting: watched loops with measured labels."""
