"""The glossary on the screen: a window to search in, links inside sentences, and help by F1."""

import html
import re
from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QCursor, QKeyEvent, QKeySequence, QShortcut, QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialog,
    QFrame,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidgetItem,
    QScrollArea,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.glossary import LECTURES, Term, find, search, terms, terms_in
from gui import theme
from gui.widgets.card import Card, label
from gui.widgets.terms import TERMS
from gui.widgets.title_list import TitleList

TERM = "term"
"""The dynamic property of a widget that names its entry; "" for a widget that has none. Where all
such widgets have the same one, it stands in ``gui.widgets.terms``."""
SCHEME = "term:"
ROLES = {"muted": "muted", "small": "muted", "fault": "fault", "warning": "warning"}
"""The colours of the style sheet's roles for text, where they are not that of all text."""
SIZE = QSize(860, 580)
SIDE = 270  # pixels for the list
LONGEST = 200  # letters that are searched for; a whole text would stall every key
LEADING = 140  # per cent of a line
NOTHING = "No term matches “{}”. Try another spelling, or a part of the word."
COMMON = frozenset(
    ("Dataset", "Example", "Layer", "Model", "Neural network", "Run", "Step", "Training loop")
)
"""Terms that nearly every sentence has: no link is made of them, and a rarer term goes before."""
_CODE = re.compile(r"`([^`]+)`")
_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


def open_term(parent: QWidget, word: str = "") -> "GlossaryDialog":
    """Open the glossary of a widget's window at a word; at its list for "" or an unknown one."""
    window = parent.window()
    dialog = window if isinstance(window, GlossaryDialog) else _dialog_of(window)
    dialog.open_at(word)
    return dialog


def follow_term(parent: QWidget, target: str) -> bool:
    """Open the glossary for the target of a link; False if it is a link to something else."""
    if not target.startswith(SCHEME):
        return False
    open_term(parent, target.removeprefix(SCHEME))
    return True


def link_terms(text: str, role: str = "text") -> str:
    """Return a plain sentence as rich text in which each term is a link, where it comes first.

    The most common terms are left as they are, or everything would be a link.
    Show it in a QLabel of rich text, and hand ``linkActivated`` to :func:`follow_term`.

    Args:
        text: plain text.
        role: the colour of the links, that of the text around them; the line below tells them.
    """
    style = f"color:{getattr(theme.current(), role)}"
    pieces: list[str] = []
    linked: set[str] = set()
    end = 0
    for start, stop, term in terms_in(text):
        if term.title in linked or term.title in COMMON:
            continue
        linked.add(term.title)
        pieces.append(html.escape(text[end:start]))
        target = html.escape(f"{SCHEME}{term.title}")
        pieces.append(f'<a style="{style}" href="{target}">{html.escape(text[start:stop])}</a>')
        end = stop
    pieces.append(html.escape(text[end:]))
    return "".join(pieces)


class TermLabel(QLabel):
    """A plain sentence in a role of the style sheet, whose terms are links into the glossary."""

    def __init__(self, words: str = "", role: str = "") -> None:
        super().__init__()
        self.plain = ""
        """The sentence without its links."""
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.linkActivated.connect(self._follow)
        self.say(words)

    def say(self, words: str) -> None:
        """Show this sentence from now on."""
        self.plain = words
        self.setAccessibleName(words)
        role = str(self.property("role"))
        linked = link_terms(words, ROLES.get(role, "text"))
        self.setText(linked)
        # Tab stops where there is a link to follow, and not at what is only read.
        has_link = "<a " in linked
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_link else Qt.FocusPolicy.NoFocus)
        self.setToolTip("<p>Click a term to read what it means.</p>" if has_link else "")

    def _follow(self, target: str) -> None:
        follow_term(self, target)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.say(self.plain)


