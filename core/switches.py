"""Switches: what a plain recipe has, and the settings that are changed in it one after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Switches:
    """The way from a plain recipe to a better one, a few settings at a time.

    Attributes:
        plain: what a plain recipe has that differs from the playground's default one.
        added: what each switch changes, on top of all before it.
        steps: for how many a training shows something, on two cores within ten seconds or so.
    """

    plain: Mapping[str, Any]
    added: Sequence[Mapping[str, Any]]
    steps: int
