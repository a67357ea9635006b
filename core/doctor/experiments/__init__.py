"""What is tried on copies of a network where observation alone does not decide."""
