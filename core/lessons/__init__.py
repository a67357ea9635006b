"""The lessons' texts, and what their live parts compute."""
