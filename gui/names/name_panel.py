"""The beginning of a name, and how networks finish it: letter by letter, and whole."""

import time
import unicodedata
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from core.errors import UserError
from core.playgrounds.names.reports import read_as
from gui.inputs import ComboBox
from gui.names.letter_bars import LetterBars
from gui.names.name_list import NameList
from gui.names.name_settings import NameSettings
from gui.widgets.card import Card, Elided, label, say
from gui.widgets.network_label import NetworkLabel

if TYPE_CHECKING:
    from core.playgrounds.names.player import Player

ALONE = "No comparison"
FIRST = "this network"
CALM, SLOWEST = 0.25, 1.0  # seconds between two lists of names while a network learns
SHARE = 0.03  # of the time, at most: what takes long comes less often


class NameListLabel(NetworkLabel):
    """Names the network that wrote the names, which come more seldom than new weights do."""

    _step: int | None = None
    """That of the network which wrote them."""

    def take_names(self) -> None:
        """The names are those of the present network from now on."""
        if self.source is not None:
            self._step = self.source.step
            self.renew()

    def renew(self) -> None:
        """Name it, unless the names are of an earlier step yet."""
        assert self.source is not None
        if self._step in (None, self.source.step) or not self.source.in_training:
            super().renew()


class NamePanel(Card):
    """A prefix box; the letters that may follow, the names that do, by one network or by two."""

    prefixChanged = Signal(str)
    nameChosen = Signal(str)
    """A name was clicked, or the end of the one that was typed."""
    otherChosen = Signal(str)
    """A second network is wanted beside the first, by its name; "" for none."""

    def __init__(self) -> None:
        super().__init__("Complete a name")
        self._player: Player | None = None
        self._other: Player | None = None
        self.prefix = QLineEdit()
        self.prefix.setObjectName("namePrefix")
        self.prefix.setAccessibleName("The beginning of a name")
        self.prefix.setPlaceholderText("type a beginning, or none")
        self.prefix.setMaxLength(100)
        self.prefix.setClearButtonEnabled(True)
        clear = self.prefix.findChild(QToolButton)
        assert clear is not None
        clear.setObjectName("clearPrefix")
        clear.setAccessibleName("Begin anew")
        clear.setToolTip("<p>Begin anew, with nothing typed.</p>")
        self.prefix.setToolTip(
            "<p>The beginning of a name, such as bro. The network goes on from there, at every key;"
            " with nothing typed, it begins by itself. Capitals are read as small letters where it"
            " knows no others.</p>"
        )
        self.problem = label("", "fault", wrap=True)
        self.problem.setObjectName("prefixProblem")
        self.problem.hide()
        self.bars = LetterBars()
        self.settings = NameSettings()
        self.compare = ComboBox()
        self.compare.setObjectName("compareBox")
        self.compare.setAccessibleName("A second network")
        self.compare.addItem(ALONE)
        self.compare.setToolTip(
            "<p>Put a second network beside this one: the same beginning, the same random numbers."
            " Every network that was trained here is kept for it.</p>"
        )
        self.network = NameListLabel("namesNetwork")
        self.names, self.others = NameList("nameList"), NameList("nameListOther")
        self.title_one, self.title_other = Elided(), Elided()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self._write_names)
        self._written, self._spent = 0.0, 0.0
        """When names were written last, and how long that took this thread, in seconds."""
        self._arrange()
        self._compare(0)
        self.prefix.textChanged.connect(self._on_prefix)
        self.bars.letterChosen.connect(self._take_letter)
        self.settings.changed.connect(self._write_names)
        self.compare.activated.connect(self._compare)
        for names in (self.names, self.others):
            names.nameChosen.connect(self.nameChosen)

    def _arrange(self) -> None:
        self.head.addWidget(self.compare)
        self.compare.setSizeAdjustPolicy(
            ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.compare.setMinimumContentsLength(14)
        self.body.addWidget(self.prefix)
        self.body.addWidget(self.problem)
        self.body.addWidget(self.bars)
        self.body.addWidget(self.settings)
        self.body.addWidget(self.network)
        lists = QHBoxLayout()
        lists.setSpacing(4)
        self._beside = QWidget()
        for inside, title, names in (
            (QWidget(), self.title_one, self.names),
            (self._beside, self.title_other, self.others),
        ):
            column = QVBoxLayout(inside)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(2)
            column.addWidget(title)
            column.addWidget(names)
            lists.addWidget(inside, 1)
        self.body.addLayout(lists, 1)

    def set_player(self, player: "Player | None") -> None:
        """Ask this network from now on."""
        self._player = player
        self.refresh()

    def set_other(self, player: "Player | None", title: str = "") -> None:
        """Ask this network too; None for no other."""
        self._other = player
        beside = player is not None
        self._beside.setVisible(beside)
        self.title_one.setVisible(beside)
        # Each with the mark that it has on the letters above: a bar, and a line across it.
        self.title_one.setText(f"\u25ae {FIRST}")
        self.title_other.setText(f"\u25ac {title}")
        self.refresh()

    def set_choices(self, names: list[str]) -> None:
        """Offer these networks to stand beside the first."""
        chosen = self.compare.currentText()
        self.compare.clear()
        self.compare.addItems([ALONE, *names])
        self.compare.setCurrentIndex(max(0, self.compare.findText(chosen)))
        if self.compare.currentText() != chosen:
            self._compare(0)  # it is kept no more

    def follow(self) -> None:
        """Ask again: a training has new weights. Names follow at once, if it is not too often."""
        if not self._settle.isActive():  # to set it would begin its time anew
            calm = min(SLOWEST, max(CALM, self._spent / SHARE))
            left = self._written + calm - time.monotonic()
            self._settle.setInterval(max(0, round(1000 * left)))
        self.refresh()

    def hurry(self) -> None:
        """The network is changed by hand: the names follow at once."""
        self._settle.stop()
        self._settle.setInterval(0)
        self.refresh()

    def refresh(self) -> None:
        """Ask again. The names follow when this much has been painted."""
        if self._player is None or not self.isVisible():
            return
        typed = unicodedata.normalize("NFC", self.prefix.text())
        prefix = self._player.fold(typed)
        try:
            shares = self._player.next_letters(prefix)
        except UserError as error:
            self._complain(str(error))
            return
        self._complain("")
        say(self.problem, read_as(typed, prefix), "small")
        other = None
        if self._other and self._other.letters == self._player.letters:
            other = self._other.next_letters(prefix)
        self.bars.set_prefix(prefix)
        self.bars.show_letters(self._player.letters, shares, other)
        if not self._settle.isActive():
            self._settle.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while this was hidden."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Write no names that nobody sees."""
        super().hideEvent(event)
        self._settle.stop()

    def _write_names(self) -> None:
        self._settle.setInterval(0)
        if self.network.source is not None and self.network.source.step is None:
            return  # the first weights of a training are on their way, and it asks again then
        begin = time.thread_time()
        for player, names in ((self._player, self.names), (self._other, self.others)):
            if player is None or self.prefix.property("wrong"):
                continue
            prefix = player.fold(self.prefix.text())
            try:
                names.show_names(self.settings.names(player, prefix), prefix)
            except UserError as error:  # the second network may know other letters
                names.show_names([], prefix)
                names.set_hint(str(error))
        self._written, self._spent = time.monotonic(), time.thread_time() - begin
        self.network.take_names()

    def _complain(self, sentence: str) -> None:
        say(self.problem, sentence, "fault")
        if bool(sentence) is not self.prefix.property("wrong"):  # to polish it paints all anew
            self.prefix.setProperty("wrong", bool(sentence))
            self.prefix.style().polish(self.prefix)
        self.bars.setEnabled(not sentence)
        if sentence:
            self.bars.show_letters("", ())  # those of another beginning would be taken for its own
            self.names.show_names([], "")
            self.names.set_hint("")
            self.others.show_names([], "")
            self.network.take_names()

    def _on_prefix(self, text: str) -> None:
        self.hurry()
        self.prefixChanged.emit(text)

    def _take_letter(self, letter: str) -> None:
        prefix = self.prefix.text()
        if self._player and letter == self._player.letters[0]:
            self.nameChosen.emit(prefix)
        else:
            self.prefix.setText(prefix + letter)

    def _compare(self, index: int) -> None:
        self.set_other(None)
        self.otherChosen.emit(self.compare.itemText(index) if index else "")
