"""A one-hot letter times the embedding table of the names network."""

from collections.abc import Mapping

from gui.lessons.boards.lookup_board import LookupBoard
from gui.lessons.context import LessonContext
from gui.lessons.follower import Follower
from gui.lessons.prose import Prose

NONE = (
    "The network of the Names page counts pairs and has no table. Train an **mlp** there, or open"
    " another network, and its table is shown here."
)


class Part(Follower):
    """The vector, the table, and the row that is left of it."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(room, "names", "A letter, as a vector, times the table of letters")
        self.setObjectName("lookupPart")
        self.board = LookupBoard()
        self.words = Prose("", 14)
        self.body.addWidget(self.board)
        self.body.addWidget(self.words)
        self.body.addWidget(self.source)
        self.board.changed.connect(self._say)

    def look(self) -> None:
        """Show the table of the network as it is now."""
        from core.lessons.embedding_lookup import table_of

        replica = self.session.replica
        table = None if self.session.weights is None else table_of(replica.model)
        letters = "" if table is None else replica.model.alphabet.letters
        self.board.setVisible(table is not None)
        self.board.show_table(letters, table)
        self._say()

    def _say(self) -> None:
        if self.board.table is None:
            self.words.say(NONE if self.session.weights is not None else "")
            return
        rows, columns = self.board.table.shape
        chosen = [self.board.letters[i] for i in self.board.chosen]
        if len(chosen) == 1:
            nothing = (rows - 1) * columns
            self.words.say(
                f"One 1, at “{chosen[0]}”. Of {rows * columns:,} products {nothing:,} are with 0"
                f" and add nothing: what is left is row {self.board.chosen[0] + 1} of the table. No"
                " program multiplies here; it takes the row."
            )
        elif chosen:
            names = " and ".join(f"“{letter}”" for letter in chosen)
            self.words.say(
                f"{len(chosen)} ones, at {names}: their rows are added. A look-up could not do"
                " that; a matrix product does."
            )
        else:
            self.words.say("Nothing but zeros: nothing is left of the table.")
