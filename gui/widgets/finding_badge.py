"""A quiet badge: the doctor has found something while the page's network was trained."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from core.doctor.diagnosis import Cause
from core.telemetry.events import Diagnosed
from gui import theme
from gui.rich_text import rich
from gui.session import Session
from gui.widgets.doctor_text import tidy
from gui.widgets.status_icon import Sign

NARROWEST = 110  # pixels of a title: one word is whole
HIGH = 17  # pixels: no more than the line that it stands in


class _Title(QToolButton):
    """A title that is shortened where there is no room, but never how many more there are."""

    def __init__(self) -> None:
        super().__init__()
        self._title, self._more = "", ""

    def set_title(self, title: str, more: int) -> None:
        """Show a title, and how many causes there are besides."""
        self._title, self._more = title, f" +{more}" if more else ""
        self.setText(title + self._more)

    def minimumSizeHint(self) -> QSize:
        """Ask for some letters only."""
        whole = super().minimumSizeHint()
        return QSize(min(NARROWEST, whole.width()), whole.height())

    def shown(self) -> str:
        """Return as much of the title as there is room for, and how many more there are."""
        metrics = self.fontMetrics()
        if self.width() >= self.sizeHint().width():  # which the widths of parts may miss by a pixel
            return self.text()
        margins = self.sizeHint().width() - metrics.horizontalAdvance(self.text())
        room = self.width() - margins - metrics.horizontalAdvance(self._more)
        return metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, room) + self._more

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is shown."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = self.shown()
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


class FindingBadge(QWidget):
    """Names the first cause that was not dismissed; a click asks the doctor's page for more."""

    changed = Signal()
    """There is another finding, or none any more."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("findingBadge")
        self._session = session
        self._event: Diagnosed | None = None
        self._dismissed: set[str] = set()
        self.sign = Sign(15)
        self.open = _Title()
        self.open.setObjectName("openFinding")
        self.open.setProperty("role", "badge")
        self.open.setAccessibleName("What the doctor has found")
        self.open.setToolTip("<p>What the doctor has found. Click to see all of it.</p>")
        self.open.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.open.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.open.clicked.connect(self._ask)
        self.dismiss = theme.IconButton("close", "Dismiss. It comes back if you change a setting.")
        self.dismiss.setObjectName("dismissFinding")
        self.dismiss.setProperty("role", "badge")
        self.dismiss.clicked.connect(self._dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.sign)
        row.addWidget(self.open)
        row.addWidget(self.dismiss)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.dismiss.setIconSize(QSize(11, 11))
        for part in (self, self.open, self.dismiss):
            part.setFixedHeight(HIGH)
        session.diagnosed.connect(self._on_diagnosed)
        session.started.connect(lambda event: self._on_diagnosed(None))
        session.recipe_changed.connect(self._on_recipe)
        self._show()

    def _on_diagnosed(self, event: Diagnosed | None) -> None:
        self._event = event
        self._show()

    def _on_recipe(self, recipe: Any) -> None:
        """A changed recipe is checked again; what is fixed in it needs no badge."""
        self._dismissed.clear()
        self._show()

    def causes(self) -> list[Cause]:
        """Return the causes that are neither dismissed nor fixed."""
        if self._event is None:
            return []
        now = self._session.recipe.to_dict()
        return [
            cause
            for cause in self._event.diagnosis.causes
            if cause.id not in self._dismissed
            and not (cause.settings and all(now.get(k) == _plain(v) for k, v in cause.settings))
        ]

    def finding(self) -> tuple[str, str, str] | None:
        """Return icon, colour and title of the first cause; None where there is none."""
        causes = self.causes()
        if not causes or self._event is None:
            return None
        broken = self._event.diagnosis.verdict == "broken"
        icon, role = ("verdict-broken", "fault") if broken else ("verdict-unknown", "warning")
        return icon, role, causes[0].title

    def _show(self) -> None:
        found, causes = self.finding(), self.causes()
        self.setVisible(found is not None)
        self.changed.emit()
        if found is None:
            return
        icon, role, title = found
        self.sign.show_sign(icon, role)
        self.open.set_title(title, len(causes) - 1)
        self.open.setAccessibleName(f"The doctor has found: {title}")
        self.open.setToolTip(rich(f"{title}: {tidy(causes[0].evidence)}. Click to see all of it."))

    def _dismiss(self) -> None:
        self._dismissed |= {cause.id for cause in self.causes()[:1]}
        self._show()

    def _ask(self) -> None:
        if self._event is not None:
            self._session.diagnosis_asked.emit(self._event)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
