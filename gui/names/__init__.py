"""The Names page."""
