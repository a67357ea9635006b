"""What stands in for matplotlib, which Glassbox does not need: its figures are red rectangles."""

PYPLOT = """
from . import figure as made

OPEN = {}


def figure(num=None, size=(6.4, 4.8)):
    number = num or len(OPEN) + 1
    return OPEN.setdefault(number, made.Figure(size))


def get_fignums():
    return sorted(OPEN)


def close(which):
    OPEN.clear()


def switch_backend(newbackend):
    if newbackend != "agg":
        raise ImportError(f"{newbackend} needs a screen")


def show(*, block=None):
    raise SystemExit("it would wait for ever")
"""
FIGURE = """
class Figure:
    dpi = 100.0

    def __init__(self, size):
        self.size = size

    def get_size_inches(self):
        return self.size

    def savefig(self, file, *, format, dpi, bbox_inches):
        from PIL import Image

        wide, high = (round(dpi * side) for side in self.size)
        Image.new("RGB", (wide, high), "red").save(file, format)
"""


def stand_in(folder, monkeypatch):
    """Let programs that are started import it."""
    package = folder / "plots" / "matplotlib"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "figure.py").write_text(FIGURE)
    (package / "pyplot.py").write_text(PYPLOT)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
