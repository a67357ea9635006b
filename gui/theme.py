"""Colours, type and shapes: few, each with one meaning, in a light and a dark form.

A widget that paints asks `current()` in its paint event, and hears of a change as Qt's own
PaletteChange event.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from weakref import WeakSet

from PySide6.QtCore import QByteArray, QDir, QEvent, QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from shiboken6 import isValid

from core.paths import RESOURCES
from gui.garbage import collecting_nothing

FAMILY = "Inter"
RADIUS = 8
GAP = 8
MARGIN = 16


@dataclass(frozen=True)
class Theme:
    """The colours of a screen. What is measured has a colour of its own, everywhere the same."""

    name: str
    window: str
    surface: str
    sunken: str
    border: str
    text: str
    muted: str
    faint: str
    activation: str
    gradient: str
    update: str
    validation: str
    warning: str
    fault: str

    def colour(self, role: str, alpha: int = 255) -> QColor:
        """Return a colour by its role, more or less see-through."""
        colour = QColor(getattr(self, role))
        colour.setAlpha(alpha)
        return colour


LIGHT = Theme(
    name="light",
    window="#f4f5f7",
    surface="#ffffff",
    sunken="#eceef2",
    border="#dde1e7",
    text="#1a1e24",
    muted="#5d6775",
    faint="#98a1ae",
    activation="#2a6bd8",
    gradient="#d9730d",
    update="#178a5c",
    validation="#8250df",
    warning="#b07d00",
    fault="#cf2f3f",
)
DARK = Theme(
    name="dark",
    window="#14171c",
    surface="#1c2027",
    sunken="#262b34",
    border="#323945",
    text="#eceff4",
    muted="#a3adbb",
    faint="#6d7786",
    activation="#6ea6ff",
    gradient="#f59b45",
    update="#4cc38a",
    validation="#b794ff",
    warning="#e3b341",
    fault="#ff6b75",
)
THEMES = {"light": LIGHT, "dark": DARK}
_current = LIGHT
_styled: "WeakSet[_Styled]" = WeakSet()


def current() -> Theme:
    """Return the theme of the screen."""
    return _current


def apply(app: QApplication, name: str) -> None:
    """Give the whole program a theme; ``system`` follows the desktop's own choice.

    What is hidden keeps its style sheet until it is shown.
    """
    global _current
    if name == "system":
        dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        name = "dark" if dark else "light"
    _current = THEMES[name]
    with collecting_nothing():
        if app.font() != font():  # each of these goes through all widgets: only what changes
            app.setStyle("Fusion")
            app.setFont(font())
        app.setPalette(_palette(_current))
        app.sendPostedEvents(None, QEvent.Type.ApplicationPaletteChange)  # all hear of it at once
    # Whoever holds one, such as a traceback, does so also when Qt's part of it is gone.
    for styled in [each for each in _styled if isValid(each) and each.visible]:
        styled.update_sheet()


def style(widget: QWidget) -> None:
    """Give a page, a dialog or another part of a window, and all in it, the theme's style sheet.

    The application has none: Qt would work it out anew for every widget of the program, seen or
    not, which takes over a second.
    """
    _styled.add(_Styled(widget))


class _Styled(QObject):
    """Changes the style sheet of its parent with the theme, as soon as the parent is seen."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.update_sheet()
        widget.installEventFilter(self)

    @property
    def visible(self) -> bool:
        """Whether the parent is."""
        return self._widget().isVisible()

    def update_sheet(self) -> None:
        """Take the style sheet of the current theme."""
        widget, sheet = self._widget(), _stylesheet(_current)
        if widget.styleSheet() != sheet:
            with collecting_nothing():
                widget.setStyleSheet(sheet)

    def _widget(self) -> QWidget:
        widget = self.parent()
        assert isinstance(widget, QWidget)
        return widget

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Catch up on a change of theme before the parent is painted."""
        if event.type() == QEvent.Type.Show:
            self.update_sheet()
        return False


def load_fonts() -> None:
    """Make the shipped typeface known, so that the program looks the same everywhere."""
    for file in sorted((RESOURCES / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))


def font(pixels: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the typeface with figures of equal width, so that live numbers stand still.

    Letters stay what they are: by itself it would show the file ``3x2.py`` as ``3×2.py``.
    """
    chosen = QFont(FAMILY)
    chosen.setPixelSize(pixels)
    chosen.setWeight(weight)
    chosen.setFeature(QFont.Tag("tnum"), 1)
    chosen.setFeature(QFont.Tag("calt"), 0)
    return chosen


def paint_hint(painter: QPainter, area: QRect | QRectF, words: str) -> None:
    """Paint into an empty widget what will stand there; in the painter's font."""
    painter.setPen(_current.colour("muted"))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


def icon(name: str, role: str = "text") -> QIcon:
    """Return an icon of resources/icons in a colour of the theme."""
    return _icon(name, getattr(_current, role), _current.faint)


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    source = (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    made = QIcon()
    for mode, used in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(source.replace("currentColor", used).encode()))
        pixmap = QPixmap(40, 40)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        made.addPixmap(pixmap, mode)
    return made


class IconButton(QToolButton):
    """A quiet button that is a picture; its tooltip says what it does and how to reach it."""

    def __init__(self, name: str, help: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = name
        self.setIconSize(QSize(18, 18))
        self.setIcon(icon(name))
        self.setToolTip(help)
        self.setAccessibleName(help.split(".")[0])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_icon(self, name: str) -> None:
        """Show another picture."""
        self._icon = name
        self.setIcon(icon(name))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the picture anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            self.setIcon(icon(self._icon))
        super().changeEvent(event)


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for which, colour in {
        role.Window: "window",
        role.WindowText: "text",
        role.Base: "surface",
        role.AlternateBase: "sunken",
        role.Text: "text",
        role.Button: "surface",
        role.ButtonText: "text",
        role.ToolTipBase: "surface",
        role.ToolTipText: "text",
        role.PlaceholderText: "faint",
        role.Highlight: "activation",
        role.HighlightedText: "surface",
    }.items():
        palette.setColor(which, theme.colour(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, theme.colour("faint"))
    return palette


@lru_cache
def _stylesheet(theme: Theme) -> str:
    """Return the style sheet: the file in resources, its words replaced by the theme's colours.

    Its pictures are found by a search path of Qt, since no path goes into it: that may have any
    letter in it.
    """
    QDir.setSearchPaths("icons", [str(RESOURCES / "icons")])
    text = (RESOURCES / "theme.qss").read_text(encoding="utf-8")
    colours = {field.name: getattr(theme, field.name) for field in fields(Theme)}
    # Longest first, so that no name is taken for the beginning of another.
    for role in sorted(colours, key=len, reverse=True):
        text = text.replace(f"@{role}", colours[role])
    return text
