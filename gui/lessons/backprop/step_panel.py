"""One gradient to be typed: the forward line, the shapes, what is known, the field, the verdict."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.errors import UserError
from core.expressions.tensor_shapes import shape_words
from core.expressions.tokens import ExpressionError
from core.lessons.backprop.checker import GradientOutcome, GradientVerdict
from core.lessons.backprop.dojo import HINTS, Dojo, StepState
from core.lessons.backprop.network import BATCH
from core.lessons.backprop.steps import FORWARD, GradientStep
from gui.lessons.backprop.difference_map import DifferenceMap
from gui.lessons.backprop.progress import DojoProgress
from gui.lessons.expression_lab.input import ExpressionInput
from gui.lessons.prose import Prose
from gui.widgets.buttons import push_button, retitle
from gui.widgets.card import label, say
from gui.widgets.status_icon import Sign

FIELD = 62  # pixels: three lines of code
HIGH = 420  # pixels at least: a verdict moves nothing that stands below
SIGN = 22  # pixels
PROMPT = "type an expression, then press Enter"
HELP = (
    "The gradient, in PyTorch's notation: an expression, or a few lines of which the last is the"
    " result. Enter checks it, and once it is right goes on to the next; Shift+Enter begins a"
    " line. It is parsed, never run."
)
MARKS = {
    GradientOutcome.EXACT: ("verdict-fine", "update", "right"),
    GradientOutcome.APPROXIMATE: ("verdict-fine", "update", "right"),
    GradientOutcome.NEAR: ("verdict-undertrained", "warning", "nearly right"),
    GradientOutcome.SHAPE: ("verdict-broken", "fault", "wrong shape"),
    GradientOutcome.WRONG: ("verdict-broken", "fault", "wrong"),
    GradientOutcome.UNREADABLE: ("verdict-broken", "fault", "not readable"),
}


class GradientInput(ExpressionInput):
    """The field: Enter checks, Shift+Enter begins another line."""

    entered = Signal()

    def __init__(self, name: str) -> None:
        super().__init__(name, "Your gradient", HELP)
        self.setPlaceholderText(PROMPT)
        self.setFixedHeight(FIELD)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Check on Enter; all else is an editor's own."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.entered.emit()
        else:
            super().keyPressEvent(event)


class StepPanel(QWidget):
    """Shows one step, and checks what is typed.

    Args:
        key: behind the object names.
        progress: of the learner.
    """

    next_wanted = Signal()
    """Go on to the next gradient."""

    def __init__(self, key: str, progress: DojoProgress) -> None:
        super().__init__()
        self._progress = progress
        self.step: GradientStep | None = None
        self._checked = ""
        """The text that the verdict is on."""
        self.setMinimumHeight(HIGH)
        self.title, self.place = label("", "heading"), label("", "muted")
        self.lines = label("", "code")
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.known = Prose("", 14)
        self.name = label("")
        self.name.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.input = GradientInput(f"gradientInput_{key}")
        self.check = push_button(
            f"gradientCheck_{key}",
            "Check",
            "Compare it with autograd's. Enter does it, too.",
            "primary",
        )
        self.hint = push_button(
            f"gradientHint_{key}", "Hint", "Three hints, each saying more; then the answer."
        )
        self.answer = push_button(f"gradientAnswer_{key}", "Show the answer", "")
        self.next = push_button(
            f"gradientNext_{key}", "Next", "Go on to the next gradient that is open."
        )
        self.sign = Sign(SIGN)
        self.verdict = Prose("", 14)
        self.verdict.setObjectName(f"gradientVerdict_{key}")
        self.difference = DifferenceMap(f"gradientDifference_{key}")
        self.below = label("", "small", wrap=True)
        self.hints = [Prose("", 14) for _ in range(HINTS)]
        self.solution = Prose("", 14)
        self.solution.setObjectName(f"gradientSolution_{key}")
        self._arrange()
        self.input.entered.connect(self._on_enter)
        self.input.textChanged.connect(self._on_text)
        self.check.clicked.connect(self._check)
        self.hint.clicked.connect(self._take_hint)
        self.answer.clicked.connect(self._show_answer)
        self.next.clicked.connect(self.next_wanted)

    def _arrange(self) -> None:
        head, field, buttons = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.place)
        field.addWidget(self.name, 0, Qt.AlignmentFlag.AlignTop)
        field.addWidget(self.input, 1)
        self.name.setContentsMargins(0, 6, 0, 0)
        for button in (self.check, self.hint, self.answer):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.next)
        said = QHBoxLayout()
        said.setSpacing(10)
        said.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.verdict, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for part in (head, self.lines, self.known, field, buttons, said):
            if isinstance(part, QWidget):
                column.addWidget(part)
            else:
                column.addLayout(part)
        for widget in (self.difference, self.below, *self.hints, self.solution):
            column.addWidget(widget)
        column.addStretch(1)

    @property
    def _dojo(self) -> Dojo:
        assert self._progress.dojo is not None
        return self._progress.dojo

    def show_step(self, step: GradientStep, number: int, count: int) -> None:
        """Show a step with what was typed before."""
        self.step = step
        self.title.setText(step.gradient)
        self.place.setText(f"{number} of {count}")
        self.lines.setText("\n".join(f"{name} = {_formula(name)}" for name in step.used))
        self.known.say(_known_words(step, self._dojo))
        self.name.setText(f"{step.gradient} =")
        self.input.setPlainText(self._dojo.typed.get(step.key, ""))
        self._clear()
        if self.input.toPlainText().strip() and self._dojo.state(step) is not StepState.OPEN:
            self._check()
        self.refresh()

    def refresh(self) -> None:
        """Show the hints that were taken, and enable what is possible now."""
        if self.step is None:
            return
        step, dojo = self.step, self._dojo
        taken, state = dojo.hints.get(step.key, 0), dojo.state(step)
        for number, place in enumerate(self.hints):
            place.say(f"**Hint {number + 1}.** {step.hints[number]}")
            place.setVisible(number < taken)
        retitle(self.hint, f"Hint {taken + 1} of {HINTS}" if taken < HINTS else "No more hints")
        self.hint.setEnabled(taken < HINTS)
        self.answer.setEnabled(dojo.may_see(step))
        self.answer.setToolTip(
            "The lecture's answer; a gradient that was not solved then counts as seen."
            if dojo.may_see(step)
            else "Take the three hints first; then the answer may be shown."
        )
        self.solution.setVisible(state.done)
        shown = "The answer" if state is StepState.SEEN else "One way to write it"
        self.solution.say(f"**{shown}:** `{step.answer}`. {step.why}")
        following = dojo.next_open(step)
        self.next.setEnabled(state.done and following is not None)
        goes_on = state.done and following is not None
        retitle(self.next, f"Next: {following.gradient}" if goes_on and following else "Next")

    def _clear(self) -> None:
        self.input.mark(None)
        for widget in (self.sign, self.verdict, self.difference, self.below):
            widget.hide()
        self._checked = ""

    def _on_text(self) -> None:
        """Keep what is typed, and forget the verdict on another text."""
        text = self.input.toPlainText()
        if self.step is not None and text != self._dojo.typed.get(self.step.key, ""):
            self._progress.note(self.step, text)
        if self.step is not None and text != self._checked:
            self._clear()

    def _on_enter(self) -> None:
        right = self.step is not None and self._dojo.state(self.step).done
        if right and self.input.toPlainText() == self._checked and self.next.isEnabled():
            self.next_wanted.emit()
        else:
            self._check()

    def _check(self) -> None:
        if self.step is None:
            return
        text = self.input.toPlainText()
        try:
            verdict = self._progress.check(self.step, text)
        except UserError as error:
            verdict = GradientVerdict(GradientOutcome.UNREADABLE, str(error))
        self._checked = text
        self._show_verdict(verdict)
        self.refresh()

    def _show_verdict(self, verdict: GradientVerdict) -> None:
        icon, role, words = MARKS[verdict.outcome]
        self.sign.show_sign(icon, role, words)
        self.verdict.say(verdict.sentence.replace("*", "∗") if verdict.error else verdict.sentence)
        self.sign.show()
        self.verdict.show()
        error = verdict.error
        self.input.mark(error.place if isinstance(error, ExpressionError) else None)
        self.difference.setVisible(verdict.difference is not None)
        rows = "" if verdict.difference is None else _caption(verdict.difference.shape)
        say(self.below, rows, "small")
        if verdict.difference is not None:
            self.difference.show_difference(verdict.difference, verdict.worst)

    def _take_hint(self) -> None:
        if self.step is not None:
            self._progress.take_hint(self.step)
            self.refresh()

    def _show_answer(self) -> None:
        if self.step is not None:
            self._progress.show_answer(self.step)
            self.refresh()


def _formula(name: str) -> str:
    return dict(FORWARD)[name]


def _known_words(step: GradientStep, dojo: Dojo) -> str:
    """Return the shapes and what is known, in inline Markdown."""
    shapes = dojo.made.shapes
    if step.known is not None:
        names = ", ".join(f"`{name}`{_sized(name, dojo)}" for name in step.known)
        return (
            f"All of this in **one expression**: wanted is `{step.gradient}`"
            f" ({shape_words(shapes[step.tensor])}). Known are only {names}."
        )
    upstream = [f"`d{name}` ({shape_words(shapes[name])})" for name in step.used if name != "loss"]
    above = f"Upstream: {' and '.join(upstream)}." if upstream else "Upstream: `dloss` is 1."
    return (
        f"Wanted: `{step.gradient}` ({shape_words(shapes[step.tensor])}), the local derivative"
        f" times"
        f" the upstream gradient. {above} {_inputs(step, dojo)}"
    )


def _inputs(step: GradientStep, dojo: Dojo) -> str:
    """Return the shapes of the other tensors in the lines."""
    words = " ".join(_formula(name) for name in step.used)
    cleaned = "".join(c if c.isalnum() or c == "_" else " " for c in words).split()
    shapes = dojo.made.shapes
    others = dict.fromkeys(name for name in cleaned if name in shapes and name != step.tensor)
    found = [f"`{name}` ({shape_words(shapes[name])})" for name in others]
    found += [f"`n` ({BATCH})"] if "n" in cleaned else []
    others_too = "and all tensors and gradients before it" if found else "All tensors before it"
    return f"Known: {', '.join(found)}, {others_too}." if found else f"Known: {others_too}."


def _sized(name: str, dojo: Dojo) -> str:
    if name == "n":
        return f" ({BATCH})"
    tensor = name.removeprefix("d") if name not in dojo.made.shapes else name
    return f" ({shape_words(dojo.made.shapes[tensor])})"


def _caption(shape: tuple[int, ...]) -> str:
    return (
        f"Your gradient minus autograd's, {shape_words(shape)}: blue is too large, orange too"
        f" small;"
        " the frame marks the largest difference."
    )
