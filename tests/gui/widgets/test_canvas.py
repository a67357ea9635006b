"""The canvas as a hand meets it: strokes, the way back, pictures in and out."""

import json

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QInputDevice,
    QMouseEvent,
    QPointingDevice,
    QTabletEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.errors import UserError
from core.playgrounds.digits.ink import centre
from gui import theme
from gui.widgets.canvas import DigitCanvas
from gui.widgets.sheet import HISTORY, PIXELS

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def canvas(qtbot):
    """A canvas on the screen, 302 wide: its paper is 300."""
    made = DigitCanvas()
    qtbot.addWidget(made)
    made.resize(302, 302)
    made.show()
    return made


def at(x, y):
    """A point of the paper, in hundredths of its side."""
    return QPoint(1 + 3 * x, 1 + 3 * y)


def stroke(canvas, *points, button=LEFT):
    """Draw with the mouse through points in hundredths."""
    QTest.mousePress(canvas, button, NONE, at(*points[0]))
    for point in points[1:]:
        QTest.mouseMove(canvas, at(*point))
    QTest.mouseRelease(canvas, button, NONE, at(*points[-1]))


def value(canvas, x, y):
    """Ink at a point in hundredths."""
    return float(canvas.ink()[int(y / 100 * PIXELS), int(x / 100 * PIXELS)])


def test_a_click_leaves_a_dot(canvas, qtbot):
    """A press without a move is a round dot as wide as the pen, where the mouse was."""
    with qtbot.waitSignal(canvas.inkChanged):
        QTest.mouseClick(canvas, LEFT, NONE, at(30, 60))
    ink = canvas.ink()
    assert ink.shape == (336, 336)
    assert ink.dtype == np.float32
    assert value(canvas, 30, 60) == 1
    assert ink.sum() == pytest.approx(np.pi * (0.08 * PIXELS / 2) ** 2, rel=0.1)
    assert not canvas.is_empty()


def test_a_fast_stroke_is_connected(canvas):
    """Two mouse events far apart leave a straight line without a gap, of the pen's width."""
    stroke(canvas, (20, 20), (80, 80))
    assert all(value(canvas, i, i) == 1 for i in range(20, 80, 3))
    across = np.diagonal(canvas.ink()[::-1]).sum() * np.sqrt(2)
    assert across == pytest.approx(27, abs=2)


def test_ink_does_not_depend_on_size_or_theme(canvas, qapp):
    """A large canvas in the dark holds the same ink as a small one in the light."""
    stroke(canvas, (20, 30), (70, 30), (50, 80))
    small = canvas.ink()
    canvas.clear()
    canvas.resize(602, 602)
    theme.apply(qapp, "dark")
    try:
        for step, (x, y) in enumerate([(20, 30), (70, 30), (50, 80)]):
            point = QPoint(1 + 6 * x, 1 + 6 * y)
            QTest.mousePress(canvas, LEFT, NONE, point) if step == 0 else QTest.mouseMove(
                canvas, point
            )
        QTest.mouseRelease(canvas, LEFT, NONE, point)
    finally:
        theme.apply(qapp, "light")
    assert np.abs(canvas.ink() - small).mean() < 0.002


def test_strokes_leave_and_come_back(canvas):
    """A stroke may leave the paper; what is outside is cut off, and it goes on inside."""
    stroke(canvas, (50, 50), (150, 50), (150, 80), (50, 80))
    assert value(canvas, 99, 50) == 1
    assert value(canvas, 99, 80) == 1
    assert value(canvas, 99, 65) == 0


def test_moves_outside_add_nothing(canvas):
    """Moving about off the paper changes no ink, and says nothing of a change."""
    QTest.mousePress(canvas, LEFT, NONE, at(50, 50))
    QTest.mouseMove(canvas, at(50, 160))
    heard = []
    canvas.inkChanged.connect(lambda: heard.append(1))
    QTest.mouseMove(canvas, at(60, 170))
    QTest.mouseMove(canvas, at(90, 160))
    assert not heard
    QTest.mouseRelease(canvas, LEFT, NONE, at(90, 160))


def test_every_move_is_heard(canvas):
    """Each move that adds ink is told at once: a network can read while the pen moves."""
    heard = []
    canvas.inkChanged.connect(lambda: heard.append(canvas.ink().sum()))
    stroke(canvas, *[(20 + i, 50) for i in range(0, 40, 4)])
    assert len(heard) >= 10
    assert heard == sorted(set(heard))


def test_other_buttons_do_not_draw(canvas):
    """The right button leaves no ink, and pressed during a stroke it neither ends nor bends it."""
    stroke(canvas, (20, 20), (80, 80), button=Qt.MouseButton.RightButton)
    assert canvas.is_empty()
    QTest.mousePress(canvas, LEFT, NONE, at(20, 50))
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, NONE, at(40, 90))
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, NONE, at(40, 90))
    QTest.mouseMove(canvas, at(80, 50))
    QTest.mouseRelease(canvas, LEFT, NONE, at(80, 50))
    assert value(canvas, 70, 50) == 1
    assert value(canvas, 40, 90) == 0


