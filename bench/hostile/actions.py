"""Random actions on the real window: every page, hostile files and texts, training now and then.

Each seed has a process of its own, which may end as it likes; its errors, Qt's warnings, stalls
with their stack, and what is left at the end are counted.
"""

import argparse
import faulthandler
import gc
import json
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, deque
from pathlib import Path
from typing import Any

import shiboken6
from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QThread,
    QTimer,
    QUrl,
    qInstallMessageHandler,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

from bench.hostile._odd_files import odd_files
from bench.rows import row, show
from core.paths import ROOT
from core.training.memory import resident
from core.training.recipe import Recipe
from gui import app as program
from gui.session_state import State
from gui.stall_watch import Stall, StallWatch
from gui.tour import Guide
from gui.training_page import TrainingPage
from gui.window import MainWindow

LAST, TRAIL = 12, "trail.txt"
"""Actions that are told with whatever went wrong, and the file that has them after a crash."""
STALL = 1.0  # seconds that the window may stand still
LEFT = Qt.MouseButton.LeftButton
KEYS = [
    Qt.Key.Key_Tab,
    Qt.Key.Key_Return,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Space,
    Qt.Key.Key_Delete,
    Qt.Key.Key_Backspace,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_F1,
]
CONTROLLED = "123456789EPZYACVXFS/"
TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "7",
    "1e9",
    "1e-300",
    "nan",
    "inf",
    "10" * 40,
    "<b onclick=x>bold</b><img src='/etc/passwd'>",
    "%s%n{0}{}",
    "../../../etc/passwd",
    "\u202eevil\u202c",
    "\U0001f600" * 20,
    "a\u0301" * 50,
    "\x00\x01\x07",
    "emma",
    "First Citizen:\n",
    "\n" * 200,
    "x" * 5_000,
    "word " * 4_000,
    "(a*b + c).tanh()",
    "((((((((" * 30,
    "__import__('os').system('true')",
    "1, 2, 3; 4, 5",
]
NOT_OURS = ("This plugin does not support", "Keyboard event not accepted by receiving widget")
"""Beginnings of warnings of the offscreen platform, and of the test module that types."""
STARTS = ("train", "examine", "range", "compare", "pair", "case", "resume", "run")
"""Beginnings of the names of buttons that begin something long."""


