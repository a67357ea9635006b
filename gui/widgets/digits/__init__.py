"""What the digits page alone shows."""
