"""Digits as many hands draw them, as strokes of a pen.

They are synthetic: the styles below were made up by hand, from how people are known to write, and
chance distorts them. No network was ever trained on them. Still they flatter: ways to train were
compared on them, and the augmentation ``pen`` adds some of the same habits to MNIST's digits. They
stand in for a set of digits that real people drew, and say less than such a set would: a habit that
is missing here isn't measured.
"""

import math
from collections.abc import Iterator

import numpy as np

Stroke = list[tuple[float, float]]

# How each style goes, in hundredths of a box, y downwards; a bar lifts the pen.
#   20,95               go straight to x 20, y 95
#   50,25~30,25@-90:80  go along an ellipse: centre, radii, and from which angle to which in
#                       degrees, 0 to the right, 90 down
STYLES = {
    0: {
        "plain": "50,50~32,50@-90:-450",
        "round": "50,50~46,50@-100:-455",
        "open": "50,50~32,50@-75:-405",
        "overlapping": "50,50~30,50@-60:-460 62,12",
        "slashed": "50,50~32,50@-90:-450 | 78,8 22,92",
        "slashed beyond": "50,50~32,50@-90:-450 | 92,-2 8,102",
    },
    1: {
        "bar": "50,0 50,100",
        "slanted bar": "65,0 35,100",
        "flag": "30,25 52,0 52,100",
        "long flag": "15,42 55,0 55,100",
        "foot": "50,0 50,100 | 25,100 75,100",
        "flag and foot": "30,22 50,0 50,100 | 22,100 78,100",
    },
    2: {
        "angular": "50,28~32,28@-170:30 20,100 85,100",
        "round": "50,27~30,27@-180:20 70,50 45,78 18,100 50,98 85,100",
        "looped": "50,28~30,28@-165:40 50,75 30,95 27,87~12,11@60:330 55,95 75,100 90,90",
        "like a z": "20,12 45,0 75,8 75,30 20,98 85,98",
        "swan": "50,25~27,25@-190:30 60,60 35,85 20,95 40,88 60,97 80,100 90,92",
    },
    3: {
        "round": "48,25~28,25@-160:80 48,74~32,26@-80:160",
        "deep notch": "50,24~28,24@-170:110 50,75~30,25@-110:170",
        "looped": "48,25~27,24@-165:75 46,50~7,5@60:300 48,75~32,25@-75:165",
        "flat top": "20,0 78,0 45,40 46,70~32,30@-75:155",
        "pointed": "20,6 60,0 78,20 42,47 80,65 72,92 40,100 18,92",
    },
    4: {
        "open": "25,0 18,58 85,58 | 68,10 68,100",
        "short stem": "30,2 20,55 85,52 | 65,30 60,100",
        "u": "20,0 20,35 30,52 50,55 68,45 74,30 | 76,0 74,100",
        "closed": "62,100 62,0 15,65 88,65",
        "closed in two": "60,0 12,65 90,65 | 62,2 62,100",
        "one stroke": "25,2 20,50 45,58 72,48 75,5 72,50 68,100",
    },
    5: {
        "one stroke": "78,0 28,0 24,42 48,70~32,30@-140:150",
        "two strokes": "30,2 26,42 46,70~32,30@-135:150 | 30,2 82,2",
        "loose roof": "28,8 25,45 46,71~31,29@-130:145 | 36,3 85,0",
        "angular": "80,0 25,0 22,45 65,42 80,65 68,95 20,100",
        "like an s": "75,4 50,0 30,10 25,32 45,46 70,58 75,80 55,98 22,96",
    },
    6: {
        "curved": "70,2 45,15 26,42 50,72~28,28@180:-180",
        "straight": "55,0 22,65 50,72~29,28@190:-170",
        "hooked": "56,30~30,30@-50:-140 24,50 50,72~27,28@180:-150",
        "open": "68,2 40,20 24,55 50,72~27,28@170:-120",
        "small loop": "60,0 35,30 24,68 32,95 55,100 70,85 62,68 42,66 27,78",
    },
    7: {
        "plain": "18,2 82,2 40,100",
        "curved": "15,8 40,2 82,4 62,35 50,65 47,100",
        "hooked": "18,20 20,2 82,2 45,100",
        "barred": "18,2 82,2 40,100 | 35,52 82,50",
        "wide bar": "15,5 80,0 42,100 | 25,48 90,48",
        "hooked and barred": "15,20 20,3 82,0 50,50 42,100 | 33,55 80,50",
    },
    8: {
        "one stroke": "50,25~26,25@-45:-270 50,75~30,25@-90:270 50,25~26,25@90:-45",
        "two circles": "50,24~25,24@90:-270 | 50,74~30,26@-90:270",
        "fat circles": "50,24~34,24@70:-290 | 50,74~38,26@-110:250",
        "angular": "75,10 40,0 24,20 72,70 65,95 35,100 22,78 75,25 70,6",
        "open": "78,5 45,0 26,18 40,42 68,62 74,84 50,100 25,84 35,60 62,40 72,18",
    },
    9: {
        "round tail": "50,28~28,28@-10:-365 78,30 76,70 60,95 30,98",
        "hooked tail": "50,26~27,26@-15:-362 77,60 70,90 50,100 30,94 25,82",
        "straight": "48,28~28,28@-20:-360 76,30 72,100",
        "slanted": "50,27~28,27@-20:-365 50,100",
        "two strokes": "46,27~27,27@0:-360 | 74,2 74,100",
        "open": "70,8 50,0 26,18 28,42 50,50 70,38 74,8 74,50 70,100",
    },
}