class Actions:
    """Hands that do anything.

    Args:
        seed: of everything.
        folder: for settings, and files that are opened and written.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.files = odd_files(folder / "files", seed)
        self.trail: deque[str] = deque(maxlen=LAST)
        self.problems: dict[str, list[str]] = {}
        """What went wrong, each once, by its kind."""
        self.counts: Counter[str] = Counter()
        self.stalls: list[Stall] = []
        self.window: MainWindow
        self._dialogs = QTimer()
        self._dialogs.timeout.connect(self._answer)
        self._deep = 0
        self._choices = [
            (self._press, 8),
            (self._type, 5),
            (self._key, 6),
            (self._turn, 5),
            (self._drag, 4),
            (self._wheel, 3),
            (self._tab, 3),
            (self._pick, 3),
            (self._menu, 2),
            (self._theme, 1),
            (self._resize, 1),
            (self._drop, 2),
            (self._paste, 1),
            (self._train, 1),
            (self._stop, 1),
            (self._palette, 1),
            (self._rest, 2),
        ]

    def note(self, kind: str, what: str) -> None:
        """Keep something that went wrong."""
        self.counts[kind] += 1
        known = self.problems.setdefault(kind, [])
        if len(known) < 30 and not any(what == one.partition("\nafter ")[0] for one in known):
            known.append(f"{what}\nafter {' | '.join(self.trail)}")
            if kind not in ("stall", "short stall"):
                print(f"{kind}: {known[-1]}", file=sys.stderr, flush=True)

    def listen(self) -> None:
        """Hear of every error and warning from now on."""
        sys.excepthook = lambda kind, error, where: self.note(
            "exception", "".join(traceback.format_exception(kind, error, where)[-6:])
        )
        threading.excepthook = lambda args: self.note("exception", f"in a thread: {args}")
        qInstallMessageHandler(self._hear)
        logging.getLogger("glassbox").addHandler(_Listener(self))
        QDesktopServices.openUrl = lambda url: True  # no browser

    def _hear(self, kind: object, context: object, words: str) -> None:
        if not words.startswith(NOT_OURS):
            self.note("Qt warning", words)

    def open(self) -> None:
        """Open the window as a start of the program does, with what the last one kept."""
        _, self.window = program.build(["--theme", "light"])
        self._dialogs.start(30)

    def close(self) -> float:
        """Close it; return the seconds that took."""
        begin = time.monotonic()
        for dialog in QApplication.topLevelWidgets():
            if dialog is not self.window and dialog.isVisible():
                dialog.close()
        self.window.close()
        self.window.deleteLater()
        QApplication.processEvents()
        self._dialogs.stop()
        return time.monotonic() - begin

    def play(self, count: int, watch_every: int = 500) -> list[float]:
        """Do so many actions; return the memory after each ``watch_every`` of them, in bytes."""
        sizes = []
        acts, weights = zip(*self._choices, strict=True)
        for at in range(count):
            act = self.random.choices(acts, weights)[0]
            try:
                act()
            except Exception:  # a slot that was called from here, and not by Qt
                self.note("exception", traceback.format_exc(limit=-6))
            Guide.rest(self.random.choice((0, 0, 1, 5, 20)))
            if not self.window.isVisible():
                self.close()
                self.open()
            elif self.random.random() < 1 / 700:
                self._reopen()
            if at % watch_every == watch_every - 1:
                gc.collect()
                sizes.append(resident())
                print(
                    f"{at + 1} actions, {sizes[-1] / 1e6:.0f} MB, {dict(self.counts)}",
                    file=sys.stderr,
                    flush=True,
                )
        return sizes

    def _reopen(self) -> None:
        self.trail.append("close and open")
        seconds = self.close()
        if seconds > 2.0:
            self.note("slow closing", f"{seconds:.1f} s")
        self.open()

    def _do(self, what: str, widget: QWidget | None = None) -> None:
        name = f" {type(widget).__name__} {widget.objectName()}" if widget is not None else ""
        self.trail.append(f"{what}{name}")
        (self.folder / TRAIL).write_text(" | ".join(self.trail))

    def _top(self) -> QWidget:
        tops = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
        dialogs = [w for w in tops if w.isWindow() and w is not self.window]
        if dialogs and self.random.random() < 0.3:
            return self.random.choice(dialogs)
        return self.window

    def _one(self, *kinds: type[QWidget]) -> Any:
        """Return something of a kind that is seen and can be used; None for nothing."""
        top = self._top()
        found = [
            widget
            for kind in kinds
            for widget in top.findChildren(kind)
            if widget.isVisible() and widget.isEnabled() and not widget.rect().isEmpty()
        ]
        return self.random.choice(found) if found else None

    def _place(self, widget: QWidget) -> QPoint:
        return QPoint(
            self.random.randrange(max(1, widget.width())),
            self.random.randrange(max(1, widget.height())),
        )

    def _press(self) -> None:
        if (button := self._one(QAbstractButton)) is None:
            return
        if button.objectName().lower().startswith(STARTS):
            self._make_small()
        self._do("press", button)
        QTest.mouseClick(button, LEFT)

    def _make_small(self) -> None:
        """Whatever was set, train something small: its size is another attack's."""
        for page in self.window.pages.values():
            if isinstance(page, TrainingPage) and page.session.state is State.READY:
                page.session.recipe = quick_recipe(page, self.random)

    def _type(self) -> None:
        field = self._one(QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
        if field is None:
            return
        text = self.random.choice(TEXTS)
        self._do(f"type {text[:20]!r}", field)
        field.setFocus()
        if self.random.random() < 0.6:
            QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        for letter in text[:60]:
            if not alive(field):
                return
            key = Qt.Key.Key_Return if letter == "\n" else Qt.Key.Key_unknown
            nothing = Qt.KeyboardModifier.NoModifier
            # QTest.keyClicks aborts at letters that are not ASCII.
            QApplication.sendEvent(field, QKeyEvent(QEvent.Type.KeyPress, key, nothing, letter))
        if alive(field) and self.random.random() < 0.5:
            QTest.keyClick(field, Qt.Key.Key_Return)

    def _paste(self) -> None:
        field = self._one(QLineEdit, QPlainTextEdit, QTextEdit)
        if field is None:
            return
        text = self.random.choice([*TEXTS, "long " * 40_000, "x" * 200_000])
        self._do(f"paste {len(text)} letters", field)
        QApplication.clipboard().setText(text)
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)

    def _key(self) -> None:
        widget = QApplication.focusWidget() or self.window
        if self.random.random() < 0.25:
            key = Qt.Key(ord(self.random.choice(CONTROLLED)))
            self._do(f"Ctrl+{chr(key.value)}", widget)
            QTest.keyClick(widget, key, Qt.KeyboardModifier.ControlModifier)
        else:
            key = self.random.choice(KEYS)
            self._do(f"{key.name}", widget)
            QTest.keyClick(widget, key)

    def _turn(self) -> None:
        name = self.random.choice(list(self.window.pages))
        self._do(f"turn to {name}")
        self.window.show_page(name)

    def _drag(self) -> None:
        if (widget := self._one(QWidget)) is None or isinstance(widget, QAbstractButton):
            return
        self._do("drag over", widget)
        QTest.mousePress(widget, LEFT, pos=self._place(widget))
        for _ in range(self.random.randrange(6)):
            if not alive(widget):
                return
            QTest.mouseMove(widget, self._place(widget))
        if alive(widget):
            QTest.mouseRelease(widget, LEFT, pos=self._place(widget))
        if alive(widget) and self.random.random() < 0.3:
            QTest.mouseDClick(widget, LEFT, pos=self._place(widget))

    def _wheel(self) -> None:
        window = self.window.windowHandle()
        place = QPointF(self._place(self.window))
        self._do(f"wheel at {place.toTuple()}")
        QTest.wheelEvent(window, place, QPoint(0, self.random.choice((-720, -120, 120, 720))))

    def _tab(self) -> None:
        bar = self._one(QTabBar)
        if bar is not None and bar.count():
            index = self.random.randrange(bar.count())
            self._do(f"tab {index}", bar)
            QTest.mouseClick(bar, LEFT, pos=bar.tabRect(index).center())

    def _pick(self) -> None:
        widget = self._one(QComboBox, QAbstractItemView, QAbstractSlider)
        if widget is None:
            return
        self._do("pick in", widget)
        if isinstance(widget, QAbstractItemView):
            QTest.mouseClick(widget.viewport(), LEFT, pos=self._place(widget.viewport()))
            return
        widget.setFocus()
        for _ in range(self.random.randrange(1, 8)):
            if alive(widget):
                QTest.keyClick(widget, self.random.choice((Qt.Key.Key_Down, Qt.Key.Key_Up)))

    def _menu(self) -> None:
        place = self._place(self.window)
        target = self.window.childAt(place) or self.window
        self._do("context menu of", target)
        at = target.mapFrom(self.window, place) if target is not self.window else place
        reason = QContextMenuEvent.Reason.Mouse
        event = QContextMenuEvent(reason, at, self.window.mapToGlobal(place))
        QApplication.sendEvent(target, event)

    def _theme(self) -> None:
        self._do("theme")
        self.window.switch_theme()

    def _resize(self) -> None:
        wide, high = self.random.randrange(400, 2200), self.random.randrange(300, 1300)
        self._do(f"resize to {wide} x {high}")
        self.window.resize(wide, high)

    def _drop(self) -> None:
        path = self.random.choice(self.files)
        self._do(f"drop {path.name}")
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        action, buttons, keys = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
        place = self._place(self.window)
        enter = QDragEnterEvent(place, action, mime, buttons, keys)
        target = self.random.choice((self.window, self.window.childAt(place) or self.window))
        QApplication.sendEvent(target, enter)
        if enter.isAccepted():
            QApplication.sendEvent(target, QDropEvent(QPointF(place), action, mime, buttons, keys))

    def _train(self) -> None:
        page = self.window.page
        if isinstance(page, TrainingPage) and page.session.state is State.READY:
            self._make_small()
            page.run_bar.transport.length.setValue(3)
            self._do("train", page)
            page.run_bar.transport.train.click()

    def _stop(self) -> None:
        page = self.window.page
        if isinstance(page, TrainingPage) and page.session.state.running:
            self._do("stop", page)
            page.run_bar.transport.stop.click()

    def _palette(self) -> None:
        self._do("palette")
        self.window.commands.open_palette()

    def _rest(self) -> None:
        self._do("rest")
        Guide.rest(self.random.randrange(200))

    def _answer(self) -> None:
        """Answer whatever dialog or menu stands in front of the window."""
        if self._deep or self.random.random() < 0.3:
            return
        self._deep += 1
        try:
            self._answer_one()
        except RuntimeError as error:  # it went meanwhile
            if "already deleted" not in str(error):
                raise
        finally:
            self._deep -= 1

    def _answer_one(self) -> None:
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            keys = [Qt.Key.Key_Down] * self.random.randrange(4)
            for key in [*keys, self.random.choice((Qt.Key.Key_Return, Qt.Key.Key_Escape))]:
                if not alive(popup):
                    return
                if isinstance(popup, QMenu):
                    self._do(f"menu {key.name}", popup)
                # A nested event loop may begin in it: let another turn answer that.
                QTimer.singleShot(0, popup, lambda key=key: QTest.keyClick(popup, key))
        elif isinstance(modal, QFileDialog):
            self._answer_file(modal)
        elif isinstance(modal, QMessageBox):
            button = self.random.choice([*modal.buttons(), None])
            self._do("answer", button or modal)
            QTimer.singleShot(0, modal, button.click if button else modal.reject)
        elif modal is not None and self.random.random() < 0.1:
            self._do("close", modal)
            QTimer.singleShot(0, modal, modal.close)

    def _answer_file(self, dialog: QFileDialog) -> None:
        if self.random.random() < 0.2:
            QTimer.singleShot(0, dialog, dialog.reject)
            return
        if dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave:
            path = self.folder / "out" / f"{self.random.randrange(5)}.{dialog.defaultSuffix()}"
        elif dialog.fileMode() is QFileDialog.FileMode.Directory:
            path = self.folder / "out"
        else:
            path = self.random.choice(self.files)
        self._do(f"choose {path.name}", dialog)
        dialog.setDirectory(str(path.parent))
        dialog.selectFile(str(path))
        QTimer.singleShot(0, dialog, dialog.accept)


