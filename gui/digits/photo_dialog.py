"""A picture before it is read: which part of it, what counts as ink, and what the network sees."""

from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.playgrounds.digits.ink import centre, contrast_of
from core.playgrounds.digits.photo import WHOLE, Crop, default_threshold, ink_above
from core.telemetry.events import Array
from gui import theme
from gui.digits.photo_view import PhotoView
from gui.inputs import Slider
from gui.widgets.buttons import push_button
from gui.widgets.card import label
from gui.widgets.prediction_view import NetworkView

EMPTY = "Nothing here counts as ink: lower the threshold, or choose another part."
READY = "Blue counts as ink. The network is given the 28 × 28 pixels above."
PERCENT = 100


class PhotoDialog(QDialog):
    """Lets a person crop a picture and set the threshold of its ink; ``ink`` is what it made.

    Args:
        image: the picture, as :func:`core.playgrounds.digits.ink.open_image` gives it.
        parent: the widget that asks.
    """

    def __init__(self, image: Image.Image, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("photoDialog")
        self.setWindowTitle("Picture of a digit")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._image = image
        self.view, self.network = PhotoView(image), NetworkView()
        self.network.setObjectName("photoNetworkView")
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("photoThreshold")
        self.slider.setAccessibleName("Threshold of ink, in per cent of contrast")
        self.slider.setToolTip(
            "<p>How much darker than the paper around it a pixel must be to count as ink. At first"
            " it is Otsu's threshold, which parts the contrasts into the two groups that are most"
            " alike in themselves.</p>"
        )
        self.slider.setRange(1, 99)
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("photoWords")
        self.words.setMinimumHeight(48)  # three lines, always: nothing below moves
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.number = label("", "small")
        self.otsu = push_button(
            "photoOtsu", "Otsu's threshold", "Set the threshold that the contrasts suggest."
        )
        self.whole = push_button("photoWhole", "Whole picture", "Take the frame away.")
        self.read = push_button("photoRead", "Read it", "Put this ink on the canvas.", "primary")
        self.cancel = push_button("photoCancel", "Cancel", "Leave the canvas as it is.")
        self._arrange()
        self.read.setDefault(True)  # of the dialog, in which it stands by now
        self.view.crop_changed.connect(self._take_crop)
        self.slider.valueChanged.connect(self._show)
        self.otsu.clicked.connect(self._set_otsu)
        self.whole.clicked.connect(lambda: self.view.choose(WHOLE))
        self.read.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.ink: Array
        self._take_crop(WHOLE)

    def _arrange(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(theme.GAP)
        side.addWidget(label("What the network sees", "heading"))
        side.addWidget(self.network)
        side.addWidget(self.words)
        row = QHBoxLayout()
        row.addWidget(label("Threshold", "small"))
        row.addStretch(1)
        row.addWidget(self.number)
        side.addLayout(row)
        for widget in (self.slider, self.otsu, self.whole):
            side.addWidget(widget)
        side.addStretch(1)
        for widget in (self.read, self.cancel):
            side.addWidget(widget)
        panel = QWidget()
        panel.setFixedWidth(210)
        side.setContentsMargins(0, 0, 0, 0)
        panel.setLayout(side)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(theme.MARGIN, theme.MARGIN, theme.MARGIN, theme.MARGIN)
        columns.setSpacing(theme.MARGIN)
        columns.addWidget(self.view, 1)
        columns.addWidget(panel)

    def _take_crop(self, crop: Crop) -> None:
        self._contrast = contrast_of(self._image, crop)
        self._set_otsu()

    def _set_otsu(self) -> None:
        value = round(PERCENT * default_threshold(self._contrast))
        self.slider.setValue(value)
        self._show()

    def _show(self) -> None:
        threshold = self.slider.value() / PERCENT
        self.ink = ink_above(self._contrast, threshold)
        picture = centre(self.ink)
        self.view.show_ink(self.ink)
        self.network.show_picture(picture, None)
        self.number.setText(f"{self.slider.value()} % contrast")
        self.words.setText(EMPTY if picture is None else READY)
        self.read.setEnabled(picture is not None)

    def changeEvent(self, event: QEvent) -> None:
        """Colour the ink anew after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.view.show_ink(self.ink)
