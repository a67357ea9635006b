"""The Doctor page."""