class _Listener(logging.Handler):
    def __init__(self, actions: Actions) -> None:
        super().__init__(logging.ERROR)
        self._actions = actions

    def emit(self, record: logging.LogRecord) -> None:
        self._actions.note("exception", self.format(record)[-1500:])


def alive(widget: QWidget) -> bool:
    """Whether Qt still has a widget."""
    return shiboken6.isValid(widget) and widget.isVisible()


def quick_recipe(page: TrainingPage, chance: random.Random) -> Recipe:
    """Return a recipe that learns something in a second, now and then one that fails."""
    recipe, small = page.session.recipe, type(page.session.recipe)()
    values: dict[str, Any] = {"batch_size": 32, "steps": chance.choice((5, 40, 300))}
    for key, size in {"hidden": (16,), "width": 16, "layers": 1, "context": 8, "heads": 2}.items():
        if key in recipe.settings():
            values[key] = size
    values["lr"] = chance.choice((1e-3, 1e-2, 100.0))
    try:
        return small.replace(values)
    except Exception:  # this model does not go with these
        return recipe


def ours(stack: str) -> str:
    """Return what a stack says of the program, and where it was in the end."""
    places = stack.split("\n  File ")
    kept = [place for place in places[:-4] if f"{ROOT}/core" in place or f"{ROOT}/gui" in place]
    return "\n  File ".join([*kept, *places[-4:]])


