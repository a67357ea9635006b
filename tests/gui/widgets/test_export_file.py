"""What a widget shows, as a file: PNG, SVG with real lines and letters, CSV, text."""

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog, QTableWidget, QTableWidgetItem

from core.doctor.diagnosis import Cause, Check, Diagnosis
from core.errors import UserError
from gui.charts.lines import Line, PlotChart
from gui.charts.probability_bars import ProbabilityBars
from gui.digits.confusion import ConfusionMatrix
from gui.doctor.report import Report
from gui.widgets.card import Card
from gui.widgets.export_file import kinds_of, offer_files, save_file


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
    save_file(widget, path)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (800, 480)
    colours = {image.pixel(x, y) for x in range(0, 800, 5) for y in range(0, 480, 5)}
    assert len(colours) > 3


def test_an_svg_has_lines_and_letters_not_pixels(widget, tmp_path):
    """It opens as SVG, is as large as the widget, and nothing in it is a bitmap."""
    path = tmp_path / "picture.svg"
    save_file(widget, path)
    drawing = QSvgRenderer(str(path))
    assert drawing.isValid() and drawing.viewBox().width() == 400
    text = path.read_text(encoding="utf-8")
    assert "<image" not in text and text.count("<path") + text.count("<polyline") > 3


def test_the_csv_of_curves_has_a_column_each(qtbot, tmp_path):
    """Curves of other steps have gaps; a reference line is a column, too."""
    chart = PlotChart("plot", "Loss", "loss")
    qtbot.addWidget(chart)
    assert kinds_of(chart) == ["png", "svg"]
    every = Line("every step", x=np.array([0.0, 1.0, 2.0]), y=np.array([3.0, 2.5, 2.0]))
    chart.set_lines([every, Line("validation", x=np.array([1.0]), y=np.array([2.75]))])
    chart.set_line("uniform", 3.3, "uniform guess 3.30")
    save_file(chart, tmp_path / "loss.csv")
    assert (tmp_path / "loss.csv").read_text().splitlines() == [
        "step,every step,validation,uniform guess 3.30",
        "0.0,3.0,,3.3",
        "1.0,2.5,2.75,3.3",
        "2.0,2.0,,3.3",
    ]


def test_the_csv_of_a_table_has_its_titles_and_cells(qtbot, tmp_path):
    """A card is written as the table in it."""
    card, table = Card("Models"), QTableWidget(1, 2)
    qtbot.addWidget(card)
    card.body.addWidget(table)
    table.setHorizontalHeaderLabels(["Model", "Loss"])
    table.setItem(0, 0, QTableWidgetItem("mlp, wide"))
    table.setItem(0, 1, QTableWidgetItem("2.17"))
    save_file(card, tmp_path / "models.csv")
    assert (tmp_path / "models.csv").read_text() == 'Model,Loss\n"mlp, wide",2.17\n'
    table.item(0, 0).setText("mlp | wide_2")
    save_file(card, tmp_path / "models.md")
    assert (tmp_path / "models.md").read_text().splitlines() == [
        "| Model | Loss |",
        "| --- | --- |",
        "| mlp \\| wide\\_2 | 2.17 |",
    ]


def test_the_report_is_written_as_text(qtbot, tmp_path):
    """From any card in it; while there is none, no text is offered."""
    report = Report(lambda cause: "", lambda settings: "")
    qtbot.addWidget(report)
    assert "txt" not in kinds_of(report)
    diagnosis = Diagnosis("fine", "All that was looked at is in range.", 0.9)
    report.show_diagnosis(diagnosis, True, "")
    save_file(report.verdict, tmp_path / "report.txt")
    assert (tmp_path / "report.txt").read_text() == f"{diagnosis.text()}\n"


def test_the_report_is_written_as_markdown(qtbot, tmp_path):
    """Causes with evidence and fix, then a table of what was checked; names are no markup."""
    report = Report(lambda cause: "", lambda settings: "")
    qtbot.addWidget(report)
    assert "md" not in kinds_of(report)
    cause = Cause(
        "lr_too_high", "Learning rate too high", "net.fc_1", "loss *rose*", "lower it", 0.8
    )
    checks = (Check("nan", "NaN in the loss", True, "none of 500"),)
    report.show_diagnosis(Diagnosis("broken", "It rises.", 0.8, (cause,), checks), True, "")
    save_file(report.findings, tmp_path / "report.md")
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert lines[0] == "# Something is wrong" and lines[2] == "It rises."
    assert "## 1. Learning rate too high (`net.fc_1`)" in lines
    assert "- Evidence: loss \\*rose\\*" in lines and "- Fix: **lower it**" in lines
    assert "| NaN in the loss | passed | none of 500 |" in lines


def test_only_tables_are_written_as_markdown(qtbot, tmp_path):
    """A matrix of counts is read by a person; the hundreds of values of a curve are not."""
    matrix, chart = ConfusionMatrix(), PlotChart("plot", "Loss", "loss")
    for widget in (matrix, chart):
        qtbot.addWidget(widget)
    chart.set_lines([Line("smoothed", x=np.arange(50.0), y=np.linspace(3, 2, 50))])
    assert kinds_of(chart) == ["png", "svg", "csv"]
    counts = np.zeros((10, 10), int)
    counts[7, 2] = 5
    matrix.show_counts(counts)
    save_file(matrix, tmp_path / "confusion.md")
    assert "| 7 | 0 | 0 | 5 | 0 |" in (tmp_path / "confusion.md").read_text()


def test_what_can_not_be_written_is_said(widget, tmp_path):
    """Another suffix and a folder that is a file are refused in a sentence; nothing is left."""
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        save_file(widget, tmp_path / "picture.bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        save_file(widget, tmp_path / "file" / "picture.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_context_menu_offers_them(widget, tmp_path, monkeypatch):
    """Choosing one asks where, writes it, and tells."""
    said = []
    actions = offer_files(widget, "loss", lambda sentence, role: said.append((sentence, role)))
    assert [action.text() for action in actions] == [
        "Save as PNG…",
        "Save as SVG…",
        *(["Save as CSV…"] if isinstance(widget, PlotChart) else []),
    ]
    monkeypatch.setattr(QFileDialog, "exec", lambda self: 1)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(tmp_path / "loss.svg")])
    actions[1].trigger()
    assert (tmp_path / "loss.svg").is_file() and said[0][1] == "muted"
