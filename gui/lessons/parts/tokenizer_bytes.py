"""From characters to bytes: code points, and what UTF-8 makes of them."""

from collections.abc import Mapping

from core.lessons.tokenizer.characters import Character, bytes_in_words, characters_of
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.text_card import TextCard
from gui.lessons.tokenizer.token_area import DRAWN, TokenArea
from gui.widgets.card import label
from gui.widgets.token_text import shown, spelled
from gui.widgets.token_view import TokenView

HELP = (
    "<p>Each character, and beneath it its bytes in UTF-8, in hexadecimal. A dot is a space, ↵ the"
    " end of a line. Hover over one for its code point and its name.</p>"
)


class CharacterView(TokenView):
    """Characters, with their bytes beneath."""

    def __init__(self) -> None:
        super().__init__("lessonCharacters", "Characters and their bytes", HELP)
        self._characters: list[Character] = []

    def beneath(self, index: int) -> str:
        """Return the bytes of a character."""
        return spelled(self._pieces[index][0])

    def show_characters(self, characters: list[Character]) -> None:
        """Take the characters that are described."""
        self._characters = characters

    def describe(self, index: int) -> str:
        """Say a character's code point and bytes, and what Unicode calls it."""
        character = self._characters[index]
        numbers = " ".join(str(byte) for byte in character.raw)
        size = len(character.raw)
        return (
            f"{character.written}, {character.name}\n“{shown(character.raw)}”: code point"
            f" {character.code:,}\n{size} byte{'s' * (size != 1)}: {spelled(character.raw)}"
            f" ({numbers})"
        )


class Part(TextCard):
    """The characters of the text, and how many bytes they have."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "bytes", "Characters and bytes")
        self.facts = label("", "muted", wrap=True)
        self.facts.setObjectName("byteFacts")
        self.view = CharacterView()
        self.area = TokenArea(self.view)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.area)

    def refresh(self) -> None:
        """Show the characters of the text that was cut last."""
        if self.state.pieces is None:
            return
        text = self.state.pieces.text
        only = f" The first {DRAWN:,} are drawn." if len(text) > DRAWN else ""
        self.facts.setText(f"{bytes_in_words(text)}{only}")
        characters = characters_of(text[:DRAWN])
        self.view.show_characters(characters)
        self.area.show_tokens([(character.raw, character.code) for character in characters])