def handles() -> Counter[str]:
    """Return which files, pipes and sockets this process has open."""
    found: Counter[str] = Counter()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found[re.sub(r"\d+", "N", str(link.readlink()))] += 1
        except OSError:  # the one that lists them
            continue
    return found


def play(count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Do the actions of one seed in this process; return what was found."""
    actions = Actions(seed, folder)
    (folder / "out").mkdir()
    actions.listen()
    actions.open()
    Guide.rest(3000)
    actions.close()
    before = handles(), set(threading.enumerate())
    actions.open()

    def tell(stall: Stall) -> None:
        actions.stalls.append(stall)
        kind = "stall" if stall.seconds > STALL else "short stall"
        actions.note(kind, f"{stall.seconds:.2f} s, busy {stall.busy:.2f} s\n{ours(stall.stack)}")

    watch = StallWatch(tell)
    begin = time.monotonic()
    sizes = actions.play(count)
    watch.end()
    seconds = time.monotonic() - begin
    closing = actions.close()
    for _ in range(20):
        Guide.rest(50)
    gc.collect()
    left = [
        t.name
        for t in threading.enumerate()
        if t not in before[1] and not t.name.startswith("Dummy")
    ]
    left += ["a QThread" for t in living(QThread) if shiboken6.isValid(t) and t.isRunning()]
    return {
        "seconds": seconds,
        "closing": closing,
        "problems": actions.problems,
        "counts": actions.counts,
        "computing": sum(stall.busy > STALL for stall in actions.stalls),
        "threads": left,
        "handles": dict(handles() - before[0]),
        "sizes": sizes,
    }


def living(kind: type) -> list[Any]:
    """Return all objects of a kind."""
    return [each for each in gc.get_objects() if issubclass(type(each), kind)]


def in_own_process(count: int, seed: int, keep: Path | None = None) -> dict[str, Any]:
    """Do the actions of one seed in a process of its own; return what was found."""
    folder = Path(tempfile.mkdtemp(prefix="glassbox-actions-"))
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "GLASSBOX_RUNS": str(folder / "runs"),
        "GLASSBOX_SETTINGS": str(folder / "settings.json"),
        "HOME": str(folder),
        "http_proxy": "http://127.0.0.1:9",  # nobody answers there
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "bench.hostile.actions", str(count), str(seed), str(folder)]
    answer = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    trail = (folder / TRAIL).read_text() if (folder / TRAIL).exists() else ""
    shutil.rmtree(folder, ignore_errors=True)
    if answer.returncode:
        print(f"status {answer.returncode} after {trail}", file=sys.stderr)
        return {"crash": answer.returncode}
    found = json.loads(answer.stdout.splitlines()[-1])
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"actions-{seed}.json").write_text(json.dumps(found, indent=1))
    return found


def main(words: list[str]) -> None:
    """Do random actions, each seed in turn, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile actions", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --seed on")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="what was found goes there")
    options = parser.parse_args(words)
    seeds = range(options.seed, options.seed + options.seeds)
    found = [in_own_process(options.count, seed, options.keep) for seed in seeds]
    ended = [each for each in found if "crash" not in each]
    what = f"{options.count:,} random actions x {options.seeds}"
    rows = [row(f"{what}: crashes", len(found) - len(ended), 0, "", most=True)]
    for kind in ("exception", "Qt warning", "stall", "slow closing"):
        number = sum(each["counts"].get(kind, 0) for each in ended)
        rows.append(row(f"{what}: {kind}s", number, 0, "", most=True))
    computing = sum(each["computing"] for each in ended)
    rows.append(row(f"{what}: stalls in which the window computed", computing, 0, "", most=True))
    rows.append(
        row(f"{what}: threads left", sum(len(e["threads"]) for e in ended), 0, "", most=True)
    )
    rows.append(
        row(
            f"{what}: handles left",
            sum(sum(e["handles"].values()) for e in ended),
            0,
            "",
            most=True,
        )
    )
    for each in ended:
        if len(each["sizes"]) > 2:
            growth = each["sizes"][-1] / each["sizes"][1] - 1
            rows.append(row(f"{what}: memory since 1,000", growth, None, "%", most=True))
    show(rows)


if __name__ == "__main__":
    faulthandler.enable()
    number, seed, folder = sys.argv[1:]
    try:
        print(json.dumps(play(int(number), int(seed), Path(folder))), flush=True)
    except Exception:  # the hook for those takes them for the window's
        traceback.print_exc()
        program.leave(1)
    program.leave(0)
