"""The measurements: ``python -m bench`` prints them all, ``python -m bench NAME ...`` some."""
