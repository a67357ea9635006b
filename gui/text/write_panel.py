"""A prompt, what a network writes after it, and what else it might have said."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from core.errors import UserError
from gui.text.candidate_list import CandidateList
from gui.text.streaming import TextStream
from gui.text.text_output import TextOutput
from gui.text.write_settings import WriteSettings
from gui.theme import IconButton
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label, say
from gui.widgets.network_label import NetworkLabel
from gui.widgets.text_box import TextBox
from gui.widgets.token_text import shown

if TYPE_CHECKING:
    from core.playgrounds.text.models import TextModel
    from core.playgrounds.text.writer import Said
    from gui.network_source import NetworkSource

LEGEND = "A stronger background colour: a less likely token."
EARLIER = "Written by the network before this one. Generate writes with this one."
NOTHING = "Type a text above, and its surprisal is shown token by token."


class WritePanel(Card):
    """Prompt, buttons, settings, output and candidates around one :class:`TextStream`."""

    textChanged = Signal()
    """The text that stands there is another one now."""

    def __init__(self) -> None:
        super().__init__("Generate text")
        self.writing = TextStream(self)
        self._model: TextModel | None = None
        self._busy = False
        self.prompt = TextBox()
        self.prompt.setObjectName("textPrompt")
        self.prompt.setAccessibleName("Prompt")
        self.prompt.setPlaceholderText("Begin a text, or leave this empty")
        self.prompt.setToolTip(
            "<p>The network goes on from here; with nothing typed, it begins by itself. Ctrl+Enter"
            " generates.</p>"
        )
        self.prompt.setPlainText("ROMEO:\n")
        self.prompt.moveCursor(QTextCursor.MoveOperation.End)  # who types goes on with it
        self.prompt.setFixedHeight(64)
        self.prompt.setTabChangesFocus(True)
        self.prompt.installEventFilter(self)
        self.generate = QPushButton("Generate")
        self.generate.setObjectName("generateButton")
        self.generate.setProperty("role", "primary")
        self.generate.setToolTip("<p>Write on after the prompt. Ctrl+Enter does the same.</p>")
        self.halt = QPushButton("Stop")
        self.halt.setObjectName("stopGenerationButton")
        self.halt.setToolTip("<p>Stop writing; what stands there can be continued.</p>")
        self.more = QPushButton("Continue")
        self.more.setObjectName("continueButton")
        self.more.setToolTip("<p>Write on from the end of the text.</p>")
        self.again = IconButton("reset", "Another text. Takes the next seed and writes anew.")
        self.again.setObjectName("anotherSeed")
        help = "Let the network read the text below: the surprisal, -ln p, of each of its tokens."
        self.judge = push_button("surprisalButton", "Surprisal of this text", help, "link")
        self.settings = WriteSettings()
        self.network = NetworkLabel("textNetwork")
        self.output = TextOutput()
        self.output.setMinimumHeight(112)  # some lines can be read on a small screen, too
        self._legend = LEGEND
        self.words = label(LEGEND, "small", wrap=True)
        self.words.setObjectName("writeMessage")
        self.candidates = CandidateList()
        self._place = -1
        self._judged = ""
        """The text that is read and not written, if it is one."""
        self._kept_place = -1
        """Where candidates are shown again as soon as the text has come so far; -1 for nowhere."""
        self._prompt: str | None = None
        """What was written on after; None for a text that a person had a part in."""
        self._steps: list[int] = []
        """The first and the last step whose weights wrote what is shown, if it is known."""
        self._arrange()
        self.generate.clicked.connect(self.start)
        self.judge.clicked.connect(self.show_surprisal)
        self.halt.clicked.connect(self.writing.stop)
        self.more.clicked.connect(self._continue)
        self.again.clicked.connect(self._another)
        self.output.tokenPointed.connect(self._point)
        self.candidates.candidateChosen.connect(self._branch)
        self.writing.started.connect(self._on_begun)
        self.writing.streamed.connect(self._on_told)
        self.writing.ended.connect(self._on_ended)
        self._show_buttons()

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.generate, self.halt, self.more):
            buttons.addWidget(button, 1)
        buttons.addWidget(self.again)
        self.head.addWidget(self.judge)
        self.body.addWidget(self.prompt)
        self.body.addLayout(buttons)
        self.body.addWidget(self.settings)
        self.body.addWidget(self.network)
        self.body.addWidget(self.output, 1)
        self.body.addWidget(self.words)
        self.body.addWidget(self.candidates)

    def set_model(self, model: "TextModel") -> None:
        """Write with this network from now on."""
        self._model = model
        self.writing.set_model(model)
        self.settings.set_vocabulary(model.tokenizer.size)
        self._forget()
        self._steps = []  # the legend says that another network wrote it
        self._name_steps()
        self._legend = EARLIER if self.output.toPlainText() else LEGEND
        say(self.words, self._legend, "small")
        self._show_buttons()

    def follow(self, source: "NetworkSource") -> None:
        """Say from now on which network answers, and which steps wrote what is shown."""
        self.network.follow(source)
        source.changed.connect(self._name_steps)

    def _count_steps(self) -> None:
        """The network of this step has a part in what is shown."""
        source = self.network.source
        if source is not None and source.step is not None:
            self._steps = [*self._steps[:1], source.step]
            self._name_steps()

    def _name_steps(self) -> None:
        """Name the steps that wrote the text, where the network has learned on since."""
        source, steps = self.network.source, self._steps
        if source is None:
            return
        words = ""
        if steps and set(steps) != {source.step}:
            first, last = steps[0], steps[-1]
            verb = "Read" if self._judged else "Written"
            many = f"steps {first:,} to {last:,}" if first != last else f"step {last:,}"
            words = f"{verb} at {many}"
        self.network.name_maker(words)

    def set_busy(self, busy: bool) -> None:
        """Leave more time to a training that goes on beside it."""
        self._busy = busy

    def check_prompt(self) -> None:
        """Say while it is typed which characters the network does not know."""
        if self._model is not None and self._model.tokenizer.closed:
            refusal = self._model.tokenizer.refusal(self.prompt.toPlainText())
            say(self.words, refusal or self._legend, "fault" if refusal else "small")

    def start(self) -> None:
        """Write after the prompt, with the present settings; the same seed writes the same."""
        self._write(self.prompt.toPlainText())

    def rewrite(self, model: "TextModel") -> None:
        """Do again what was done last: this network is changed by hand.

        A text that was continued or branched stays; the changed network continues it.
        """
        if model is not self._model or not self.isVisible() or not self.writing.said:
            return
        place = self._place
        if self._judged:
            self._judge(self._judged)
        elif self._prompt is not None:
            self._write(self._prompt)
        else:
            return
        self._kept_place = place

    def _write(self, prompt: str) -> None:
        from core.playgrounds.text.writer import beyond_context  # brings torch

        settings = self.settings
        try:
            self.writing.start(
                prompt,
                settings.sampling(),
                settings.seed.value(),
                settings.length.value(),
                self._busy,
            )
        except UserError as error:
            say(self.words, str(error), "fault")
            return
        self._prompt = prompt
        assert self._model is not None
        far = beyond_context(self._model, len(self._model.tokenizer.encode(prompt)))
        say(self.words, far or LEGEND, "small")

    def show_surprisal(self) -> None:
        """Let the network read the text that is typed, and show how likely each token was."""
        self._judge(self.prompt.toPlainText())

    def _judge(self, text: str) -> None:
        if not text:
            say(self.words, NOTHING, "fault")
            return
        try:
            self.writing.judge(text, self.settings.sampling(), self._busy)
        except UserError as error:
            say(self.words, str(error), "fault")
            return
        self._judged = text

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let Ctrl+Enter in the prompt generate."""
        if watched is self.prompt and isinstance(event, QKeyEvent):
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if event.type() == QEvent.Type.KeyPress and enter and control:
                self.generate.click()
                return True
        return super().eventFilter(watched, event)

    def _continue(self) -> None:
        settings, self._judged, self._prompt = self.settings, "", None
        say(self.words, self._legend, "small")  # a surprisal was that of the text so far
        try:
            self.writing.resume(settings.sampling(), settings.length.value(), self._busy)
        except UserError as error:
            say(self.words, str(error), "fault")
        self._show_buttons()

    def _another(self) -> None:
        self.settings.seed.stepUp()
        self.start()

    def _branch(self, token: int) -> None:
        if 0 <= self._place < len(self.writing.said):
            length, self._prompt = self.settings.length.value(), None
            self.writing.branch(self._place, token, length, self._busy)

    def _point(self, place: int) -> None:
        """Show what else might have been said at a place."""
        if self._model is None or not 0 <= place < len(self.writing.said):
            return
        self._place = place
        said, tokenizer = self.writing.said[place], self._model.tokenizer
        rows = [
            (found.token, tokenizer.bytes_of(found.token), found.probability)
            for found in said.candidates
        ]
        word = shown(tokenizer.bytes_of(said.token))
        title = f"Instead of “{word}”, which had {100 * said.probability:.1f} %"
        self.candidates.show_candidates(title, rows, said.token)
        self.output.pin(place)

    def _forget(self) -> None:
        self._place = -1
        self.candidates.show_candidates("", [], None)

    def _on_begun(self) -> None:
        self._judged, self._kept_place = "", -1  # whoever sets them does so behind it
        self._legend = LEGEND
        self._forget()
        if not self.writing.said:  # else the beginning of an earlier text is kept
            self._steps = []
        self._count_steps()
        self.output.begin(self.writing.prompt, self.writing.said)
        self._show_buttons()

    def _on_told(self, fresh: list) -> None:  # type: ignore[type-arg]
        self._count_steps()
        self.output.add(fresh)
        if 0 <= self._kept_place < len(self.writing.said):
            self._point(self._kept_place)
            self._kept_place = -1

    def _on_ended(self, problem: str) -> None:
        if problem:
            say(self.words, problem, "fault")
        elif self._judged and self.writing.said:
            say(self.words, _surprisal(self.writing.said), "small")
        self._show_buttons()
        self.textChanged.emit()

    def _show_buttons(self) -> None:
        running, there = self.writing.running, self._model is not None
        self.generate.setEnabled(there)
        self.again.setEnabled(there)
        self.judge.setEnabled(there)
        self.halt.setEnabled(running)
        self.more.setEnabled(self.writing.can_resume and not running)

    def hideEvent(self, event: QEvent) -> None:
        """Write nothing that nobody sees."""
        super().hideEvent(event)  # type: ignore[arg-type]
        self.writing.stop()


def _surprisal(said: "list[Said]") -> str:
    """Say what a text costs a network, per token and per character."""
    nats = sum(-math.log(max(token.probability, 1e-38)) for token in said)
    characters = max(1, sum(len(token.text) for token in said))
    each = nats / len(said)
    tokens = "1 token" if len(said) == 1 else f"{len(said):,} tokens"
    return (
        f"{tokens}, surprisal {each:.2f} nats each (perplexity {math.exp(min(each, 88)):,.0f}),"
        f" {nats / characters / math.log(2):.2f} bits per character."
    )