class GlossaryHelp(QObject):
    """Opens the glossary by F1: at the term of the widget that has the focus, or at its list.

    A shortcut and not an event filter of the application, which would call Python for every event
    of every widget. Where nothing has the focus, the widget under the mouse counts.

    Args:
        window: the program's main window.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.shortcut = QShortcut(QKeySequence(Qt.Key.Key_F1), window)
        self.shortcut.setWhatsThis("Explain what has the focus")
        self.shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        self.shortcut.activated.connect(self.help)

    def help(self) -> None:
        """Open the glossary for what the keys, or else the mouse, are at."""
        widget = QApplication.focusWidget() or QApplication.widgetAt(QCursor.pos())
        term = term_of(widget) if widget is not None else None
        open_term(widget or self._window, term.title if term else "")


def term_of(widget: QWidget) -> Term | None:
    """Return the term that a widget is about; None where nothing tells.

    Its entry in ``TERMS`` decides, or the property ``term`` of it or of what it stands in; else
    what it says, if that is a term by itself. Else the first term is taken from its accessible
    name, its text, the title of its card, and the tooltips, a common one only if there is no other.
    """
    parts = widget.objectName().split("_")
    known = ("_".join(parts[:count]) for count in range(len(parts), 0, -1))
    if own := next((TERMS[name] for name in known if name in TERMS), None):
        return find(own)
    around = list(_around(widget))
    for each in around:
        if (named := each.property(TERM)) is not None:
            return find(str(named))
    said = [plain_text(words) for words in _texts(widget)]
    if whole := next((term for words in said if (term := find(words))), None):
        return whole
    names = [*said, *_titles(around), *(plain_text(each.toolTip()) for each in around)]
    found = [term for words in names for _, _, term in terms_in(words)]
    rare = [term for term in found if term.title not in COMMON]
    return next(iter(rare or found), None)


class GlossaryDialog(QDialog):
    """All terms at the left, found by typing; the entry of the chosen one at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("glossary")
        theme.style(self)
        self.setAccessibleName("Glossary")
        self.setWindowTitle("Glossary")
        self.setMinimumSize(600, 380)
        self.resize(SIZE)
        self._past: list[str] = []
        """The titles that links have led away from."""
        self.words = self._make_search()
        self.list = TitleList(
            "glossaryList",
            "Terms",
            "All terms that are found. The arrow keys go from one to the next; typing searches.",
        )
        self.list.currentItemChanged.connect(self._on_chosen)
        self.list.installEventFilter(self)
        self.back = theme.IconButton("back", "Back to the entry before. Alt+Left does the same.")
        self.back.setObjectName("glossaryBack")
        self.back.setShortcut(QKeySequence("Alt+Left"))
        self.back.clicked.connect(self.go_back)
        self.entry = EntryView(self.back)
        self.entry.followed.linkActivated.connect(self._follow)
        self.count = label("", "small")
        self._arrange()
        self._search("")

    def _make_search(self) -> QLineEdit:
        words = QLineEdit()
        words.setObjectName("glossarySearch")
        words.setAccessibleName("Search the glossary")
        words.setPlaceholderText("Search terms…")
        words.setToolTip(
            "<p>Type a term, an abbreviation or a word of its meaning. The arrow keys choose, Enter"
            " goes to the entry's links, Esc closes.</p>"
        )
        words.setMaxLength(LONGEST)
        words.setClearButtonEnabled(True)
        clear = words.findChild(QToolButton)
        if clear is not None:
            clear.setObjectName("clearGlossarySearch")
            clear.setAccessibleName("Show all terms")
            clear.setToolTip("<p>Show all terms again.</p>")
        words.textChanged.connect(self._search)
        words.returnPressed.connect(self._go_to_links)
        words.installEventFilter(self)
        return words

    def _arrange(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(theme.GAP)
        left.addWidget(self.words)
        left.addWidget(self.list, 1)
        left.addWidget(self.count)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.MARGIN, theme.MARGIN, theme.MARGIN, theme.MARGIN)
        row.setSpacing(theme.MARGIN)
        self.words.setFixedWidth(SIDE)
        self.list.setFixedWidth(SIDE)
        row.addLayout(left)
        row.addWidget(self.entry, 1)

    def open_at(self, word: str = "") -> None:
        """Come to the front, at a term; at the list for "", and at a search for an unknown word."""
        term = find(word)
        self._past.clear()
        if term is not None:
            self.show_term(term.title)
        else:
            self.words.setText(word)
            self._search(word)
        self.show()
        self.raise_()
        self.activateWindow()
        self.words.setFocus()
        self.words.selectAll()

    def show_term(self, title: str) -> None:
        """Show the entry of a title, in the list of all terms."""
        self.words.clear()
        self._show_list(list(terms()), title)

    @property
    def shown(self) -> str:
        """The title of the entry that is seen; "" for none."""
        return self.list.chosen()

    def go_back(self) -> None:
        """Return to the entry that the last link led away from."""
        if self._past:
            self.show_term(self._past.pop())

    def _search(self, words: str) -> None:
        found = search(words)
        self._show_list(found, found[0].title if found else "")

    def _show_list(self, found: list[Term], title: str) -> None:
        self.list.show_titles([(term.title, term.title) for term in found], title)
        count = len(found)
        self.count.setText(f"{count} term{'' if count == 1 else 's'}")
        if (item := self.list.currentItem()) is not None:
            self.list.scrollToItem(item, QAbstractItemView.ScrollHint.PositionAtCenter)
        self._show_entry()

    def _on_chosen(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        self._show_entry()

    def _show_entry(self) -> None:
        self.entry.show_term(find(self.shown), self.words.text().strip())
        self.back.setEnabled(bool(self._past))

    def _follow(self, target: str) -> None:
        """Go where a link of the entry leads."""
        self._past.append(self.shown)
        self.show_term(target.removeprefix(SCHEME))
        self._go_to_links()

    def _go_to_links(self) -> None:
        links = self.entry.followed
        if links.isVisible():
            links.setFocus(Qt.FocusReason.TabFocusReason)
            # The focus alone chooses no link; this is the key that goes to the first one.
            tab = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Tab, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(links, tab)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys choose while one types, and typing search while one chooses."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.words and event.key() in _STEPS:
                QApplication.sendEvent(self.list, event)
                return True
            if watched is self.list and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._go_to_links()
                return True
            typed = event.text()
            if watched is self.list and typed and typed.isprintable():
                self.words.setFocus()
                self.words.setText(typed)
                return True
        return super().eventFilter(watched, event)


class EntryView(Card):
    """One term: what it means, its formula, its lecture, its PyTorch name, and what is related.

    Args:
        corner: what stands beside the title.
    """

    def __init__(self, corner: QWidget) -> None:
        super().__init__()
        self.setObjectName("glossaryEntry")
        self._term: Term | None = None
        self._searched = ""
        self._built = False
        self.heading = label("", "title", wrap=True)
        self.heading.setObjectName("glossaryTitle")
        self.also = label("", "small", wrap=True)
        self.meaning = _reading("glossaryMeaning", "Meaning")
        self.meaning.setFont(theme.font(15))
        self.formula = label("", "code", wrap=True)
        self.formula.setObjectName("glossaryFormula")
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.formula.setToolTip("<p>The formula. It can be selected and copied.</p>")
        self.lecture = _reading("glossaryLecture", "Lectures and papers")
        self.pytorch = _reading("glossaryPyTorch", "Names in PyTorch")
        self.pytorch.setToolTip("<p>What to search in PyTorch's documentation.</p>")
        self.followed = _reading("glossarySee", "Related terms")
        self.followed.setToolTip(
            "<p>Click a term to open it. With the keys: Tab goes to the next one, Enter opens"
            " it.</p>"
        )
        self.followed.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.followed.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._heads = [label(name, "muted") for name in ("Lecture", "PyTorch", "See also")]
        self._values = [self.lecture, self.pytorch, self.followed]
        self._arrange(corner)
        self._built = True

    def _arrange(self, corner: QWidget) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(theme.GAP, 0, theme.GAP, 0)
        column.setSpacing(theme.GAP)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(corner, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(self.also)
        column.addSpacing(theme.GAP)
        column.addWidget(self.meaning)
        column.addSpacing(theme.GAP)
        column.addWidget(self.formula)
        column.addSpacing(theme.MARGIN)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.MARGIN)
        grid.setVerticalSpacing(theme.MARGIN)
        grid.setColumnStretch(1, 1)
        for number, (name, value) in enumerate(zip(self._heads, self._values, strict=True)):
            name.setFixedWidth(100)
            grid.addWidget(name, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, number, 1)
        column.addLayout(grid)
        column.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        self.body.addWidget(area)

    def show_term(self, term: Term | None, searched: str = "") -> None:
        """Show an entry; without one, say that nothing matches what was searched."""
        self._term, self._searched = term, searched
        self.heading.setText(term.title if term else "Not found")
        self.also.setText(_also(term) if term else "")
        self.also.setVisible(bool(term and term.also))
        meaning = term.meaning if term else NOTHING.format(searched)
        self.meaning.setText(_paragraph(_inline(meaning)))
        self.meaning.setAccessibleName(f"Meaning: {meaning}")
        self.formula.setText(term.formula if term else "")
        self.formula.setAccessibleName(f"Formula: {self.formula.text()}")
        self.formula.setVisible(bool(term and term.formula))
        wholes = [html.escape(LECTURES.get(name, name)) for name in term.lecture] if term else []
        codes = [_code(name) for name in term.pytorch] if term else []
        links = [_link(title) for title in term.see] if term else []
        self._heads[0].setText(_kind(term) if term else "")
        self.followed.setAccessibleName(f"Related terms: {', '.join(term.see)}" if term else "")
        rows = ("<br>".join(wholes), "<br>".join(codes), " &nbsp;&nbsp; ".join(links))
        for head, value, row in zip(self._heads, self._values, rows, strict=True):
            value.setText(_paragraph(row))
            value.setVisible(bool(row))
            head.setVisible(bool(row))

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme into the rich texts."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._built:
            self.show_term(self._term, self._searched)


def _also(term: Term) -> str:
    """Return the other words for a term; a line breaks between them only."""
    return "Also: " + ", ".join(name.replace(" ", "\u00a0") for name in term.also)


def _kind(term: Term) -> str:
    """Say whether lectures or papers treat a term."""
    lectures = sum(name in LECTURES for name in term.lecture)
    if not lectures:
        return "Paper"
    return "Lecture" if lectures == len(term.lecture) else "Lecture, paper"


def _reading(name: str, accessible: str) -> QLabel:
    """Return a label of rich text that can be selected."""
    made = QLabel()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    made.setTextFormat(Qt.TextFormat.RichText)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def _paragraph(words: str) -> str:
    return f'<p style="line-height:{LEADING}%; margin:0">{words}</p>'


def _inline(meaning: str) -> str:
    """Return a meaning as rich text, the code in it marked."""
    pieces = _CODE.split(meaning)
    return "".join(
        _code(piece) if number % 2 else html.escape(piece) for number, piece in enumerate(pieces)
    )


def _code(words: str) -> str:
    escaped = html.escape(words).replace(" ", "&nbsp;")
    return f'<span style="background-color:{theme.current().sunken}">{escaped}</span>'


def _link(title: str) -> str:
    style = f"color:{theme.current().activation}; text-decoration:none"
    words = html.escape(title).replace(" ", "&nbsp;").replace("-", "‑")
    return f'<a style="{style}" href="{html.escape(SCHEME + title)}">{words}</a>'


def _dialog_of(window: QWidget) -> GlossaryDialog:
    """Return the glossary of a window, which stays when it is closed."""
    options = Qt.FindChildOption.FindDirectChildrenOnly
    found = window.findChild(GlossaryDialog, "glossary", options)
    return found if found is not None else GlossaryDialog(window)


def _around(widget: QWidget) -> Iterator[QWidget]:
    """Yield a widget and all that it stands in, up to its window."""
    each: QWidget | None = widget
    while each is not None:
        yield each
        each = None if each.isWindow() else each.parentWidget()


def _texts(widget: QWidget) -> list[str]:
    """Return what a widget says of itself, the most particular first."""
    found = [widget.accessibleName()]
    if isinstance(widget, QAbstractItemView):
        found.insert(0, str(widget.currentIndex().data() or ""))
    elif isinstance(widget, QTabBar):
        found.insert(0, widget.tabText(widget.currentIndex()))
    elif isinstance(widget, QAbstractButton | QLabel):
        found.append(widget.text())
    return found


def _titles(around: list[QWidget]) -> list[str]:
    """Return the titles of the cards and boxes that a widget stands in, the nearest first."""
    cards = [each.title.text() for each in around if isinstance(each, Card)]
    boxes = [each.title() for each in around if isinstance(each, QGroupBox)]
    return cards + boxes


def plain_text(words: str) -> str:
    """Return a text without the marks of rich text, and without the ampersand of a shortcut."""
    if words.lstrip().startswith("<"):
        words = QTextDocumentFragment.fromHtml(words).toPlainText()
    return re.sub(r"&(?=\w)", "", words)
