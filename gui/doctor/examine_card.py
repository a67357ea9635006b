"""What the doctor shall diagnose, how long it may take, and how far it is."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout

from gui.inputs import SpinBox
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import progress_bar, push_button, retitle
from gui.widgets.card import Card, label, say
from gui.widgets.run_now import run_now_button
from gui.widgets.segmented_control import Segments
from gui.widgets.transport import clock

INJECT, DIAGNOSE = "Inject and diagnose", "Diagnose"


class ExamineCard(Card):
    """Asks for a diagnosis of the network that stands on a page."""

    examineAsked = Signal(int, int)
    """Seconds to train, and seconds to try things."""
    stopAsked = Signal()
    patientChosen = Signal(str)
    """The name of a playground."""

    def __init__(self) -> None:
        super().__init__("Network to diagnose")
        self.setObjectName("doctorControls")
        self._may, self._running, self._stopping, self._steps = False, False, False, 0
        self.patients = Segments("Playground to diagnose")
        self.patients.setObjectName("doctorPlayground")
        self.patients.chosen.connect(self.patientChosen)
        self.who = label("", wrap=True)
        self.who.setObjectName("doctorPatient")
        self.how = label("", "small", wrap=True)
        self.network = label("", "small", wrap=True)
        self.network.setObjectName("doctorNetwork")
        self.seconds = self._spin(
            "doctorSeconds",
            "Seconds to train",
            20,
            "How long to train it while the doctor watches, in seconds. A first verdict comes"
            " within twenty. Where a recipe says its number of steps, it takes those instead.",
            1,
        )
        self.budget = self._spin(
            "doctorBudget",
            "Seconds to try things",
            30,
            "How long the doctor may try things on copies, in seconds: a single batch, shuffled"
            " labels, twice the width, other learning rates. With 0 it only looks.",
            0,
        )
        self.examine = push_button(
            "examineButton", DIAGNOSE, "Train the network, watch it, try things, and say (F5)."
        )
        self.examine.setProperty("role", "primary")
        self.examine.setShortcut("F5")
        self.examine.clicked.connect(self._ask)
        self.stop = push_button(
            "stopExamineButton", "Stop", "End here; what the doctor knows by now stays (F8)."
        )
        self.stop.setShortcut("F8")
        self.stop.clicked.connect(self.stopAsked)
        self.bar = progress_bar("doctorProgress", "Progress of the diagnosis")
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("doctorWords")
        self.words.setMinimumHeight(32)  # two lines, always: nothing below moves
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.run_now = run_now_button("examineNow")
        for spin in (self.seconds, self.budget):
            spin.valueChanged.connect(self._plan)
        self._arrange()
        self._refresh()
        self._plan()

    def _spin(self, name: str, accessible: str, value: int, help: str, least: int) -> SpinBox:
        spin = SpinBox()
        spin.setObjectName(name)
        spin.setAccessibleName(accessible)
        spin.setRange(least, 3600)
        spin.setValue(value)
        spin.setFixedWidth(78)
        spin.setAlignment(Qt.AlignmentFlag.AlignCenter)
        spin.setSuffix(" s")
        spin.setToolTip(rich(help))
        return spin

    def _arrange(self) -> None:
        self.body.addWidget(self.patients)
        words = self.body.spacing()
        self.body.addSpacing(2)
        self.body.addWidget(self.who)
        self.body.addWidget(self.how)
        self.body.addWidget(self.network)
        self.body.addSpacing(words // 2)
        grid = QGridLayout()
        grid.setVerticalSpacing(GAP)
        for row, (name, spin) in enumerate(
            (("Train and watch for", self.seconds), ("Then try things for", self.budget))
        ):
            grid.addWidget(label(name, "muted"), row, 0)
            grid.addWidget(spin, row, 1, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        self.body.addLayout(grid)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.examine, 1)
        buttons.addWidget(self.stop)
        self.body.addSpacing(2)
        self.body.addLayout(buttons)
        self.body.addSpacing(2)
        self.body.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.run_now, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(foot)

    def set_patients(self, titles: Mapping[str, str]) -> None:
        """Offer these playgrounds: their titles by name; the first one is chosen."""
        for name, title in titles.items():
            self.patients.add(
                name,
                title,
                f"doctorPlayground_{name}",
                f"Diagnose the network of the {title} page, by its recipe and with its data.",
            )

    def choose(self, name: str) -> None:
        """Choose a playground."""
        self.patients.buttons[name].setChecked(True)

    def show_patient(self, who: str, how: str, steps: int = 0) -> None:
        """Say what would be examined now.

        Args:
            who: recipe and data.
            how: their settings in short.
            steps: that the recipe asks for, in place of seconds; 0 for none.
        """
        self.who.setText(who)
        self.how.setText(how)
        if steps != self._steps:
            self._steps = steps
            self._refresh()
            self._plan()

    def show_network(self, words: str) -> None:
        """Say that it is a new one, and which answers on the page."""
        self.network.setText(f"A new network, trained for this. The page keeps its own: {words}.")

    def set_injecting(self, injecting: bool) -> None:
        """Say on the button whether a fault will be injected first."""
        retitle(self.examine, INJECT if injecting else DIAGNOSE)

    def set_state(self, may: bool, running: bool, stopping: bool = False) -> None:
        """Say whether an examination may begin, whether one goes on, and whether it is stopping."""
        self._may, self._running, self._stopping = may, running, stopping
        self._refresh()

    def show_progress(self, words: str, share: float) -> None:
        """Say what is being done, and how much of the whole is done, 0 to 1."""
        self.bar.setValue(round(1000 * min(1.0, max(0.0, share))))
        say(self.words, words or " ", "small")

    def show_waiting(self, sentence: str) -> None:
        """Say what it waits for; "" for nothing."""
        say(self.words, sentence or " ", "small")

    def show_plan(self) -> None:
        """Say what an examination would take; nothing is done."""
        self.bar.setValue(0)
        self._plan()

    def _plan(self) -> None:
        if self._running:
            return
        if self._steps:
            say(
                self.words,
                f"Takes {self._steps:,} steps, as its recipe says; then it tries.",
                "small",
            )
        else:
            whole = self.seconds.value() + self.budget.value()
            say(self.words, f"Takes about {clock(whole)}; a first word comes early.", "small")

    def complain(self, sentence: str) -> None:
        """Say why nothing can be examined."""
        say(self.words, sentence, "fault")

    def _refresh(self) -> None:
        self.examine.setEnabled(self._may and not self._running)
        self.stop.setEnabled(self._running and not self._stopping)
        for widget in (self.patients, self.budget):
            widget.setEnabled(not self._running)
        self.seconds.setEnabled(not self._running and not self._steps)

    def _ask(self) -> None:
        self.examineAsked.emit(self.seconds.value(), self.budget.value())
