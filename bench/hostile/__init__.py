"""Attacks on the program from outside, each with fixed seeds: ``python -m bench.hostile NAME``."""
