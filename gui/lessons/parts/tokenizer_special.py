"""Special tokens: ``<|endoftext|>`` as text of a person, and as one token."""

from collections.abc import Mapping

from core.lessons.tokenizer.special import SpecialTokens, Tokens
from core.tokenizers import GPT2_END
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.text_card import TextCard
from gui.lessons.tokenizer.token_area import DRAWN, TokenArea, only_first
from gui.widgets.buttons import push_button
from gui.widgets.card import label
from gui.widgets.token_view import TokenView

SPELLED, ALLOWED = "Special tokens not allowed", "Special tokens allowed"
HELP = (
    "<p>The text in GPT-2's tokens, {}. Beneath each stands its number; the special token is"
    " outlined. Hover over one for its bytes.</p>"
)
APPEND_HELP = f"Append {GPT2_END} to the text, as a person could type it."


class Part(TextCard):
    """The text's tokens both ways."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "special", "Special tokens")
        self._shown: SpecialTokens | None = None
        self.append = push_button("appendSpecial", f"Append {GPT2_END}", APPEND_HELP, "link")
        self.head.insertWidget(2, self.append)
        self.words = {way: label("", "", wrap=True) for way in (SPELLED, ALLOWED)}
        hows = {SPELLED: "as a program encodes what a person typed", ALLOWED: "special ones too"}
        self.areas = {
            way: TokenArea(TokenView(f"tokens_{key}", way, HELP.format(hows[way])))
            for way, key in ((SPELLED, "spelled"), (ALLOWED, "allowed"))
        }
        for way, key in ((SPELLED, "spelled"), (ALLOWED, "allowed")):
            self.words[way].setObjectName(f"specialWords_{key}")
            self.body.addWidget(self.words[way])
            self.body.addWidget(self.areas[way])
        self.append.clicked.connect(self._append)

    def _append(self) -> None:
        self.state.edit(self.state.typed + GPT2_END)

    def refresh(self) -> None:
        """Show both ways."""
        special = self.state.special
        if special is None or special is self._shown:
            return
        self._shown = special
        places = _special(special.allowed)
        for way, tokens in ((SPELLED, special.spelled), (ALLOWED, special.allowed)):
            marked = {place for place in places if place < DRAWN} if way == ALLOWED else set()
            self.areas[way].show_tokens(tokens, marked)
            self.areas[way].bring(min(places, default=0))
        spelled, allowed, found = len(special.spelled), len(special.allowed), len(places)
        as_text = f"{_many(spelled)}{only_first(spelled)}"
        if not found:
            says = f"There is no {GPT2_END} in this text: both ways are the same."
            self.words[SPELLED].setText(f"{SPELLED}: {as_text}")
            self.words[ALLOWED].setText(f"{ALLOWED}: {_many(allowed)} {says}")
            return
        times = "once" if found == 1 else f"{found:,} times"
        self.words[SPELLED].setText(
            f"{SPELLED}: {as_text} What looks like a special token is spelled like any text, and"
            " the network reads it as text."
        )
        self.words[ALLOWED].setText(
            f"{ALLOWED}: {_many(allowed)} Token {special.allowed[min(places)][1]:,} stands in it"
            f" {times}: for the network a new text begins there.{only_first(allowed)}"
        )


def _special(tokens: Tokens) -> set[int]:
    """Return the places of special tokens: no other has these bytes."""
    return {place for place, (raw, _) in enumerate(tokens) if raw == GPT2_END.encode()}


def _many(count: int) -> str:
    return f"{count:,} token{'s' * (count != 1)}."
