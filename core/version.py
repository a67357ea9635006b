"""The version of Glassbox."""

__version__ = "0.1.0"
