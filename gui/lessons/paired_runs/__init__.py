"""Paired runs: two networks trained in lock step, side by side."""
