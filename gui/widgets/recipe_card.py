"""The card in which a recipe is chosen by name and changed by hand."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QScrollArea, QWidget

from core.errors import UserError
from core.files import is_folder
from core.paths import CHECKPOINTS
from core.telemetry.events import DataDescribed
from core.tensor_file import FOREIGN
from core.training.memory import BUNDLED, free_memory, is_mixed, shortage
from core.training.recipe import Recipe
from gui.inputs import ComboBox
from gui.network_source import NetworkSource
from gui.session import Session
from gui.session_state import State
from gui.theme import IconButton
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import Card, label, say
from gui.widgets.recipe_form import RecipeForm
from gui.widgets.script_card import SHOW
from gui.widgets.undo_keys import add_undo_keys

CHANGED = "changed"
ENDINGS = (".safetensors", *FOREIGN)
"""Of files with a network: Glassbox's, Hugging Face's and nanoGPT's."""
KINDS = " ".join(f"*{ending}" for ending in ENDINGS)
LEAST = 240  # pixels of the form that are seen at once
FRESH, ONWARD = "New initialisation", "The present network"
TRAINING = "Training"  # the heading of the settings that no size of a network depends on


class RecipeCard(Card):
    """What a person chooses before (and, where it may be, while) a network is trained."""

    def __init__(
        self, session: Session, recipes: Mapping[str, Recipe], network: NetworkSource
    ) -> None:
        super().__init__("Training settings")
        self.setAcceptDrops(True)
        self._session, self._network = session, network
        self._recipes = recipes
        help = "A recipe: a named set of training settings."
        self.box = identified(ComboBox(), "recipeBox", "Recipe", help)
        self.box.addItems(list(recipes))
        self.box.textActivated.connect(self.choose)
        help = "Train newly initialised weights, or continue from the network that is loaded (its"
        help += " sizes must be the recipe's)."
        self.start_from = identified(ComboBox(), "startFrom", "Start from", help)
        self.start_from.addItems([FRESH, ONWARD])
        self.start_from.currentTextChanged.connect(self._on_start_from)
        self._offered = False
        """Whether it says to go on from another program's network because that was opened."""
        session.loaded.connect(lambda event: self._on_loaded())
        help = "Use a network that was trained before, or train it further; or drop it here. For a"
        help += " text it may be GPT-2 (model.safetensors) or nanoGPT's (ckpt.pt). Ctrl+O asks for"
        help += " a file, too."
        self.open = push_button("openCheckpoint", "Open checkpoint…", help, "link")
        self.open.setShortcut(QKeySequence.StandardKey.Open)
        self.open.clicked.connect(self._ask_checkpoint)
        help = "Go back to the pretrained network that came with the program."
        self.back = push_button("openStarter", "Pretrained network", help, "link")
        self.back.clicked.connect(session.open_starter)
        help = "This training as a plain PyTorch script, while the settings are changed (F9)."
        self.show_code = push_button("showCode", SHOW, help, "link")
        self.show_code.setShortcut("F9")
        self.form = RecipeForm(session.draft)
        self._examples = BUNDLED
        session.data_described.connect(self._on_data_described)
        self.undo = IconButton("undo", "Undo the last change of a setting. Ctrl+Z does it, too.")
        self.undo.setObjectName("undoRecipe")
        self.undo.clicked.connect(session.draft.undo)
        self.redo = IconButton("redo", "Redo what was undone. Ctrl+Shift+Z or Ctrl+Y does it, too.")
        self.redo.setObjectName("redoRecipe")
        self.redo.clicked.connect(session.draft.redo)
        add_undo_keys(self, self.undo.click, self.redo.click)
        self.problem = label("", "fault", wrap=True)
        self.problem.setObjectName("recipeProblem")
        self.problem.hide()
        session.draft.complained.connect(lambda words: self._tell(session.recipe))
        session.draft.changed.connect(self._tell)
        session.draft.changed.connect(lambda recipe: self._name_recipe())
        self.form.typing.connect(self._on_typing)
        self._arrange()
        session.state_changed.connect(self._on_state)
        for widget in (self.open, self.back):  # while torch is loaded no file can be opened
            widget.setEnabled(session.state is State.READY)
        self._offer_undo()
        network.path_changed.connect(self._on_network)

    def _arrange(self) -> None:
        self.head.addWidget(self.undo)
        self.head.addWidget(self.redo)
        for name, widget in (("Recipe", self.box), ("Start from", self.start_from)):
            row = QHBoxLayout()
            words = label(name, "muted")
            words.setFixedWidth(76)
            row.addWidget(words)
            row.addWidget(widget, 1)
            self.body.addLayout(row)
        links = QHBoxLayout()
        links.addWidget(self.open)
        links.addStretch(1)
        links.addWidget(self.back)
        self.body.addLayout(links)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumHeight(LEAST)
        inner = QWidget()
        column = QHBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self.form)
        scroll.setWidget(inner)
        # Once the layout has made room for it.
        later = Qt.ConnectionType.QueuedConnection
        self.form.appeared.connect(scroll.ensureWidgetVisible, later)
        self.body.addWidget(scroll, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.show_code)
        foot.addStretch(1)
        self.body.addLayout(foot)
        self.body.addWidget(self.problem)  # below: what comes and goes moves no field

    def choose(self, name: str) -> None:
        """Take the recipe of that name, if it is one."""
        if name in self._recipes:
            self._session.draft.take(self._recipes[name])

    def _tell(self, recipe: Recipe) -> None:
        """Say what is wrong: a value that is impossible, or more memory than is free."""
        say(self.problem, self._session.draft.problem or self._shortage(recipe), "fault")

    def _on_typing(self, key: str, text: str) -> None:
        """Say at each key whether what stands there would fit into memory."""
        try:
            self._tell(self._session.recipe.replace({key: text}))
        except UserError:  # it is not typed to its end, or the draft will say why
            self._tell(self._session.recipe)

    def _on_data_described(self, event: DataDescribed) -> None:
        self._examples = event.values.get("examples", BUNDLED)
        self._tell(self._session.recipe)

    def _shortage(self, recipe: Recipe) -> str:
        # Of a GPU's memory the run itself knows, which asks it before it begins; and one that is
        # under way has taken what it needs.
        state = self._session.state
        if state.running or not self._session.on_cpu:
            return ""
        # Without torch nobody knows; then it is what is safe, and more than half precision takes.
        mixed = state not in (State.LOADING, State.UNAVAILABLE) and is_mixed(recipe, "cpu")
        return shortage(recipe, free_memory(), examples=self._examples, mixed=mixed)

    def _name_recipe(self) -> None:
        """Show the name of the present recipe, or that it is none of those with a name."""
        self._offer_undo()
        self._forget_changed()
        for name, recipe in self._recipes.items():
            if recipe == self._session.recipe:
                self.box.setCurrentText(name)
                return
        self.box.addItem(CHANGED)
        self.box.setCurrentText(CHANGED)

    def _forget_changed(self) -> None:
        if (index := self.box.findText(CHANGED)) >= 0:
            self.box.removeItem(index)

    def _on_start_from(self, words: str) -> None:
        self._session.resume_from = self._network.path if words == ONWARD else None

    def _ask_checkpoint(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a checkpoint", str(CHECKPOINTS), f"Checkpoints ({KINDS})"
        )
        if name:
            self._session.open_checkpoint(Path(name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a network, or the folder of one."""
        if self.open.isEnabled() and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Use the network that was dropped."""
        if self.open.isEnabled() and (path := _dropped(event)) is not None:
            event.acceptProposedAction()
            self._session.open_checkpoint(path)

    def _on_state(self, state: State) -> None:
        running = state.running
        self.form.set_running(running)
        for widget in (self.box, self.open, self.back):
            widget.setEnabled(state is State.READY)
        self._offer_undo()
        self.start_from.setEnabled(state is State.READY and self._network.path is not None)

    def _offer_undo(self) -> None:
        still = not self._session.state.running
        self.undo.setEnabled(still and self._session.draft.can_undo)
        self.redo.setEnabled(still and self._session.draft.can_redo)

    def _on_network(self) -> None:
        """Only a network that lies in a file can be trained further."""
        there = self._network.path is not None
        self.start_from.setEnabled(there and self._session.state is State.READY)
        self._on_start_from(self.start_from.currentText())

    def _on_loaded(self) -> None:
        """Go on from another program's network, which nobody opens to begin anew; and back."""
        foreign, offered = self._network.foreign, self._offered
        self._offered = foreign and _alike(self._session.recipe, self._session.trained)
        if self._offered != offered:
            self.start_from.setCurrentText(ONWARD if self._offered else FRESH)


def _alike(recipe: Recipe, other: Recipe) -> bool:
    """Whether the networks of two recipes are of the same sizes."""
    return all(
        getattr(recipe, key) == getattr(other, key)
        for key, about in recipe.settings().items()
        if about.group != TRAINING
    )


def _dropped(event: QDropEvent) -> Path | None:
    """Return the network that is dropped or dragged in; None if it is something else."""
    local = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
    return next((path for path in local if path.suffix in ENDINGS or is_folder(path)), None)
