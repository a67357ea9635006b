"""Healthy programs of many kinds, on which the doctor should name no cause."""
