"""The panel to draw in: a canvas, and what a network reads in it as the pen moves."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFileDialog

from core.errors import UserError
from core.playgrounds.digits.ink import Frame
from core.telemetry.events import Array
from gui import theme
from gui.charts.probability_bars import ProbabilityBars
from gui.digits.photo_dialog import PhotoDialog
from gui.digits.toast import Toast
from gui.widgets.canvas import DigitCanvas
from gui.widgets.card import Card
from gui.widgets.draw_tools import FileTools, PenTools
from gui.widgets.network_label import NetworkLabel
from gui.widgets.prediction_view import PredictionView, sound

Read = Callable[[Array], Array]
PICTURES = "Pictures (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff)"


class DrawPanel(Card):
    """Draw a digit and see at once what is made of it.

    It knows no network: `set_reader` hands it a function from a centred picture (28, 28) to ten
    probabilities, and one to how much each pixel matters.
    """

    pictureChanged = Signal(object)
    """The centred picture (28, 28) is another one; None where there is no ink."""

    def __init__(self) -> None:
        super().__init__("Prediction")
        self.setObjectName("drawPanel")
        self.picture: Array | None = None
        """What a network is shown of the ink: (28, 28), or None."""
        self.canvas, self.pen, self.files = DigitCanvas(), PenTools(), FileTools()
        self.reading, self.bars = PredictionView(), ProbabilityBars()
        self.network = NetworkLabel("digitsNetwork")
        self.message = Toast(self.canvas, "fault")
        self.message.setObjectName("drawMessage")
        self._frame = Frame(0, 0, 1)
        self._read: Read | None = None
        self._saliency: Read | None = None
        # Many moves of the pen in one turn of the event loop lead to one reading after it.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._take)
        self._arrange()
        self._connect()
        self._enable_tools()
        self.set_reader(None)

    def _arrange(self) -> None:
        self.head.addWidget(self.files)
        self.body.addWidget(self.canvas)
        self.body.addWidget(self.pen)
        self.body.addWidget(self.network)
        self.body.addWidget(self.reading)
        self.body.addSpacing(theme.GAP)
        self.body.addWidget(self.bars, 20)  # up to where its rows would look lost
        self.body.addStretch(1)

    def _connect(self) -> None:
        self.canvas.inkChanged.connect(self._ink_changed)
        self.canvas.failed.connect(self._say)
        self.canvas.asks = True
        self.canvas.picture_offered.connect(self._prepare)
        self.pen.width_slider.valueChanged.connect(self.canvas.set_pen_width)
        self.pen.undo.clicked.connect(self.canvas.undo)
        self.pen.redo.clicked.connect(self.canvas.redo)
        self.pen.clear.clicked.connect(self.canvas.clear)
        self.pen.invert.clicked.connect(self.canvas.invert)
        self.pen.saliency.toggled.connect(self._show_reading)
        self.files.open.clicked.connect(self._ask_for_image)
        self.files.paste.clicked.connect(self.paste)
        self.files.save.clicked.connect(self._ask_where_to_save)

    # What others do with it.

    def set_reader(self, read: Read | None, saliency: Read | None = None) -> None:
        """Say who reads: from now on, and what is on the canvas already."""
        self._read, self._saliency = read, saliency
        self.pen.saliency.setEnabled(saliency is not None)
        self._show_reading()

    def refresh(self) -> None:
        """Read again what is there, because the weights are newer; costs nothing when hidden."""
        if self.isVisible():
            self._show_reading()

    def show_picture(self, picture: Array) -> None:
        """Put a picture (28, 28), such as a test digit, on the canvas."""
        self.canvas.show_picture(picture)

    def load_image(self, path: Path) -> None:
        """Prepare an image file for the canvas; where that fails, say why beneath it."""
        self._attempt(lambda: self.canvas.load_image(path))

    def paste(self) -> None:
        """Prepare the clipboard's picture for the canvas; where there is none, say so."""
        self._attempt(lambda: self.canvas.paste(QGuiApplication.clipboard().image()))

    def save_image(self, path: Path) -> None:
        """Write the ink as a PNG; where that fails, say why."""
        self._attempt(lambda: self.canvas.save_image(path))

    def _prepare(self, image: Image.Image, name: str) -> None:
        """Let a person crop a picture and set its threshold, and see what the network will."""
        dialog = PhotoDialog(image, self)
        dialog.accepted.connect(
            lambda: self._attempt(lambda: self.canvas.show_ink(dialog.ink, name))
        )
        dialog.open()

    # How it answers.

    def _ink_changed(self) -> None:
        self._say("")
        self._enable_tools()
        self._soon.start()

    def _take(self) -> None:
        found = self.canvas.sheet.framed()
        self.picture = None
        if found:
            self.picture, self._frame = found
        self._show_reading()
        self.pictureChanged.emit(self.picture)

    def _show_reading(self) -> None:
        shares = self._read(self.picture) if self._read and self.picture is not None else None
        broken = shares is not None and not sound(shares)
        self.bars.set_probabilities(None if broken else shares)
        if self._read is None:
            self.reading.show_waiting()
        elif broken:
            self.reading.show_broken()
        else:
            self.reading.show_answer(shares)
        self._show_heat(broken)

    def _enable_tools(self) -> None:
        empty = self.canvas.is_empty()
        self.pen.undo.setEnabled(self.canvas.sheet.can_undo())
        self.pen.redo.setEnabled(self.canvas.sheet.can_redo())
        self.pen.clear.setEnabled(not empty)
        self.files.save.setEnabled(not empty)

    def _show_heat(self, broken: bool) -> None:
        heat: Array | None = None
        wanted = self.pen.saliency.isChecked() and not broken
        if wanted and self._saliency and self.picture is not None:
            heat = self._saliency(self.picture)
        self.reading.view.show_picture(self.picture, heat)
        self.canvas.set_overlay(heat, self._frame)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was learned while nobody looked."""
        super().showEvent(event)
        self._show_reading()

    def _attempt(self, act: Callable[[], None]) -> None:
        self._say("")
        try:
            act()
        except UserError as error:
            self._say(str(error))

    def _say(self, sentence: str) -> None:
        # A path has no place to break a line: give it one after each of its parts.
        self.message.say(sentence.replace("/", "/\u200b").replace("\\", "\\\u200b"))

    def _ask_for_image(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a picture of a digit", "", PICTURES)
        if name:
            self.load_image(Path(name))

    def _ask_where_to_save(self) -> None:
        dialog = QFileDialog(self, "Save the drawing", "digit.png", "PNG (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")  # before it asks whether to overwrite
        if dialog.exec():
            self.save_image(Path(dialog.selectedFiles()[0]))
