"""Text generation on the GUI thread: a few tokens in each turn of the event loop."""

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import UserError

if TYPE_CHECKING:
    from core.playgrounds.text.models import TextModel
    from core.playgrounds.text.writer import Said, Writer
    from core.sampling import Sampling

PIECE = 32  # tokens of a long prompt that are read in a turn
SLICE = 0.006  # seconds of a turn at most: a frame of the screen has 16
CALM, BUSY = 1, 12  # milliseconds between two turns: alone, and beside a training


class TextStream(QObject):
    """Generates text after a prompt, and reports each token and why it ended.

    Attributes:
        prompt: what it continues, as it was typed.
        said: the generated tokens so far.
    """

    started = Signal()
    """It generates from the end of ``said`` on, which may have been shortened."""
    streamed = Signal(object)
    """The newly generated tokens, a list."""
    ended = Signal(str)
    """Why, in a sentence; "" if it is as long as was wanted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.prompt = ""
        self.said: list[Said] = []
        self._model: TextModel | None = None
        self._writer: Writer | None = None
        self._sampling: Sampling | None = None
        self._seed: int | None = None
        self._left = 0
        self._given: deque[int] = deque()
        """Tokens that are there already, of a text that is judged."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)

    @property
    def running(self) -> bool:
        """Whether it generates now."""
        return self._timer.isActive()

    @property
    def tokens(self) -> list[int]:
        """All tokens so far, the prompt's too."""
        return self._writer.tokens if self._writer else []

    def set_model(self, model: "TextModel") -> None:
        """Use this network from now on; the text of another one can't be continued."""
        self.stop()
        self._model, self._writer, self.said = model, None, []

    @property
    def can_resume(self) -> bool:
        """Whether there is a text to continue."""
        return self._writer is not None

    def start(
        self, prompt: str, sampling: "Sampling", seed: int | None, length: int, busy: bool = False
    ) -> None:
        """Write so many tokens after a prompt.

        Raises:
            UserError: an option is impossible.
        """
        from core.playgrounds.text.writer import Writer, prompt_tokens

        if self._model is None:
            raise UserError("There is no network yet: train one, or wait for the shipped one.")
        writer = Writer(self._model, prompt_tokens(self._model, prompt), sampling, seed)
        self.prompt, self.said = prompt, []
        self._begin(writer, sampling, seed, length, busy)

    def judge(self, text: str, sampling: "Sampling", busy: bool = False) -> None:
        """Read a text that is there, and tell how likely each of its tokens was.

        Raises:
            UserError: it is too long.
        """
        from core.playgrounds.text.writer import Writer, prompt_tokens

        if self._model is None:
            raise UserError("There is no network yet: train one, or wait for the shipped one.")
        tokens = prompt_tokens(self._model, text)
        writer = Writer(self._model, [self._model.tokenizer.newline], sampling, 0)
        self.prompt, self.said = "", []
        self._begin(writer, sampling, 0, len(tokens), busy)
        self._given.extend(tokens)

    def resume(self, sampling: "Sampling", length: int, busy: bool = False) -> None:
        """Write so many tokens more; what is left of a text that was read is left out.

        Raises:
            UserError: an option is impossible.
        """
        if self._writer is not None:
            self._writer.change(sampling)
            self._given.clear()
            self._sampling, self._left = sampling, length
            self._timer.start(BUSY if busy else CALM)

    def branch(self, place: int, token: int, length: int, busy: bool = False) -> None:
        """Take this token instead of the one at this place, and continue from there."""
        from core.playgrounds.text.writer import Writer

        if self._writer is None or self._model is None or self._sampling is None:
            return
        old, prompt = self.said[place], self._writer.tokens[: -len(self.said)]
        kept = [said.token for said in self.said[:place]]
        writer = Writer(self._model, prompt + kept, self._sampling, self._seed)
        for said in kept:
            writer.heard(said)
        self.said = self.said[:place]
        first = writer.say(token, old.candidates)
        self._begin(writer, self._sampling, self._seed, length, busy)
        self._append([first])

    def renew(self) -> None:
        """Continue with the network's newest weights."""
        if self._writer is not None:
            self._writer.renew()

    def stop(self) -> None:
        """Stop here."""
        if self._timer.isActive():
            self._timer.stop()
            self.ended.emit("")

    def _begin(
        self, writer: "Writer", sampling: "Sampling", seed: int | None, length: int, busy: bool
    ) -> None:
        self._timer.stop()
        self._given.clear()
        self._writer, self._sampling, self._seed, self._left = writer, sampling, seed, length
        self._timer.start(BUSY if busy else CALM)
        self.started.emit()

    def _turn(self) -> None:
        """Generate tokens for a few milliseconds."""
        begin, fresh, problem = time.perf_counter(), [], ""
        writer = self._writer
        assert writer is not None
        try:
            if writer.prepare(PIECE):
                return
            while self._left > 0:
                fresh.append(writer.read(self._given.popleft()) if self._given else writer.next())
                self._left -= 1
                if time.perf_counter() - begin > SLICE:
                    break
        except UserError as error:
            self._left, problem = 0, str(error)
        self._append(fresh)
        if self._left <= 0:
            self._timer.stop()
            self.ended.emit(problem)

    def _append(self, fresh: list[Any]) -> None:
        if fresh:
            self.said += fresh
            self.streamed.emit(fresh)