def test_no_ink_without_a_press(canvas):
    """The mouse passing over leaves nothing."""
    QTest.mouseMove(canvas, at(20, 20))
    QTest.mouseMove(canvas, at(80, 80))
    assert canvas.is_empty()


def test_pen_width(canvas):
    """A wider pen leaves a wider line."""
    canvas.set_pen_width(50)
    stroke(canvas, (20, 50), (80, 50))
    assert canvas.ink()[:, PIXELS // 2].sum() == pytest.approx(50, abs=2)


def test_undo_takes_back_each_act(canvas, tmp_path):
    """Strokes, clearing, inverting and pictures are taken back one by one, down to the start."""
    seen = [canvas.ink()]
    stroke(canvas, (20, 20), (20, 80))
    seen.append(canvas.ink())
    stroke(canvas, (60, 20), (60, 80))
    seen.append(canvas.ink())
    canvas.clear()
    seen.append(canvas.ink())
    canvas.show_picture(np.eye(28, dtype=np.float32))
    seen.append(canvas.ink())
    canvas.invert()
    assert canvas.sheet.inverted
    canvas.undo()
    assert not canvas.sheet.inverted
    while len(seen) > 1:
        assert (canvas.ink() == seen.pop()).all()
        canvas.undo()
    assert canvas.is_empty()
    canvas.undo()
    assert canvas.is_empty()


def test_history_is_bounded(canvas):
    """However long somebody draws, only the last strokes are kept to be taken back."""
    for i in range(HISTORY + 20):
        QTest.mouseClick(canvas, LEFT, NONE, at(5 + i, 50))
    for _ in range(HISTORY + 20):
        canvas.undo()
    assert value(canvas, 5, 50) == 1
    assert value(canvas, 5 + HISTORY + 10, 50) == 0


def test_keys(canvas, qtbot):
    """Ctrl+Z takes back, Ctrl+Shift+Z and Ctrl+Y repeat, Delete clears, Ctrl+V pastes."""
    stroke(canvas, (20, 20), (80, 80))
    ink, control = canvas.ink(), Qt.KeyboardModifier.ControlModifier
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
        QTest.keyClick(canvas, key)
        assert canvas.is_empty()
        QTest.keyClick(canvas, Qt.Key.Key_Z, control)
        assert (canvas.ink() == ink).all()
    again = (Qt.Key.Key_Y, control), (Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    for key, held in again:
        QTest.keyClick(canvas, key, held)
        assert canvas.is_empty()
        QTest.keyClick(canvas, Qt.Key.Key_Z, control)
        assert (canvas.ink() == ink).all()
    QTest.keyClick(canvas, Qt.Key.Key_Z, control)
    assert canvas.is_empty()
    image = QImage(90, 90, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    for y in range(20, 70):
        for x in range(40, 50):
            image.setPixelColor(x, y, QColor("black"))
    QGuiApplication.clipboard().setImage(image)
    QTest.keyClick(canvas, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert value(canvas, 50, 50) == 1
    assert value(canvas, 25, 25) == 0


def test_a_sheet_is_kept_and_comes_back(qtbot, canvas, bundled):
    """Ink, polarity and an exact picture; damaged values change nothing."""
    stroke(canvas, (20, 20), (80, 80))
    canvas.invert()
    drawn, again = canvas.sheet.to_dict(), DigitCanvas()
    qtbot.addWidget(again)
    again.restore(drawn)
    assert (again.ink() == canvas.ink()).all() and again.sheet.inverted
    canvas.show_picture(bundled.validation.images[0].numpy())
    again.restore(json.loads(json.dumps(canvas.sheet.to_dict())))
    assert np.abs(again.sheet.framed()[0] - canvas.sheet.framed()[0]).max() < 1e-6
    ink = again.ink()
    for damage in ({}, {"ink": 5}, {"ink": "AAAA"}, {"ink": drawn["ink"], "exact": drawn["ink"]}):
        with pytest.raises(UserError, match="damaged"):
            again.restore(damage)
        assert (again.ink() == ink).all()


def test_escape_takes_nothing_away(canvas):
    """The key that leaves a thing leaves the drawing as it is, and the way back, too."""
    stroke(canvas, (20, 20), (80, 80))
    ink = canvas.ink()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert (canvas.ink() == ink).all() and canvas.sheet.can_undo()


def test_a_new_stroke_ends_redo(canvas):
    """What was undone before it can't come back on top of it."""
    stroke(canvas, (20, 20), (80, 80))
    canvas.undo()
    stroke(canvas, (80, 20), (20, 80))
    ink = canvas.ink()
    canvas.redo()
    assert (canvas.ink() == ink).all() and not canvas.sheet.can_redo()


def test_invert_changes_the_look_alone(canvas):
    """Inverted, paper and ink swap colours on the screen; the network is given the same ink."""
    stroke(canvas, (20, 50), (80, 50))
    ink = canvas.ink()

    def lightness():
        shot = canvas.grab().toImage()
        points = (at(50, 50), at(50, 15))  # ink, paper
        return [shot.pixelColor(point * shot.devicePixelRatio()).lightness() for point in points]

    on_ink, on_paper = lightness()
    assert on_ink < 60 < 200 < on_paper
    canvas.invert()
    on_ink, on_paper = lightness()
    assert on_paper < 60 < 200 < on_ink
    assert (canvas.ink() == ink).all()
    stroke(canvas, (50, 20), (50, 80))
    assert value(canvas, 50, 25) == 1, "the pen still draws ink"


def test_a_test_digit_on_the_canvas(canvas, bundled):
    """A picture of MNIST is shown large, and its preparation leads back to it."""
    differences = []
    for picture in bundled.validation.images[::25].numpy():
        canvas.show_picture(picture.astype(np.float32) / 255)
        differences.append(np.abs(centre(canvas.ink()) - picture / 255.0).mean())
        assert canvas.sheet.framed()[0] * 255 == pytest.approx(picture, abs=1e-3), "not exact"
    assert np.mean(differences) < 0.04
    canvas.show_picture(picture)  # bytes will do
    assert np.abs(canvas.sheet.framed()[0] - picture / 255.0).max() < 1e-6


def test_drawing_on_a_test_digit_counts(canvas, bundled):
    """Once the pen adds to a picture, the network is given what is on the canvas."""
    canvas.show_picture(bundled.validation.images[0].numpy())
    before = canvas.sheet.framed()[0]
    stroke(canvas, (5, 5), (95, 5))
    assert np.abs(canvas.sheet.framed()[0] - before).mean() > 0.02
    canvas.undo()
    assert (canvas.sheet.framed()[0] == before).all()


def test_save_and_load_give_the_same_ink(canvas, tmp_path):
    """A saved drawing is a PNG of black on white, and comes back as it was."""
    stroke(canvas, (25, 20), (75, 20), (40, 85))
    ink = canvas.ink()
    canvas.invert()
    path = tmp_path / "new folder" / "seven.png"
    canvas.save_image(path)
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (336, 336))
        assert image.getpixel((0, 0)) == 255
        assert image.getpixel((168, 67)) == 0
    canvas.clear()
    canvas.load_image(path)
    difference = np.abs(canvas.ink() - ink)
    assert difference.mean() < 0.005 and (difference > 0.3).mean() < 0.01  # edges are sharper


def test_a_picture_keeps_its_proportions(canvas, tmp_path):
    """A wide picture is fitted in whole; a small digit on a large sheet is brought near."""
    wide = np.full((100, 400), 255, np.uint8)
    wide[20:80, 40:360] = 0
    Image.fromarray(wide).save(tmp_path / "wide.png")
    canvas.load_image(tmp_path / "wide.png")
    there = canvas.ink() > 0.5
    assert there.any(axis=0).sum() / there.any(axis=1).sum() == pytest.approx(320 / 60, rel=0.05)
    assert there.any(axis=0).sum() == pytest.approx(0.8 * PIXELS, abs=3)
    small = np.full((500, 500), 255, np.uint8)
    small[30:70, 400:420] = 0
    Image.fromarray(small).save(tmp_path / "small.png")
    canvas.load_image(tmp_path / "small.png")
    there = canvas.ink() > 0.5
    assert there.any(axis=1).sum() == pytest.approx(20 / 28 * PIXELS, abs=4)
    assert there.any(axis=0).sum() == pytest.approx(10 / 28 * PIXELS, abs=6)


def test_what_is_no_picture_changes_nothing(canvas, tmp_path):
    """Bad files, blank ones and an empty clipboard end in a sentence; the drawing stays."""
    stroke(canvas, (20, 20), (80, 80))
    ink = canvas.ink()
    (tmp_path / "notes.txt").write_text("a shopping list")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    for name, words in (("notes.txt", "no image"), ("blank.png", "paper"), ("none.png", "No such")):
        with pytest.raises(UserError, match=words):
            canvas.load_image(tmp_path / name)
    for nothing in (None, QImage()):
        with pytest.raises(UserError, match="clipboard"):
            canvas.paste(nothing)
    with pytest.raises(UserError, match="can't be written"):
        canvas.save_image(tmp_path / "notes.txt" / "digit.png")
    assert (canvas.ink() == ink).all()
    canvas.undo()
    assert canvas.is_empty(), "a failure left something to undo"


def test_paste_of_a_large_transparent_picture(canvas):
    """A screenshot-sized picture with ink on nothing is read by its shape."""
    image = QImage(3000, 3000, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    for y in range(500, 2500):
        for x in range(1400, 1600):
            image.setPixel(x, y, 0xFF000000)
    canvas.paste(image)
    assert value(canvas, 50, 50) == 1
    assert value(canvas, 20, 50) == 0


def test_dropped_files(canvas, tmp_path, qtbot):
    """An image file dropped on the canvas is opened; another file ends in a sentence."""

    def drop(path):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        about = (Qt.DropAction.CopyAction, mime, LEFT, NONE)
        enter = QDragEnterEvent(QPoint(50, 50), *about)
        QApplication.sendEvent(canvas, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(canvas, QDropEvent(QPointF(50, 50), *about))

    picture = np.full((40, 40), 255, np.uint8)
    picture[5:35, 17:23] = 0
    Image.fromarray(picture).save(tmp_path / "one.png")
    drop(tmp_path / "one.png")
    assert value(canvas, 50, 50) == 1
    (tmp_path / "notes.txt").write_text("a shopping list")
    with qtbot.waitSignal(canvas.failed) as heard:
        drop(tmp_path / "notes.txt")
    assert "no image" in heard.args[0]


def test_a_pen_presses(canvas, qapp):
    """A pen draws, a little wider when pressed harder, and its echo as a mouse draws nothing."""
    pen = QPointingDevice(
        "pen",
        7,
        QInputDevice.DeviceType.Stylus,
        QPointingDevice.PointerType.Pen,
        QInputDevice.Capability.Position | QInputDevice.Capability.Pressure,
        1,
        1,
    )

    def send(kind, point, pressure):
        spot = QPointF(at(*point))
        rest = (pressure, 0, 0, 0, 0, 0, NONE, LEFT, LEFT)
        assert QApplication.sendEvent(canvas, QTabletEvent(kind, pen, spot, spot, *rest))

    widths = []
    for pressure in (0.1, 0.9):
        send(QEvent.Type.TabletPress, (20, 50), pressure)
        send(QEvent.Type.TabletMove, (80, 50), pressure)
        send(QEvent.Type.TabletRelease, (80, 50), 0)
        widths.append(canvas.ink()[:, PIXELS // 2].sum())
        canvas.clear()
    assert 15 < widths[0] < 27 < widths[1] < 40
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove):
        spot, echo = QPointF(at(50, 50)), Qt.MouseEventSource.MouseEventSynthesizedBySystem
        event = QMouseEvent(kind, spot, spot, spot, LEFT, LEFT, NONE, echo)
        QApplication.sendEvent(canvas, event)
    assert canvas.is_empty()


def test_a_finger_draws_once(canvas):
    """One finger draws a line; a second thno updates on the screen does not."""
    device = QTest.createTouchDevice()
    QTest.touchEvent(canvas, device).press(0, at(20, 40), canvas).commit()
    QTest.touchEvent(canvas, device).stationary(0).press(1, at(50, 90), canvas).commit()
    QTest.touchEvent(canvas, device).move(0, at(80, 40), canvas).stationary(1).commit()
    QTest.touchEvent(canvas, device).release(0, at(80, 40), canvas).release(
        1, at(50, 90), canvas
    ).commit()
    assert value(canvas, 50, 40) == 1
    assert value(canvas, 50, 90) == 0
    canvas.undo()
    assert canvas.is_empty(), "one stroke of a finger was drawn as several"


def test_overlay_is_seen_and_not_read(canvas):
    """A heat map tints the paper where it is large, and is no ink."""
    heat = np.zeros((28, 28), np.float32)
    heat[:, :14] = 1
    canvas.set_overlay(heat)
    shot = canvas.grab().toImage()
    tinted, plain = (shot.pixelColor(at(x, 10) * shot.devicePixelRatio()) for x in (10, 90))
    assert tinted.red() - tinted.blue() > 100
    assert plain == QColor(theme.current().surface)
    assert canvas.is_empty()
    canvas.set_overlay(np.full((28, 28), np.nan))
    assert canvas.grab().toImage().pixelColor(at(10, 10)) == plain, "no number, no tint"
    canvas.set_overlay(None)
    assert canvas.grab().toImage().pixelColor(at(10, 10)) == plain


def test_it_stays_square(canvas):
    """Whatever room it is given, the paper is a square inside it."""
    for width, height in ((500, 300), (260, 400), (240, 240)):
        canvas.resize(width, height)
        paper = canvas.paper()
        assert paper.width() == paper.height() == min(width, height) - 2
        assert canvas.rect().toRectF().contains(paper)
    canvas.resize(333, 400)
    assert canvas.sizeHint().height() == 333
