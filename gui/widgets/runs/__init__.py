"""What the page of runs alone shows."""
