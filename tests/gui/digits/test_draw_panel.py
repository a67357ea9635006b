"""The panel: what is drawn is read, shown and explained, and a failure loses nothing."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QHelpEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSlider, QToolTip

from core.playgrounds.digits.ink import centre
from gui import theme
from gui.charts.probability_bars import ProbabilityBars
from gui.digits.draw_panel import DrawPanel
from gui.digits.photo_dialog import PhotoDialog
from gui.theme import IconButton
from gui.widgets.canvas import DigitCanvas
from tests.gui.hands import tooltip

# What the offscreen platform can't do, it says each time a window with a layout is shown.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHARES = np.array([0.01, 0.02, 0.02, 0.05, 0.02, 0.02, 0.01, 0.8, 0.02, 0.03])


class Reader:
    """A network that answers 7 and remembers what it was asked."""

    def __init__(self, shares=SHARES):
        self.shares = shares
        self.asked = []

    def __call__(self, picture):
        """Read a picture."""
        self.asked.append(picture)
        return self.shares


@pytest.fixture
def reader():
    """A network that answers 7."""
    return Reader()


@pytest.fixture
def panel(qtbot, reader):
    """A panel on the screen, with a reader; the right half of a picture matters to it."""
    made = DrawPanel()
    qtbot.addWidget(made)
    made.resize(324, 860)
    made.show()
    made.set_reader(reader, lambda picture: np.arange(28.0)[None].repeat(28, 0) > 13)
    return made


def canvas_of(panel):
    """The canvas, as a person finds it."""
    return panel.findChild(DigitCanvas, "digitCanvas")


def draw(panel, *points):
    """Draw with the mouse on the panel's canvas, then let the event loop turn."""
    canvas = canvas_of(panel)
    QTest.mousePress(canvas, LEFT, NONE, QPoint(*points[0]))
    for point in points[1:]:
        QTest.mouseMove(canvas, QPoint(*point))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(*points[-1]))
    QApplication.processEvents()


def seven(panel):
    """Draw a 7."""
    draw(panel, (90, 70), (200, 70), (130, 230))


def click(panel, name):
    """Press a button."""
    QTest.mouseClick(panel.findChild(IconButton, name), LEFT)
    QApplication.processEvents()


def words(panel, name="digitConfidence"):
    """The text of a label, without the invisible places to break it."""
    return panel.findChild(QLabel, name).text().replace("\u200b", "")


def answer(panel):
    """The large digit."""
    return words(panel, "digitAnswer")


def bar_pixels(panel):
    """How many pixels of each row of the bars are in the colour of activations."""
    bars = panel.findChild(ProbabilityBars, "digitBars")
    shot = bars.grab().toImage()
    blue = QColor(theme.current().activation)
    counts = []
    for digit in range(10):
        y = int(bars.row_rect(digit).center().y())
        row = [shot.pixelColor(x, y) for x in range(bars.width())]
        counts.append(sum(c.blue() - c.red() > (blue.blue() - blue.red()) / 3 for c in row))
    return counts


def test_a_drawing_is_read(panel, reader, qtbot):
    """A stroke leads to the centred picture, the answer, how sure it is, and the bars."""
    with qtbot.waitSignal(panel.pictureChanged) as heard:
        seven(panel)
    assert heard.args[0].shape == (28, 28)
    assert (heard.args[0] == reader.asked[-1]).all()
    assert (panel.picture == reader.asked[-1]).all()
    assert answer(panel) == "7"
    assert words(panel) == "probability 80.0 %\nor a 3: 5.0 %"
    pixels = bar_pixels(panel)
    assert max(pixels) == pixels[7]
    assert pixels[7] > 8 * pixels[3] > 0


def test_empty(panel, reader):
    """With nothing drawn there is no answer and no bar, and no network is asked."""
    assert answer(panel) == ""
    assert words(panel) == ""
    assert canvas_of(panel).hint == "Draw a digit"
    assert sum(bar_pixels(panel)) == 0
    assert not reader.asked
    seven(panel)
    click(panel, "clearButton")
    assert answer(panel) == ""
    assert sum(bar_pixels(panel)) == 0
    assert panel.picture is None


def test_waiting_for_the_network(panel, reader):
    """Without a network the panel says that it waits; what was drawn is read once it is there."""
    panel.set_reader(None, None)
    seven(panel)
    assert words(panel) == "waiting for the network"
    assert answer(panel) == ""
    assert not panel.findChild(IconButton, "saliencyButton").isEnabled()
    panel.set_reader(reader, None)
    assert answer(panel) == "7"


def test_many_moves_are_one_question(panel, reader):
    """Moves that come within one turn of the event loop lead to a single reading."""
    canvas = canvas_of(panel)
    heard = []
    canvas.inkChanged.connect(lambda: heard.append(1))
    for x in range(60, 240, 4):
        canvas.pen_down(QPoint(x, 150).toPointF(), 1.0)
    assert len(heard) > 40
    assert not reader.asked
    QApplication.processEvents()
    assert len(reader.asked) == 1


