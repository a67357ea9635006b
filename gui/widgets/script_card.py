"""A script to be read, copied and saved beside what it is the code of; its newest lines marked."""

import io
import tokenize
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from core.code.script import as_notebook
from core.errors import UserError
from core.files import write_whole
from gui.theme import IconButton
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, label, say
from gui.widgets.export_file import ask_path
from gui.widgets.source_text import SourceMark, SourceText, Stretch

SHOW, HIDE = "Show the code", "Hide the code"
LEAST = 240  # pixels of its height


class ScriptCard(Card):
    """A PyTorch script; whoever has it shows it where :attr:`toggled` says so.

    Args:
        button: shows and hides it.
        hint: how else it is hidden, in a sentence.
    """

    toggled = Signal(bool)
    """Whether it is to be shown now."""

    def __init__(self, button: QPushButton, hint: str = "") -> None:
        super().__init__("Code")
        self.shown = False
        self.script = ""
        self.file_name = "script"
        """What it is saved as if nobody says otherwise, without its suffix."""
        self.button = button
        self.copy = push_button("copyCode", "Copy", "Copy the script.")
        self.save_script = push_button("saveScript", "Save as .py…", "Save it as a Python script.")
        self.save_notebook = push_button(
            "saveNotebook", "Save as .ipynb…", "Save it as a notebook, with a cell for each part."
        )
        self.hide_button = IconButton("close", f"{HIDE}. {hint}".strip())
        self.hide_button.setObjectName("hideCode")
        self.caption = label("", "muted", wrap=True)
        self.caption.setObjectName("codeCaption")
        self.source = identified(
            SourceText("codeSource"),
            "codeSource",
            "The script of this training",
            "What the present settings do, line by line. It can be selected.",
        )
        self.message = label("", "muted", wrap=True)
        self.message.setObjectName("codeMessage")
        self.message.hide()
        for widget in (self.copy, self.save_script, self.save_notebook, self.hide_button):
            self.head.addWidget(widget)
        self.body.addWidget(self.caption)
        self.body.addWidget(self.source, 1)
        self.body.addWidget(self.message)
        self.setMinimumHeight(LEAST)
        button.clicked.connect(self.toggle)
        self.hide_button.clicked.connect(self.toggle)
        self.copy.clicked.connect(self._copy)
        self.save_script.clicked.connect(lambda: self._save("py", self.script))
        self.save_notebook.clicked.connect(lambda: self._save("ipynb", as_notebook(self.script)))
        self._offer(False)

    def toggle(self) -> None:
        """Show it, or hide it."""
        self.shown = not self.shown
        retitle(self.button, HIDE if self.shown else SHOW)
        self.toggled.emit(self.shown)
        (self.source if self.shown else self.button).setFocus()

    def show_script(
        self,
        script: str,
        marked: Sequence[int],
        caption: str,
        words: str,
        part: tuple[Sequence[int], str] = ((), ""),
    ) -> None:
        """Show a script.

        Args:
            script: all of it.
            marked: lines, counted from 1.
            caption: what it is.
            words: what the marks mean.
            part: the lines of a part of the network, counted from 1, and what part that is.
        """
        if script != self.script:
            self.script = script
            say(self.message, "")
            lines, bar = script.rstrip("\n").split("\n"), self.source.verticalScrollBar()
            at = bar.value()
            self.source.show_lines(lines, range(1, len(lines) + 1), _comments(script))
            bar.setValue(at)
        marks = {line - 1: [SourceMark(part[1], "activation")] for line in part[0]}
        for line in marked:
            marks.setdefault(line - 1, []).append(SourceMark(words, "update"))
        self.source.mark_lines(marks)
        self.source.bring_into_view([line - 1 for line in marked])
        say(self.caption, caption)
        self._offer(True)

    def show_none(self, sentence: str, role: str = "fault") -> None:
        """Say why there is no script."""
        self.script = ""
        self.source.show_lines([], [])
        say(self.caption, sentence, role)
        self._offer(False)

    def _offer(self, there: bool) -> None:
        for button in (self.copy, self.save_script, self.save_notebook):
            button.setEnabled(there)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.script)
        say(self.message, "The script is copied.")

    def _save(self, kind: str, content: str) -> None:
        path = ask_path(self, "Save the code", self.file_name, kind)
        if path is None:
            return
        try:
            if path.suffix.lower() != f".{kind}":
                raise UserError(f"{path.name} can't be written as that; end the name in .{kind}.")
            write_whole(path, content.encode())
        except UserError as error:
            say(self.message, str(error), "fault")
        else:
            say(self.message, f"Saved as {path}.")


def _comments(script: str) -> list[Stretch]:
    """Return where comments and docstrings stand."""
    return [
        (token.start[0] - 1, token.start[1], token.end[1])
        for token in tokenize.generate_tokens(io.StringIO(script).readline)
        if token.type == tokenize.COMMENT or token.string.startswith('"""')
    ]
