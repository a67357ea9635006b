"""Two networks trained in lock step, side by side."""
