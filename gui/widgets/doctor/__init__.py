"""What the doctor's page alone shows."""