def digits(count: int, seed: int) -> Iterator[tuple[int, str, list[Stroke]]]:
    """Yield digits of all labels and styles in turn, each drawn by another hand.

    Args:
        count: how many.
        seed: the same seed draws the same digits.

    Yields:
        The label, the name of the style, and the strokes, whose points (x, y) are shares of the
        canvas, 0 to 1, y downwards.
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        turn, label = divmod(index, len(STYLES))
        style = list(STYLES[label])[turn % len(STYLES[label])]
        strokes = _sampled(STYLES[label][style], rng)
        strokes = _bent(_trembling(strokes, rng), rng)
        strokes = _placed(_leaning(_proportioned(strokes, label, rng), rng), rng)
        yield label, style, [[(float(x), float(y)) for x, y in points] for points in strokes]


def _sampled(path: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a style's strokes, (N, 2) each, with as many points as a quick or slow pen leaves."""
    strokes = path.split("|")
    lines = [_line(stroke) for stroke in strokes]
    lengths = [_way(line)[-1] for line in lines]
    density = rng.integers(8, 31) / sum(lengths)
    return [
        _curve(line, density) if "~" in stroke else _polygon(line, density)
        for stroke, line in zip(strokes, lines, strict=True)
    ]


def _line(stroke: str) -> np.ndarray:
    """Return the points (N, 2) that a stroke's words name."""
    return np.concatenate([_arc(word) if "~" in word else [_pair(word)] for word in stroke.split()])


def _arc(word: str) -> np.ndarray:
    """Return the points (N, 2) of an ellipse, at most 15 degrees apart."""
    ellipse, angles = word.split("@")
    centre, radii = (_pair(pair) for pair in ellipse.split("~"))
    begin, end = (float(angle) for angle in angles.split(":"))
    turn = np.radians(np.linspace(begin, end, 1 + math.ceil(abs(end - begin) / 15)))
    return centre + radii * np.column_stack([np.cos(turn), np.sin(turn)])


def _pair(word: str) -> np.ndarray:
    return np.array([float(number) for number in word.split(",")]) / 100


def _way(line: np.ndarray) -> np.ndarray:
    """Return how far along a line each of its points lies."""
    return np.append(0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))


def _curve(line: np.ndarray, density: float) -> np.ndarray:
    """Return points equally far apart along a line."""
    way = _way(line)
    return _along(line, way, np.linspace(0, way[-1], max(7, round(density * way[-1]))))


def _polygon(line: np.ndarray, density: float) -> np.ndarray:
    """Return as many points on each side, and every corner: the hand stops there."""
    sides = len(line) - 1
    per_side = max(1, round(density * _way(line)[-1] / sides))
    return _along(line, np.arange(sides + 1), np.linspace(0, sides, sides * per_side + 1))


def _along(line: np.ndarray, way: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.column_stack([np.interp(at, way, axis) for axis in line.T])


def _trembling(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Set each stroke a little beside its place, and each point of it."""
    tremor = rng.uniform(0.004, 0.022)
    return [s + rng.normal(0, 0.018, 2) + rng.normal(0, tremor, s.shape) for s in strokes]


def _bent(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Bend the paper in slow waves, across each axis and along it."""
    across, along = rng.uniform(0, 0.035, (2, 2))
    here, there = rng.uniform(0, 2 * math.pi, (2, 2))
    return [
        s + across * np.sin(6 * s[:, ::-1] + here) + along * np.sin(9 * s + there) for s in strokes
    ]


def _proportioned(
    strokes: list[np.ndarray], label: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Make the digit slim or broad; a 1 keeps the width of its style, more or less."""
    aspect = math.exp(rng.uniform(math.log(0.5), math.log(1.3)))
    width, height = np.ptp(np.concatenate(strokes), axis=0)
    now = 0.8 if label == 1 else width / height
    return [s * (aspect / now, 1) for s in strokes]


def _leaning(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Slant the digit, mostly to the right, and turn it."""
    slant, turn = rng.uniform(-0.1, 0.3), math.radians(rng.uniform(-10, 10))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return [s @ (rotation @ [[1, -slant], [0, 1]]).T for s in strokes]


def _placed(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Put the digit somewhere on the canvas, small or large: its pen is fat or thin then."""
    low, box = np.min(np.concatenate(strokes), axis=0), np.ptp(np.concatenate(strokes), axis=0)
    scale = rng.uniform(0.35, 0.85) / max(box)
    corner = rng.uniform(0.06, 0.94 - scale * box)
    return [corner + scale * (s - low) for s in strokes]
