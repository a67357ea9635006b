"""The recipe of the next run while it is edited: its settings, what is wrong in them, and undo."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from core.errors import UserError
from core.training.recipe import Recipe

MOST = 200  # changes that can be undone


class RecipeDraft(QObject):
    """Owns the recipe that is edited; forms show it and send edits.

    A value that is impossible is kept in ``typed`` and explained in ``problem``, while ``recipe``
    keeps the last possible one.
    """

    changed = Signal(object)
    """The recipe that it is now."""
    complained = Signal(str)
    """What is wrong now; "" when nothing is."""

    def __init__(self, recipe: Recipe, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.recipe: Any = recipe
        self.typed: dict[str, str] = {}
        """The text of a setting that can't be understood, by its key."""
        self.problem = ""
        self._done: list[Recipe] = []
        self._undone: list[Recipe] = []
        self._dragged = ""
        """The setting whose slider made the last change; a whole drag is undone at once."""

    def set(self, key: str, value: Any, drag: bool = False) -> None:
        """Change one setting; an impossible value is kept as typed, and explained.

        Args:
            key: of the setting.
            value: as it was typed, or of its type.
            drag: whether it is one of many values that a drag passes.
        """
        try:
            recipe = self.recipe.replace({key: value})
        except UserError as error:
            self.typed = {key: str(value)}
            self._complain(str(error))
            return
        goes_on = drag and self._dragged == key
        self.take(recipe, remember=not goes_on)
        self._dragged = key if drag else ""

    def end_drag(self) -> None:
        """Undo what comes apart from what was."""
        self._dragged = ""

    def take(self, recipe: Recipe, remember: bool = True) -> None:
        """Take a whole recipe; the one before can be brought back, if it is to be remembered."""
        self._dragged = ""
        if recipe != self.recipe and remember:
            self._done = [*self._done, self.recipe][-MOST:]
            self._undone.clear()
        self._show(recipe)

    @property
    def before(self) -> Recipe | None:
        """The recipe before the last change, to which undo would go back; None without one."""
        return self._done[-1] if self._done else None

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change that was undone."""
        return bool(self._undone)

    def undo(self) -> None:
        """Go back to the recipe before the last change."""
        self._dragged = ""
        if self._done:
            self._undone.append(self.recipe)
            self._show(self._done.pop())

    def redo(self) -> None:
        """Repeat the change that was undone last."""
        if self._undone:
            self._done.append(self.recipe)
            self._show(self._undone.pop())

    def _show(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._complain("")
        self.changed.emit(recipe)

    def _complain(self, sentence: str) -> None:
        if not sentence:
            self.typed = {}
        if sentence != self.problem:
            self.problem = sentence
            self.complained.emit(sentence)
