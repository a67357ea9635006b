"""What a names network says, as plain values for a screen or a terminal."""

from dataclasses import dataclass

from ...telemetry.events import Array

END = "."
"""The mark before the first letter and after the last, as in the lectures."""


@dataclass(frozen=True)
class Name:
    """A name that a network made.

    Attributes:
        text: all of it, its prefix included, without the end mark.
        probability: of what follows the prefix, the end included, at temperature 1.
        known: whether it stands in the training list (a copy) or is new.
    """

    text: str
    probability: float
    known: bool


def read_as(typed: str, read: str) -> str:
    """Say that a network was given other letters than those typed; "" where it was not."""
    if typed == read:
        return ""
    return f"Read as “{read}”, the letters that it knows."


@dataclass(frozen=True)
class Surprisal:
    """The surprisal of a name, letter by letter.

    Attributes:
        letters: the name and the end mark.
        nats: -ln of each letter's probability after those before it, (len(letters),).
    """

    letters: str
    nats: Array

    @property
    def total(self) -> float:
        """Nats of the whole name: -ln of its probability."""
        return float(self.nats.sum())
