"""The playgrounds: each a package in this folder, found by being there."""

from ..registry import all_names, get

__all__ = ["all_names", "get"]
