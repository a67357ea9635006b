"""What a run is, how it went, what the doctor said of it, and what can be done with it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.doctor.diagnosis import VERDICTS
from core.errors import UserError
from core.runs.library import Entry
from gui.runs import run_text as words
from gui.runs.note_edit import NoteEdit
from gui.runs.run_buttons import RunButtons
from gui.theme import GAP
from gui.widgets.card import Card, label, say
from gui.widgets.status_icon import VERDICT_ROLES, Sign
from gui.widgets.verdict_card import TEXT_ROLES

MOST = 12  # settings that are told
EXACT = "Recipe: “{name}”, as it is on its page."
SEEN = "What could be seen of its settings:"
UNLIKE = "Recipe: most like “{name}”, but"


class RunCard(Card):
    """One run in words."""

    noted = Signal(str)
    """The person's note is another one now."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runCard")
        self.name = label("", "cause", wrap=True)
        self.name.setObjectName("runTitle")
        self.state, self.result = label("", "", wrap=True), label("", "", wrap=True)
        self.state.setObjectName("runState")
        self.what, self.recipe = label("", "muted", wrap=True), label("", "muted", wrap=True)
        self.sign, self.doctor = Sign(20), label("", "muted", wrap=True)
        self.doctor.setObjectName("runDoctor")
        self.note = NoteEdit("runNoteEdit")
        self.note.written.connect(self.noted)
        self.buttons = RunButtons()
        self._settings = QGridLayout()
        self._settings.setHorizontalSpacing(GAP)
        self._settings.setVerticalSpacing(3)
        self._settings.setColumnStretch(1, 1)
        self._arrange()

    def _arrange(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(GAP)
        says = QHBoxLayout()
        says.setSpacing(GAP)
        says.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        says.addWidget(self.doctor, 1)
        for widget in (self.state, self.result):
            column.addWidget(widget)
        column.addLayout(says)
        for widget in (self.what, self.recipe):
            column.addWidget(widget)
        column.addLayout(self._settings)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self.body.addWidget(self.name)
        self.body.addWidget(self.buttons)  # seen on a small screen, too
        self.body.addWidget(area, 1)
        self.body.addWidget(self.note)

    def show_entry(self, entry: Entry) -> None:
        """Show this run, as it stands now."""
        about = entry.about
        say(self.name, entry.title, "cause")
        say(self.state, words.standing(entry), words.STATE_ROLES.get(entry.state, "text"))
        say(self.result, words.result(about.metrics) if about else "", "text")
        self._show_doctor(entry)
        say(self.what, words.described(about) if about else "")
        self._show_recipe(entry)
        self.note.show_note(entry.card.note)
        self.buttons.show_entry(entry)

    def _show_doctor(self, entry: Entry) -> None:
        verdict = entry.verdict if entry.verdict in VERDICTS else ""
        self.sign.setVisible(bool(verdict))
        found = (entry.about.diagnosis if entry.about else None) or {}
        sentence = str(found.get("sentence", "")) or VERDICTS.get(verdict, "")
        if verdict:
            self.sign.show_verdict(verdict)
            say(self.doctor, sentence, TEXT_ROLES[VERDICT_ROLES[verdict]])
        else:
            say(self.doctor, "")

    def _show_recipe(self, entry: Entry) -> None:
        if entry.about is None:
            say(self.recipe, SEEN if entry.seen else "")
            self._show_settings(list(entry.seen.items()))
            return
        try:
            name, otherwise = words.nearest_recipe(entry.about)
        except UserError as error:
            say(self.recipe, f"Its recipe can't be read here: {error}", "warning")
            self._show_settings(())
            return
        say(self.recipe, (UNLIKE if otherwise else EXACT).format(name=name))
        self._show_settings(otherwise)

    def _show_settings(self, rows: Sequence[tuple[str, str]]) -> None:
        while item := self._settings.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for row, (title, value) in enumerate(rows[:MOST]):
            self._settings.addWidget(label(title, "small"), row, 0)
            self._settings.addWidget(label(value, "", wrap=True), row, 1)
        if len(rows) > MOST:
            more = f"and {len(rows) - MOST} more"
            self._settings.addWidget(label(more, "small"), MOST, 0, 1, 2)
