"""Texts that cost more or less than one would think, and how long a text may be."""

from dataclasses import dataclass

from ...tokenizers import GPT2_END

MOST = 10_000
"""Characters of a text that are used."""


@dataclass(frozen=True)
class ExampleText:
    """A text to begin with.

    Attributes:
        title: a word or two, on a button or in a table.
    """

    key: str
    title: str
    text: str


_CODE = """\
def fizz(n):
    for i in range(1, n + 1):
        if i % 15 == 0:
            print("FizzBuzz")
        elif i % 5 == 0:
            print("Buzz")
"""
_VERSE = """\
To-morrow, and to-morrow, and to-morrow,
Creeps in this petty pace from day to day,
To the last syllable of recorded time;
And all our yesterdays have lighted fools
The way to dusty death. Out, out, brief candle!
"""
PRESETS = (
    ExampleText("verse", "Macbeth", _VERSE),
    ExampleText("sums", "Numbers", "127 + 677 = 804\n1275 + 6773 = 8041"),
    ExampleText("space", "Trailing space", "Once upon a time there was a "),
    ExampleText("japanese", "Japanese", "こんにちは。お元気ですか 🙂👍🏽"),
    ExampleText("code", "Python", _CODE),
    ExampleText("english", "English", "The weather is nice today, and we are going to the sea."),
    ExampleText("german", "German", "Das Wetter ist heute schön, und wir fahren ans Meer."),
    ExampleText("special", "Special token", f"The end.{GPT2_END}Once upon a time"),
)


def usable(text: str) -> str:
    """Return what of a text is used: its first characters, halves of surrogate pairs replaced."""
    return text[:MOST].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def too_long(text: str) -> str:
    """Say what is left out of a text that is too long; "" for none."""
    if len(text) <= MOST:
        return ""
    return (
        f"This text has {len(text):,} characters; the first {MOST:,} are used. Shorten it to see"
        " another part."
    )
