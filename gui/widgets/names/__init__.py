"""What the names page alone shows."""
