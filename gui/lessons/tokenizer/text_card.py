"""A card with the lesson's text on top: each part has the box, and all of them one text."""

from PySide6.QtGui import QShowEvent

from core.lessons.tokenizer.presets import MOST, PRESETS, too_long
from gui.inputs import ComboBox
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.lesson_text import LessonText
from gui.rich_text import rich
from gui.widgets.buttons import identified
from gui.widgets.card import Card, label, say
from gui.widgets.text_box import TextBox

HIGH = 66  # pixels of the box
OWN = "a text of your own"
TEXT_HELP = (
    f"Any text, up to {MOST:,} characters. The parts of this lesson share it: what you type here"
    " stands in their boxes, too."
)
PRESET_HELP = "Texts that cost more or fewer tokens than one would think."


class TextCard(Card):
    """The text, examples to choose from, and below them what a part makes of it.

    Args:
        part: in the names of the widgets.
    """

    def __init__(self, context: LessonContext, part: str, title: str) -> None:
        super().__init__(title)
        self.setObjectName(f"tokenizer_{part}")
        self.state = context.shared(LessonText)
        self.presets = identified(ComboBox(), f"textPreset_{part}", "Example", PRESET_HELP)
        for preset in PRESETS:
            self.presets.addItem(preset.title, preset.text)
        self.presets.addItem(OWN, None)
        self.box = TextBox()
        self.box.setObjectName(f"lessonText_{part}")
        self.box.setAccessibleName("A text to be cut into tokens")
        self.box.setToolTip(rich(TEXT_HELP))
        self.box.setPlaceholderText("Type any text")
        self.box.setTabChangesFocus(True)
        self.box.setFixedHeight(HIGH)
        self.limit = label("", "muted", wrap=True)
        self.problem = label("", "fault", wrap=True)
        self.problem.hide()
        self.head.addWidget(label("Example", "muted"))
        self.head.addWidget(self.presets)
        for widget in (self.box, self.limit, self.problem):
            self.body.addWidget(widget)
        self._take()
        self.box.textChanged.connect(lambda: self.state.edit(self.box.toPlainText()))
        self.presets.activated.connect(lambda row: self._choose())
        self.state.edited.connect(self._take)
        self.state.computed.connect(self._on_computed)
        self.state.failed.connect(lambda words: say(self.problem, words, "fault"))

    def refresh(self) -> None:
        """Show what is known of the text; a subclass says how."""
        raise NotImplementedError

    def _choose(self) -> None:
        """Take the text of an example."""
        if self.presets.currentData() is not None:
            self.state.edit(self.presets.currentData())
        else:
            self._take()
            self.box.setFocus()

    def _take(self) -> None:
        """Show the text that all parts share."""
        typed = self.state.typed
        if self.box.toPlainText() not in (typed, typed[:MOST]):
            self.box.blockSignals(True)
            self.box.setPlainText(typed[:MOST])
            self.box.blockSignals(False)
        texts = [preset.text for preset in PRESETS]
        self.presets.setCurrentIndex(texts.index(typed) if typed in texts else len(texts))
        say(self.limit, too_long(typed))

    def _on_computed(self) -> None:
        say(self.problem, "")
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was computed while this was hidden."""
        super().showEvent(event)
        self.refresh()

    def abandon(self) -> None:
        """The window closes."""
        self.state.abandon()
