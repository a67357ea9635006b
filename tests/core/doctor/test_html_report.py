"""The report in a notebook: what it says, that it is escaped, and that a real kernel shows it."""

import dataclasses
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from core.doctor.diagnosis import (
    COMPARISON,
    Cause,
    Check,
    Diagnosis,
    Experiment,
    Forecast,
    Picture,
    Series,
)
from core.doctor.html_report import POINTS, report
from tests.core.test_cli import ROOT

NASTY = "layers['<script>alert(1)</script>'] & \"others\""
BARS = Picture("Saturated", "bars", (Series("", (0, 1), (0.9, 0.0)),), (NASTY, "tanh"), log=True)
LINES = Picture(
    "Loss",
    "lines",
    (
        Series(NASTY, tuple(range(1000)), tuple(10.0 / (1 + i) for i in range(1000))),
        Series("validation", (0, 500, 999), (3.0, float("nan"), 1.0)),
    ),
    y_label="nats",
    levels=((NASTY, 3.3),),
)
DIAGNOSIS = Diagnosis(
    "broken",
    NASTY,
    0.8,
    causes=(Cause("a", NASTY, NASTY, NASTY, NASTY, 0.9),),
    checks=(
        Check("a", "saturated units", False, picture=BARS),
        Check("b", NASTY, True, NASTY),
        Check("c", "context length", None, "no sequence"),
    ),
    experiments=(Experiment("e", "overfit one batch", NASTY, "", True, picture=LINES),),
)
NOTEBOOK = """
import sys, nbformat, nbclient
code = '''
import torch
from glassbox import watch
w = torch.zeros(3, requires_grad=True)
with watch(record=False, budget=0.1) as seen:
    for step in range(80):
        loss = ((w - 2) ** 2).mean()
        w.grad = None
        loss.backward()
        w.data -= 0.1 * w.grad
        seen.step(loss)
'''
cells = [nbformat.v4.new_code_cell(source) for source in (code, "seen.diagnosis")]
book = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(book, timeout=None, kernel_name="python3").execute()
print(nbformat.writes(book))
"""


def parsed(html):
    """The report as a tree, which it is only if all of it is closed and escaped."""
    return ElementTree.fromstring(html.replace("&nbsp;", " "))


def test_the_comparison_with_other_sizes_stands_open_below_the_verdict():
    """It answers the user's question; other experiments are folded."""
    compared = Experiment(
        COMPARISON, "other sizes", "yours 2.5, larger 1.9", "", False, picture=BARS
    )
    diagnosis = dataclasses.replace(DIAGNOSIS, experiments=(*DIAGNOSIS.experiments, compared))
    html = report("Too small.", diagnosis)
    assert html.index("yours 2.5, larger 1.9") < html.index("<details")
    assert "Experiments on copies: 1" in html and html.count("yours 2.5, larger 1.9") == 1


def test_it_says_verdict_causes_evidence_experiments_and_checks():
    """With a chart of the evidence of a cause, and of an experiment."""
    tree = parsed(report("Something is wrong.", DIAGNOSIS, [LINES]))
    words = "".join(tree.itertext())
    for part in ("Something is wrong.", "confidence 80 %", "confidence 90 %", "overfit one batch"):
        assert part in words
    for part in ("Passed checks: 1", "Not checked: 1", "context length: no sequence", "nats"):
        assert part in words
    assert len(tree.findall(".//{*}svg")) == 3
    assert "<svg" in DIAGNOSIS._repr_html_()


def test_a_forecast_is_a_dashed_line_in_its_band():
    """It has the colour of the curve that it goes on from, and a sentence on how it is read."""
    lines = (
        Series("validation", (0, 100), (3.0, 2.0)),
        Series("forecast", (100, 200), (2.0, 1.5), (1.9, 1.2), (2.1, 1.9)),
    )
    ahead = Forecast(
        200, 1.5, 1.2, 1.9, "validation", 2.0, 0.9, Picture("Forecast", "lines", lines)
    )
    page = report("Undertrained", Diagnosis("undertrained", "It falls.", 0.8, forecast=ahead))
    paths = parsed(page).findall(".//{*}path")
    (band,) = [path for path in paths if path.get("d").endswith("Z")]
    (line,) = [path for path in paths if path.get("stroke-dasharray") == "6 3"]
    assert band.get("fill") == line.get("stroke") and band.get("d").count("L") == 3
    assert (
        ahead.caption in page and "between 1.20 and 1.90" in ahead.words and "1.50" in ahead.words
    )


def test_a_persons_own_words_are_escaped():
    """Names of variables and layers, wherever they stand."""
    html = report("", DIAGNOSIS, [LINES])
    assert "<script" not in html
    assert "".join(parsed(html).itertext()).count(NASTY) > 8


def test_it_is_readable_on_light_and_dark():
    """Text and axes have the notebook's colour; there is no background of its own."""
    html = report("", DIAGNOSIS, [LINES])
    assert "currentColor" in html and "background" not in html and 'fill="black"' not in html


def test_a_long_curve_is_averaged_and_a_gap_stays_a_gap():
    """A page of a notebook stays small; NaN is drawn as nothing."""
    tree = parsed(report("", Diagnosis("fine", "", 0.0), [LINES]))
    paths = [p.get("d") for p in tree.iterfind(".//{*}path") if p.get("stroke-width")]
    assert len(paths) == 2 and paths[0].count("L") < POINTS
    assert paths[1].count("M") == 2 and "nan" not in "".join(paths)


@pytest.mark.parametrize("values", [(), (float("nan"),), (float("inf"),), (2.0,), (2.0, 2.0)])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", ["lines", "bars"])
def test_a_chart_of_little_is_drawn_or_left_out(values, log, kind):
    """No value, no finite one, one, or always the same."""
    series = (Series("x", tuple(range(len(values))), values),)
    picture = Picture("q", kind, series, tuple("ab"[: len(values)]), log=log)
    tree = parsed(report("", Diagnosis("fine", "", 0.0), [picture]))
    assert len(tree.findall(".//{*}svg")) == (2.0 in values)


def test_a_notebook_shows_it():
    """In a real kernel: at the end of the loop, and wherever the diagnosis is the last line."""
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    loop, last = (cell["outputs"] for cell in json.loads(done.stdout)["cells"])
    (shown,) = loop  # and nothing is printed besides
    assert shown["output_type"] == "display_data" and "text/plain" in shown["data"]
    assert "<svg" in "".join(shown["data"]["text/html"])
    assert "text/html" in last[0]["data"]
