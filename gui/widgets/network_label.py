"""The line that says which network answers; the same wherever an answer stands."""

from gui.network_source import NetworkSource
from gui.rich_text import rich
from gui.widgets.card import Elided


class NetworkLabel(Elided):
    """Shipped, from which run, or in training at which step; all of it in the tooltip."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("role", "small")
        self.source: NetworkSource | None = None
        self._made = ""
        self._answered = 0

    def follow(self, source: NetworkSource) -> None:
        """Say from now on what this is."""
        self.source = source
        source.changed.connect(self.renew)
        self.renew()

    def name_maker(self, words: str) -> None:
        """Say first which network made what is shown, where that is another one; "" for none."""
        if words != self._made:
            self._made = words
            self.renew()

    def answered_at(self, step: int) -> None:
        """Name this step, of which the network in training has answered itself."""
        self._answered = step
        self.renew()

    def renew(self) -> None:
        """Name the network that answers now."""
        assert self.source is not None
        words, made = self.source.words, self._made
        if not self.source.in_training:
            self._answered = 0
        elif self._answered > (self.source.step or 0):
            words = self.source.words_at(self._answered)
        shown = f"{made}; now {words}" if made else words
        self.setText(shown[:1].upper() + shown[1:])
        self.setAccessibleName(f"Network that answers: {shown}")
        where = f"\n{self.source.path}" if self.source.path else ""
        note = f" {self.source.note}" if self.source.note else ""
        before = f"{made}. " if made else ""
        self.setToolTip(rich(f"{before}The network that answers here: {words}.{note}{where}"))