def test_refresh_reads_again(panel, reader):
    """Newer weights give a new answer to the same drawing; a hidden panel asks for none."""
    seven(panel)
    pictures = []
    panel.pictureChanged.connect(pictures.append)
    reader.shares = np.roll(SHARES, 2)
    panel.refresh()
    assert answer(panel) == "9"
    assert not pictures, "the picture is the same"
    panel.hide()
    asked = len(reader.asked)
    reader.shares = SHARES
    panel.refresh()
    assert len(reader.asked) == asked
    panel.show()
    assert answer(panel) == "7", "shown again, it catches up"


def test_a_broken_network(panel, reader):
    """Where the network answers NaN the panel says so, rather than naming a digit."""
    reader.shares = np.full(10, np.nan)
    seven(panel)
    assert answer(panel) == ""
    assert "NaN" in words(panel)
    assert sum(bar_pixels(panel)) == 0


def test_undo_and_invert(panel):
    """The buttons take back and swap colours; inverted, the answer is the same."""
    undo = panel.findChild(IconButton, "undoButton")
    assert not undo.isEnabled()
    seven(panel)
    picture = panel.picture
    click(panel, "invertButton")
    assert canvas_of(panel).sheet.inverted
    assert (panel.picture == picture).all()
    assert answer(panel) == "7"
    click(panel, "undoButton")
    click(panel, "undoButton")
    assert canvas_of(panel).is_empty()
    assert not undo.isEnabled()


def test_pen_width(panel):
    """The slider sets the width of what is drawn next."""
    slider = panel.findChild(QSlider, "penWidth")
    seven(panel)
    normal = canvas_of(panel).ink().sum()
    click(panel, "clearButton")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_End)
    seven(panel)
    assert canvas_of(panel).ink().sum() > 1.6 * normal


def test_saliency(panel, reader):
    """The eye shows in orange what matters: over the picture, and where it lies on the canvas."""

    def orange(widget):
        shot = widget.grab().toImage()
        colours = [
            [shot.pixelColor(x, y) for x in range(2, shot.width() - 2, 3)]
            for y in range(2, shot.height() - 2, 3)
        ]
        return np.array([[c.red() - c.blue() > 100 for c in row] for row in colours])

    draw(panel, (40, 60), (100, 60), (60, 160))
    assert not orange(panel.reading.view).any()
    click(panel, "saliencyButton")
    seen = orange(panel.reading.view)
    assert seen[:, -5:].mean() > 0.9
    assert not seen[:, :12].any()
    on_canvas = orange(canvas_of(panel))
    assert on_canvas.any()
    columns = np.flatnonzero(on_canvas.any(axis=0)) * 3
    assert columns.min() < 90, "the small drawing is on the left, and so is what matters of it"
    assert columns.max() < 170
    click(panel, "saliencyButton")
    assert not orange(canvas_of(panel)).any()


def test_a_failed_file_is_told_and_forgotten(panel, tmp_path):
    """A bad file is told in a sentence, the drawing stays, and the next stroke ends the message."""
    seven(panel)
    ink = canvas_of(panel).ink()
    message = panel.findChild(QLabel, "drawMessage")
    assert not message.isVisible()
    (tmp_path / "notes.txt").write_text("a shopping list")
    width = panel.minimumSizeHint().width()
    panel.load_image(tmp_path / "notes.txt")
    assert message.isVisible()
    assert str(tmp_path) in words(panel, "drawMessage")
    assert message.property("role") == "fault"
    assert panel.minimumSizeHint().width() == width, "a long path widened the panel"
    assert (canvas_of(panel).ink() == ink).all()
    assert answer(panel) == "7"
    draw(panel, (150, 250))
    assert not message.isVisible()
    panel.save_image(tmp_path / "notes.txt" / "digit.png")
    assert "can't be written" in words(panel, "drawMessage")
    click(panel, "undoButton")
    assert not message.isVisible()


def accept(panel):
    """Press Enter in the dialog that shows a picture before it is read."""
    QTest.keyClick(panel.findChild(PhotoDialog), Qt.Key.Key_Return)
    QApplication.processEvents()


def two_digits(path):
    """A 1 at the left and a 7 at the right of a sheet that gets darker to the right."""
    image = Image.new("L", (400, 300), 240)
    brush = ImageDraw.Draw(image)
    brush.line([(80, 60), (80, 240)], fill=40, width=16)
    brush.line([(250, 70), (340, 70), (290, 230)], fill=40, width=16, joint="curve")
    light = np.asarray(image) * np.linspace(1, 0.4, 400)
    Image.fromarray(light.astype(np.uint8)).save(path)
    return path


