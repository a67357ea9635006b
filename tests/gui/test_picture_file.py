"""What a widget shows, as a file: PNG, or SVG with real lines and letters."""

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog

from core.errors import UserError
from gui.charts.lines import Line, PlotChart
from gui.charts.probability_bars import ProbabilityBars
from gui.widgets.picture_file import offer_pictures, save_picture


@pytest.fixture(params=["plotted", "painted"])
def widget(qtbot, request):
    """A plot of pyqtgraph, or a widget that paints itself."""
    if request.param == "plotted":
        made = PlotChart("plot", "Loss", "loss")
        made.set_lines([Line("smoothed", x=np.arange(50.0), y=np.linspace(3, 2, 50))])
    else:
        made = ProbabilityBars()
        made.set_probabilities(np.full(10, 0.1))
    qtbot.addWidget(made)
    made.resize(400, 240)
    made.show()
    return made


def test_a_png_is_twice_as_fine_as_the_screen(widget, tmp_path):
    """It has the widget's proportions, and something is drawn on it."""
    path = tmp_path / "picture.png"
    save_picture(widget, path)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (800, 480)
    colours = {image.pixel(x, y) for x in range(0, 800, 5) for y in range(0, 480, 5)}
    assert len(colours) > 3


def test_an_svg_has_lines_and_letters_not_pixels(widget, tmp_path):
    """It opens as SVG, is as large as the widget, and nothing in it is a bitmap."""
    path = tmp_path / "picture.svg"
    save_picture(widget, path)
    drawing = QSvgRenderer(str(path))
    assert drawing.isValid() and drawing.viewBox().width() == 400
    text = path.read_text(encoding="utf-8")
    assert "<image" not in text and text.count("<path") + text.count("<polyline") > 3


def test_what_can_not_be_written_is_said(widget, tmp_path):
    """Another suffix and a folder that is a file are refused in a sentence; nothing is left."""
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        save_picture(widget, tmp_path / "picture.bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        save_picture(widget, tmp_path / "file" / "picture.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_context_menu_offers_both(widget, tmp_path, monkeypatch):
    """Choosing one asks where, writes it, and tells."""
    said = []
    actions = offer_pictures(widget, "loss", lambda sentence, role: said.append((sentence, role)))
    assert [action.text() for action in actions] == ["Save as PNG…", "Save as SVG…"]
    monkeypatch.setattr(QFileDialog, "exec", lambda self: 1)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(tmp_path / "loss.svg")])
    actions[1].trigger()
    assert (tmp_path / "loss.svg").is_file() and said[0][1] == "muted"
