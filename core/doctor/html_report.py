"""A diagnosis as a page of HTML with charts in SVG, for a notebook.

It takes the notebook's own text colour, so that it is readable on light and on dark, has no script
and loads nothing. All words are escaped: names of variables and layers are a person's own.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from ..numbers import number, percent

if TYPE_CHECKING:
    from .diagnosis import Cause, Diagnosis, Picture, Proof, Series

BLUE, ORANGE, GREEN, VIOLET, RED, GREY = "#3b82f6 #d9730d #1f9d6b #9366f0 #e5484d #808894".split()
"""Each has a contrast of 3 or more to a white and to a dark (#1e1e1e) background."""
VERDICT_COLOURS = {
    "broken": RED,
    "too_small": ORANGE,
    "undertrained": ORANGE,
    "overfitting": ORANGE,
    "unknown": GREY,
}
LINE_COLOURS = (BLUE, VIOLET, ORANGE, GREEN, RED, GREY)
WIDE, HIGH = 560, 200  # pixels of a chart
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 18, 38  # what the axes take of it
ROW = 22  # pixels, of a bar
NAME = 26  # characters of a bar's name; of a longer one, the end
POINTS = 300  # of a line; of more, neighbours are averaged
MUTED = "opacity:.7"


def report(heading: str, diagnosis: "Diagnosis", curves: Iterable["Picture"] = ()) -> str:
    """Return a diagnosis as HTML: the verdict, the causes with their evidence, what was tried.

    Args:
        heading: the verdict in words.
        diagnosis: what the doctor says.
        curves: charts that stand below the verdict.
    """
    colour = VERDICT_COLOURS.get(diagnosis.verdict, GREEN)
    sure = f" &nbsp;{_confidence(diagnosis.confidence)}" if diagnosis.confidence else ""
    evidence = {check.id: check.picture for check in diagnosis.checks if check.passed is False}
    causes = (
        _cause(n, cause, evidence.get(cause.id)) for n, cause in enumerate(diagnosis.causes, 1)
    )
    kind = (
        f"Kind of training: {escape(diagnosis.training_kind)}." if diagnosis.training_kind else ""
    )
    parts = [
        f'<div style="border-left:4px solid {colour};padding:2px 12px;margin:6px 0">',
        f'<div style="font-size:1.15em"><b>{escape(heading)}</b>{sure}</div>',
        f"<div>{escape(diagnosis.sentence)}</div>",
        f'<div style="{MUTED}">{kind}</div></div>',
        _proof(diagnosis.proof),
        *map(_chart, curves),
        _forecast(diagnosis),
        _comparison(diagnosis),
        *causes,
        _experiments(diagnosis),
        _checks(diagnosis),
    ]
    return f'<div style="max-width:760px;line-height:1.45">{"".join(parts)}</div>'


def _confidence(share: float) -> str:
    return f'<span style="{MUTED}">confidence {percent(share)}</span>'


def _forecast(diagnosis: "Diagnosis") -> str:
    """Return the curve ahead, and how it is read; "" where there is no forecast."""
    if diagnosis.forecast is None:
        return ""
    return f"{_chart(diagnosis.forecast.picture)}<div>{escape(diagnosis.forecast.caption)}</div>"


def _cause(place: int, cause: "Cause", picture: "Picture | None") -> str:
    where = f' <span style="{MUTED}">({escape(cause.where)})</span>' if cause.where else ""
    title = f"<b>{place}. {escape(cause.title)}</b>{where}"
    lines = "".join(
        f"<div>{escape(line.place)}: <code>{escape(line.text)}</code></div>"
        for line in cause.lines[:1]
    )
    return (
        f'<div style="margin:12px 0"><div>{title} &nbsp;{_confidence(cause.confidence)}</div>'
        f"{lines}"
        f"<div>Evidence: {escape(cause.evidence)}</div>"
        f"<div>Fix: <b>{escape(cause.fix)}</b></div>"
        f"{_proof(cause.proof)}{_chart(picture) if picture else ''}</div>"
    )


def _proof(proof: "Proof | None") -> str:
    """Return whether a fix was seen to help, with both curves; "" where that was not tried."""
    if proof is None:
        return ""
    colour = {True: GREEN, False: ORANGE, None: GREY}[proof.proved]
    fix = f" ({escape(proof.fix)})" if proof.fix else ""
    return (
        f'<div><b style="color:{colour}">{proof.words}</b>{fix}: {escape(proof.measured)}</div>'
        f"{_chart(proof.picture) if proof.picture else ''}"
    )


def _comparison(diagnosis: "Diagnosis") -> str:
    """Return how networks of other sizes do on the same examples; "" where none was compared."""
    found = diagnosis.comparison
    if found is None or found.picture is None:
        return ""
    return f"{_chart(found.picture)}<div>{escape(found.measured)}</div>"


def _experiments(diagnosis: "Diagnosis") -> str:
    others = (each for each in diagnosis.experiments if each is not diagnosis.comparison)
    done = [each for each in others if each.passed is not None]
    rows = (
        f"<li>{escape(each.title)}: {escape(each.measured)}"
        f"{_chart(each.picture) if each.picture else ''}</li>"
        for each in done
    )
    return _folded(f"Experiments on copies: {len(done)}", rows) if done else ""


def _checks(diagnosis: "Diagnosis") -> str:
    made = []
    for words, result in (("Passed checks", True), ("Not checked", None)):
        checks = [check for check in diagnosis.checks if check.passed is result]
        rows = (
            f"<li>{escape(check.title)}"
            f"{f': {escape(check.measured)}' if check.measured else ''}</li>"
            for check in checks
        )
        if checks:
            made.append(_folded(f"{words}: {len(checks)}", rows))
    return "".join(made)


def _folded(title: str, rows: Iterable[str]) -> str:
    return (
        f'<details style="margin:6px 0"><summary style="cursor:pointer">{escape(title)}</summary>'
        f'<ul style="margin:4px 0">{"".join(rows)}</ul></details>'
    )


def _chart(picture: "Picture") -> str:
    """Return a chart below its title; nothing where there is nothing to draw."""
    drawn = _bars(picture) if picture.kind == "bars" else _lines(picture)
    if not drawn:
        return ""
    legend = "".join(
        f'<span style="margin-right:14px"><span style="color:{colour}">&#9644;</span>'
        f" {escape(series.name)}</span>"
        for series, colour in zip(picture.series, _colours(picture), strict=True)
        if picture.kind != "bars" and series.name
    )
    unit = f" ({picture.y_label})" if picture.kind == "bars" and picture.y_label else ""
    return (
        f'<div style="margin:8px 0"><div style="{MUTED}">{escape(picture.question + unit)}</div>'
        f'<div style="font-size:.85em">{legend}</div>{drawn}</div>'
    )


def _svg(high: float, label: str, body: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" width="{WIDE}"'
        f' style="max-width:100%;height:auto" role="img" aria-label="{escape(label)}"'
        f' font-size="11" fill="currentColor" stroke="none">{"".join(body)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def _lines(picture: "Picture") -> str:
    lines = [_averaged(series, picture.log) for series in picture.series]
    levels = [at for _, at in picture.levels if math.isfinite(at) and (at > 0 or not picture.log)]
    xs = np.concatenate([x for x, _ in lines]) if lines else np.empty(0)
    bands = [_band(series, picture.log) for series in picture.series]
    ys = np.concatenate([*(y for _, y in lines), *bands]) if lines else np.empty(0)
    ys = ys[np.isfinite(ys)]
    if not len(ys):
        return ""
    heights = np.array([*ys, *(map(math.log10, levels) if picture.log else levels)])
    x_from, x_to = _widened(float(xs.min()), float(xs.max()))
    y_from, y_to = _widened(float(heights.min()), float(heights.max()))

    def across(x: float) -> float:
        return LEFT + (x - x_from) / (x_to - x_from) * (WIDE - LEFT - RIGHT)

    def down(y: float) -> float:
        return TOP + (y_to - y) / (y_to - y_from) * (HIGH - TOP - BOTTOM)

    def body() -> Iterator[str]:
        for tick in _ticks(y_from, y_to):
            y = down(tick)
            yield f'<path d="M{LEFT} {y:.1f}H{WIDE - RIGHT}" stroke="currentColor" opacity=".15"/>'
            yield _text(LEFT - 6, y + 4, number(10**tick if picture.log else tick), "end")
        for tick in _ticks(x_from, x_to):
            yield _text(across(tick), HIGH - BOTTOM + 15, number(tick, 6))
        yield _text((LEFT + WIDE - RIGHT) / 2, HIGH - 6, picture.x_label, more=' opacity=".7"')
        if picture.y_label:
            middle = TOP + (HIGH - TOP - BOTTOM) / 2
            turned = f' opacity=".7" transform="rotate(-90 11 {middle:.1f})"'
            yield _text(11, middle, picture.y_label, more=turned)
        for name, at in picture.levels:
            if at in levels:
                y = down(math.log10(at) if picture.log else at)
                yield (
                    f'<path d="M{LEFT} {y:.1f}H{WIDE - RIGHT}" stroke="currentColor"'
                    ' stroke-dasharray="4 3" opacity=".6"/>'
                )
                yield _text(WIDE - RIGHT, y - 4, f"{name} {number(at)}", "end")
        rows = zip(picture.series, lines, bands, _colours(picture), strict=True)
        for series, points, band, colour in rows:
            if len(band):
                there = (*series.x, *reversed(series.x))
                path = _path([(across(x), down(y)) for x, y in zip(there, band, strict=True)])
                yield f'<path d="{path}Z" fill="{colour}" opacity=".25"/>'
            path = _path([(across(x), down(y)) for x, y in zip(*points, strict=True)])
            dash = ' stroke-dasharray="6 3"' if len(band) else ""
            yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'

    return _svg(HIGH, picture.question, body())


def _bars(picture: "Picture") -> str:
    if not picture.series:
        return ""
    bars = list(zip(picture.names, picture.series[0].y, strict=False))
    sizes = [abs(value) for _, value in bars if math.isfinite(value) and value]
    if not sizes:
        return ""
    least, most = min(sizes), max(sizes)

    def share(value: float) -> float:
        if not math.isfinite(value) or not value:
            return 0.0
        if picture.log and most > least:
            return 0.05 + 0.95 * math.log(abs(value) / least) / math.log(most / least)
        return abs(value) / most

    def body() -> Iterator[str]:
        begin, room = 170, WIDE - 170 - 80
        for place, (name, value) in enumerate(bars):
            y = place * ROW
            short = name if len(name) <= NAME else f"…{name[1 - NAME :]}"
            yield f"<g><title>{escape(name)}</title>{_text(begin - 8, y + 15, short, 'end')}</g>"
            long = share(value) * room
            yield f'<rect x="{begin}" y="{y + 4}" width="{long:.1f}" height="14" fill="{BLUE}"/>'
            yield _text(begin + long + 6, y + 15, number(value), "start")

    return _svg(len(bars) * ROW + 4, picture.question, body())


def _colours(picture: "Picture") -> list[str]:
    """Return a colour for each line; a forecast has that of the curve from which it goes on."""
    colours, found = cycle(LINE_COLOURS), list[str]()
    for series in picture.series:
        found.append(found[-1] if series.low and found else next(colours))
    return found


def _band(series: "Series", log: bool) -> np.ndarray:
    """Return the heights around a line's band, there and back; empty for none."""
    band = np.array([*series.low, *reversed(series.high)], float)
    return np.log10(np.where(band > 0, band, np.nan)) if log else band


def _averaged(series: "Series", log: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a line's points, few enough for a page; NaN where there is a gap."""
    x, y = np.array(series.x, float), np.array(series.y, float)
    if log:
        y = np.log10(np.where(y > 0, y, np.nan))
    y[~np.isfinite(y)] = np.nan
    stride = -(-max(1, len(x)) // POINTS)
    if stride > 1:
        whole = len(x) // stride * stride
        x, y = (values[:whole].reshape(-1, stride).mean(1) for values in (x, y))
    return x, y


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a line through points; it is broken where there is none."""
    made, drawing = [], False
    for x, y in points:
        if math.isfinite(y):
            made.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = math.isfinite(y)
    return "".join(made)


def _widened(low: float, high: float) -> tuple[float, float]:
    size = max(abs(low), abs(high))
    room = max(0.5, 1e-6 * size)  # a half is lost in the rounding of huge losses
    return (low, high) if high - low > 1e-12 * size else (low - room, high + room)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers within a range, about four of them."""
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
