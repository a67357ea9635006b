"""What the text page alone shows."""
