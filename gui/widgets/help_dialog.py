"""Help, the shortcuts, and about: three tabs, made from what the window and the files say."""

import html
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from core import about, markdown
from gui import theme
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import label, say
from gui.widgets.commands import WindowCommand
from gui.widgets.open_path import open_path

HELP, SHORTCUTS, ABOUT = range(3)
"""The tabs."""
WAYS = (
    "Every setting, button and chart has a tooltip that says what it does. F1 explains the term of"
    " what has the focus, and every term is in the glossary. The page Lessons begins at the"
    " beginning. Everything that can be done is in the command palette."
)


class HelpDialog(QDialog):
    """What the pages are for, which keys there are, and what this installation is.

    Args:
        parent: the window that it belongs to.
        pages: titles of the pages, and what each is for.
        commands: what can be done now; those with keys are listed.
    """

    def __init__(
        self, parent: QWidget, pages: Sequence[tuple[str, str]], commands: Sequence[WindowCommand]
    ) -> None:
        super().__init__(parent)
        self.setObjectName("helpDialog")
        theme.style(self)
        self.setAccessibleName("Help")
        self.setWindowTitle("Help")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(520, 380)
        self.resize(820, 580)
        self._pages, self._commands = pages, commands
        self.help = _browser("helpText", "Help")
        self.shortcuts = _browser("shortcutsText", "Shortcuts")
        self.about = AboutPanel()
        self.tabs = identified(QTabWidget(), "helpTabs", "Help", "Help, the keys, the versions.")
        for widget, title in (
            (self.help, "Help"),
            (self.shortcuts, "Shortcuts"),
            (self.about, "About"),
        ):
            self.tabs.addTab(widget, title)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MARGIN, theme.GAP, theme.MARGIN, theme.MARGIN)
        column.addWidget(self.tabs)
        self._write()

    def _write(self) -> None:
        rows = [
            (f"<b>{html.escape(title)}</b>", html.escape(words)) for title, words in self._pages
        ]
        self.help.setHtml(f'<p style="margin-bottom:12px">{html.escape(WAYS)}</p>{_table(rows)}')
        places: dict[str, list[WindowCommand]] = {}
        for command in self._commands:
            if command.keys:
                places.setdefault(command.place, []).append(command)
        self.shortcuts.setHtml(
            "".join(
                f"<p><b>{html.escape(place)}</b></p>"
                + _table([(html.escape(c.keys), html.escape(c.title)) for c in found])
                for place, found in places.items()
            )
        )

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme into the texts."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._write()


class AboutPanel(QWidget):
    """Versions and licences, and where the files lie; all of it can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.text = _browser("aboutText", "Versions and licences")
        self.text.setMarkdown(_about_markdown())
        self.copy = push_button(
            "copyAbout", "Copy", "Copy versions and places, for a question or a report."
        )
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(about.as_text()))
        self.message = label("", "muted", wrap=True)
        self.message.hide()
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(theme.MARGIN)
        for row, (what, path) in enumerate(about.places().items()):
            grid.addWidget(label(what, "muted"), row, 0)
            grid.addWidget(_path(path), row, 1)
            button = push_button(f"openPlace_{row}", "Open folder", f"Open {_folder(path)}.")
            button.setAccessibleName(f"Open the folder of: {what}")
            button.setEnabled(_folder(path).is_dir())
            button.clicked.connect(lambda checked=False, path=path: self._open(_folder(path)))
            grid.addWidget(button, row, 2)
        foot = QHBoxLayout()
        foot.addWidget(self.message, 1)
        foot.addStretch(1)
        foot.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.GAP, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(grid)
        column.addWidget(self.text, 1)
        column.addLayout(foot)

    def _open(self, folder: Path) -> None:
        say(self.message, "")
        open_path(folder, lambda sentence: say(self.message, sentence, "fault"))


def _about_markdown() -> str:
    rows = [(each.name, each.version, each.licence) for each in about.versions()]
    table = markdown.table([("", "Version", "Licence"), *rows])
    return f"## Glassbox\n\n{about.system()}\n\n{table}\n\n## Bundled\n\n{about.bundled()}"


def _folder(path: Path) -> Path:
    return path if path.is_dir() or not path.suffix else path.parent


def _path(path: Path) -> QLabel:
    made = label(str(path), "small", wrap=True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def _browser(name: str, accessible: str) -> QTextBrowser:
    made = identified(QTextBrowser(), name, accessible, f"{accessible}. It can be selected.")
    made.setOpenExternalLinks(True)
    return made


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><td width="190" style="padding:3px 28px 3px 0; white-space:nowrap">{left}</td>'
        f'<td style="padding:3px 0">{right}</td></tr>'
        for left, right in rows
    )
    return f"<table>{cells}</table>"