def test_a_photo_is_cropped_and_seen_before_it_is_read(panel, reader, tmp_path):
    """A frame drawn with the mouse chooses one of two digits; nothing is read until it is taken."""
    panel.load_image(two_digits(tmp_path / "two.png"))
    dialog = panel.findChild(PhotoDialog)
    asked = len(reader.asked)
    view, frame = dialog.view, dialog.view.frame()

    def at(x, y):
        return QPoint(
            round(frame.left() + x * frame.width()), round(frame.top() + y * frame.height())
        )

    whole = centre(dialog.ink)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(0.05, 0.05))
    QTest.mouseMove(view, at(0.4, 0.95))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(0.4, 0.95))
    assert view.crop.right == pytest.approx(0.4, abs=0.01) and view.crop.left > 0.04
    one = centre(dialog.ink)
    assert np.ptp(np.flatnonzero((one > 0.5).any(axis=0))) < 6, "a 1 is slim"
    assert np.abs(one - whole).mean() > 0.05
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.crop.left == pytest.approx(0.07, abs=0.01)
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert view.crop.bottom == pytest.approx(0.97, abs=0.01)
    assert len(reader.asked) == asked and panel.picture is None
    accept(panel)
    assert len(reader.asked) > asked and np.abs(panel.picture - one).mean() < 0.03


def test_the_threshold_of_a_photo(panel, tmp_path):
    """It begins at Otsu's, says when it leaves no ink, and a button brings Otsu's back."""
    panel.load_image(two_digits(tmp_path / "two.png"))
    dialog = panel.findChild(PhotoDialog)
    begun = dialog.slider.value()
    assert 15 < begun < 75 and dialog.read.isEnabled()
    dialog.slider.setFocus()
    QTest.keyClick(dialog.slider, Qt.Key.Key_End)
    assert dialog.slider.value() == 99 and not dialog.read.isEnabled()
    assert "Nothing here counts as ink" in dialog.words.text()
    QTest.mouseClick(dialog.otsu, Qt.MouseButton.LeftButton)
    assert dialog.slider.value() == begun and dialog.read.isEnabled()
    QTest.mouseClick(dialog.whole, Qt.MouseButton.LeftButton)
    assert not dialog.view.grab().isNull()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert panel.picture is None and canvas_of(panel).is_empty()
    for widget in (dialog.view, dialog.slider, dialog.otsu, dialog.whole, dialog.read):
        assert widget.objectName() and widget.accessibleName() and widget.toolTip()


def test_files_and_clipboard(panel, tmp_path):
    """A saved drawing opens again; the paste button takes a picture, and misses an absent one."""
    seven(panel)
    picture = panel.picture
    panel.save_image(tmp_path / "seven.png")
    click(panel, "clearButton")
    panel.load_image(tmp_path / "seven.png")
    accept(panel)
    assert np.abs(panel.picture - picture).mean() < 0.02
    QGuiApplication.clipboard().clear()
    click(panel, "pasteButton")
    assert "clipboard" in words(panel, "drawMessage")
    one = np.full((60, 60), 255, np.uint8)
    one[10:50, 26:34] = 0
    Image.fromarray(one).save(tmp_path / "one.png")
    QGuiApplication.clipboard().setImage(QImage(str(tmp_path / "one.png")))
    click(panel, "pasteButton")
    assert not panel.findChild(QLabel, "drawMessage").isVisible()
    accept(panel)
    assert panel.picture[4:24, 13:15].mean() > 0.9


def test_a_picture_from_elsewhere(panel, reader, bundled):
    """A test digit put on the canvas reaches the network exactly as it is in the data."""
    picture = bundled.validation.images[7].numpy()
    panel.show_picture(picture)
    QApplication.processEvents()
    assert np.abs(reader.asked[-1] - picture / 255.0).max() < 1e-6


def test_everything_explains_itself(panel):
    """Each tool has a name, a tooltip that teaches and a way to it from the keyboard."""
    names = ["undo", "clear", "invert", "saliency", "openImage", "saveImage", "paste"]
    tools = [panel.findChild(IconButton, f"{name}Button") for name in names]
    tools += [panel.findChild(QSlider, "penWidth"), canvas_of(panel)]
    for tool in tools:
        assert tool.accessibleName()
        assert len(tool.toolTip()) > 25
        assert tool.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_narrow_panel(panel):
    """In 300 pixels nothing is cut off, and the canvas is a square as wide as there is room."""
    panel.setFixedWidth(300)
    QApplication.processEvents()
    assert panel.minimumSizeHint().width() <= 300
    canvas = canvas_of(panel)
    assert canvas.width() == canvas.height() == 266


def test_bars_in_words(panel):
    """Whoever can't see the bars is told the three largest shares; none before there are any."""
    bars = panel.findChild(ProbabilityBars, "digitBars")
    assert bars.accessibleDescription() == "Nothing read yet."
    seven(panel)
    assert bars.accessibleDescription() == "7: 80.0 %, 3: 5.0 %, 9: 3.0 %"


def test_a_row_explains_its_share(panel):
    """The tooltip of a bar names its digit and share, and says what softmax has to do with it."""
    seven(panel)
    bars = panel.findChild(ProbabilityBars, "digitBars")
    spot = bars.row_rect(3).center().toPoint()
    event = QHelpEvent(QEvent.Type.ToolTip, spot, bars.mapToGlobal(spot))
    QApplication.sendEvent(bars, event)
    assert tooltip().startswith("3: 5.0 %. ")
    assert "Softmax" in tooltip()
    QToolTip.hideText()
