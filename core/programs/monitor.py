"""What a program that is watched calls while it runs: see :mod:`core.programs.instrument`.

It returns every value as it was given, and nothing of it may raise into the program.
"""

import functools
import math
import os
import sys
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..doctor.watch.safe_log import SafeLog
from ..training.pace import Pace
from .instrument import MONITOR, CodePlace

if TYPE_CHECKING:
    from torch import Tensor

    from ..doctor.watch.program_frames import Line
    from ..doctor.watch.recorder import TapeRecorder
    from ..doctor.watch.state_dicts import LoadedItself, StateDicts
    from ..doctor.watch.tape import Tape
    from ..doctor.watch_loop import WatchedLoop
    from ..telemetry.events import LayersSeen

SPLITS = ("split", "phase", "mode", "part", "which", "dataset", "name")
"""Variables that say on which data a loss is computed."""
MAX_FRAMES = 8
MOST_NODES = 20_000
"""Of a graph of gradients that is looked through."""
PARTS = ("DivBackward0", "MulBackward0")
"""How torch calls what a loss comes from that is divided by a number of parts."""
POINTS = 1000
"""Of a curve that is shown while it goes on."""
HURRIED = 2.0
"""Seconds for experiments on a loop whose program was stopped."""
FAR_ABOVE = 2.0
"""Times the largest loss on new data on the way, above which one behind a training is of others."""
_Place = tuple[CodeType, int, int | None]
"""A line, and the line that called its function."""

_log = SafeLog()


class Training:
    """A training that a program does: the steps of a loop, over all of its epochs.

    Attributes:
        place: of the loop.
        loop: what watches it.
        callers: the lines that led to it, from the nearest call of its function outwards.
        called_from: the one of them that tells it from other trainings of the same loop; None.
        uses, validations: how often its network was used besides, and judged on other data.
        examined_for: seconds that its examination may take, while it is examined; None.
    """

    def __init__(
        self,
        place: CodePlace,
        loop: "WatchedLoop",
        limit: float,
        callers: "tuple[Line, ...]" = (),
    ) -> None:
        self.place = place
        self.loop = loop
        self.callers = callers
        self.called_from: Line | None = None
        self.uses = 0
        self.validations = 0
        self.examined_for: float | None = None
        self._spent = 0.0
        self.evaluated: list[float] = []
        self._limit = limit
        self.ends_at = math.inf
        """When it had its time, if its loop is not left before."""
        self._since = 0.0
        self._awaited = True
        """Whether its next step is recorded: the first one, or where it was left with one open."""
        self.goes_on = False
        """Whether this pass had something to go over."""
        self._layers: LayersSeen | None = None
        self._plain_layers: Any = None
        """As they were shown last, and as plain values: of many reports few have new ones."""
        self._passes_with_steps, self._empty_passes = 0, 0
        self._steps_before = 0

    @property
    def seconds(self) -> float:
        """How long its steps took."""
        return self._spent + (time.perf_counter() - self._since if self._since else 0.0)

    @property
    def is_over(self) -> bool:
        """Whether it had its time."""
        return self.seconds > self._limit

    def resume(self, frame: FrameType) -> None:
        """Enter its loop, for the first time or again."""
        self._since, self._steps_before = time.perf_counter(), self.loop.watcher.count
        self.ends_at = self._since + self._limit - self._spent
        self.goes_on = False
        self.loop.begin(frame, self._awaited)

    def suspend(self, failed: bool = False) -> None:
        """Leave its loop, perhaps for good; of a step that failed is kept what was recorded."""
        self._spent, self._since = self.seconds, 0.0
        stepped = self.loop.watcher.count > self._steps_before
        self._passes_with_steps += stepped
        self._empty_passes = (
            0 if stepped or self.goes_on or self.is_over else self._empty_passes + 1
        )
        self.loop.empty_passes = self._empty_passes if self._passes_with_steps == 1 else 0
        if not failed:
            self._awaited = self.loop.watcher.stop_recording() is not None

    def validated(self) -> None:
        """Take what was evaluated since its last step as one validation.

        What is measured later with the same weights is something else: other data, or a baseline;
        so is what costs far more behind a training than anything did on its way.
        """
        watcher = self.loop.watcher
        known = watcher.validations
        again = bool(known) and known[-1][0] == watcher.count
        if self.evaluated and not again:
            loss = sum(self.evaluated) / len(self.evaluated)
            behind = self.loop.ended and known
            if not (behind and loss > FAR_ABOVE * max(abs(other) for _, other in known)):
                self.validations += 1
                self.loop.validate(loss)
        self.evaluated = []

    def located(self) -> dict[str, Any]:
        """Return where its loop stands, and the call that tells it from others, as plain values."""
        place, caller = self.place, None
        if self.called_from is not None:
            from ..doctor.lines.program_lines import notebook_cell

            name, line = self.called_from
            file, cell = notebook_cell(name) or (name, None)
            caller = {"file": file, "cell": cell, "line": line}
        where = {"file": place.file, "cell": place.cell, "line": place.line}
        return {"where": where, "called_from": caller}

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of it, as plain values."""
        from ..doctor.evidence import Evidence
        from ..files import plain

        steps, losses = self.loop.watcher.losses()
        record = self.loop.file
        known: dict[str, Any] = {
            **self.located(),
            "steps": self.loop.watcher.total,
            "networks": self.loop.watcher.networks,
            "seconds": round(self.seconds, 3),
            "first_loss": float(losses[0]) if len(losses) else None,
            "last_loss": float(losses[-1]) if len(losses) else None,
            "last_tenth_loss": Evidence(steps, losses, []).ended,
            "record": str(record) if record and record.is_file() else None,
            "uses": self.uses,
            "validations": self.validations,
            "diagnosis": self.loop.diagnosis.to_dict() if self.loop.ended else None,
        }
        return dict(plain(known))

    def seen(self) -> dict[str, Any]:
        """Return its curve, and its layers in the newest step that was observed."""
        from ..files import plain

        steps, losses = self.loop.watcher.losses()
        validations = self.loop.watcher.validations
        stride = max(1, -(-len(steps) // POINTS))
        try:
            layers = self.loop.watcher.layers()
            if layers is not self._layers:
                self._layers, self._plain_layers = layers, plain(asdict(layers)) if layers else None
        except Exception:  # of ours; the rest is shown all the same
            _log.exception("the layers of a step can't be shown")
            self._layers = self._plain_layers = None
        seen: dict[str, Any] = plain(
            {
                "steps": steps[::stride],
                "losses": losses[::stride],
                "validations": validations[:: max(1, -(-len(validations) // POINTS))],
                "examined_for": self.examined_for,
            }
        )
        return {**seen, "layers": self._plain_layers}


class Monitor:
    """Watches the trainings of a program.

    Args:
        places: where its loops and uses stand, by their number.
        watch: makes what watches a loop.
        seconds: how long a training may take; infinity.
        report: told the trainings now and then, and whenever one has ended.

    Attributes:
        trainings: those that were seen.
        seconds: how long one may take that begins now.
        on: whether anything is watched.
    """

    def __init__(
        self,
        places: Sequence[CodePlace],
        watch: Callable[[], "WatchedLoop"],
        seconds: float,
        report: Callable[[], None],
    ) -> None:
        self.trainings: list[Training] = []
        self._places = places
        self._watch = watch
        self.seconds = seconds
        self._report = report
        self._open: dict[int, Training] = {}
        self._depth = 0
        self._in_step = 0
        self._root: Tensor | None = None
        self._loss: Tensor | None = None
        self._part: _Place | None = None
        """Where a part of a step's loss was differentiated; None of a whole one."""
        self._looked_at: tuple[Training, weakref.ref[Tensor]] | None = None
        self._used: Counter[int] = Counter()
        self._trained: dict[int, Callable[[], Tensor | None]] = {}
        """What earlier trainings had to train, by id."""
        self._rollouts: set[int] = set()
        """Uses whose losses are those of rollouts, in which errors add up."""
        self._rolled_out: list[weakref.ref[Tensor]] = []
        self.recording = False
        self._state_dicts: StateDicts | None = None
        self._pace = Pace(0.5, 0.02)
        self.on = True
        os.register_at_fork(after_in_child=self._turn_off)

    def _turn_off(self) -> None:
        self.on = False  # a worker of the program: its losses are another process's

    # What is differentiated.

    def root(self, value: Any) -> Any:
        """Note what ``backward`` is called on."""
        torch = sys.modules.get("torch")
        if (
            torch is not None
            and self._loss is None
            and self._looked_at is None
            and type(value) is torch.Tensor
            and not torch._C._is_torch_function_mode_enabled()
            and type(value.grad_fn).__name__ not in PARTS
        ):  # as nearly every step's: nothing else is to be known of it
            self._root = self._loss = value
            self._part = None
            return value
        self._root = value if _is_tensor(value) else None
        if self._looked_at is not None and self._looked_at[1]() is value:
            self._looked_at[0].evaluated.pop()  # it was no loss to be looked at
            self._looked_at = None
        # What a hook differentiates within a backward pass is no loss.
        if self._root is not None and (
            self._loss is None or (self._root.numel() == 1 and not _is_searching(sys._getframe(1)))
        ):
            frame = sys._getframe(1)
            # The caller's line, too: a function that differentiates is given different losses.
            place = frame.f_code, frame.f_lineno, frame.f_back and frame.f_back.f_lineno
            _guarded(self._add, value, place)
        return value

    def _add(self, value: "Tensor", place: _Place) -> None:
        """Note a loss; one of several that are divided by their number is added to those before."""
        with sys.modules["torch"]._C.DisableTorchFunction():
            before, earlier = self._loss, self._part
            divided = type(value.grad_fn).__name__ in PARTS
            self._part = place if divided and (before is None or earlier == place) else None
            adds = before is not None and self._part is not None
            self._loss = before.detach() + value.detach() if adds and before is not None else value

    def argument(self, value: Any) -> Any:
        """Note what is given to ``backward`` of something that is no tensor: an accelerator."""
        if self._root is None:
            one = value[0] if isinstance(value, list | tuple) and value else value
            self._loss = one if _is_tensor(one) else self._loss
        return value

    def derivative(self, transform: Any, loss: Any, *given: Any, **named: Any) -> Any:
        """Return what ``torch.func.grad`` makes of a loss; it notes its value, too."""
        func = sys.modules["torch"].func
        if transform not in (func.grad, func.grad_and_value):
            return transform(loss, *given, **named)
        both = func.grad_and_value(loss, *given, **named)  # of which grad leaves out the value
        plain = transform(loss, *given, **named)

        @functools.wraps(plain)
        def noting(*args: Any, **kwargs: Any) -> Any:
            if _is_compiled() or not self.on:
                return plain(*args, **kwargs)
            gradient, value = both(*args, **kwargs)
            has_aux = isinstance(value, tuple)
            self._note_inside(value[0] if has_aux else value)
            if transform is func.grad_and_value:
                return gradient, value
            return (gradient, value[1]) if has_aux else gradient

        return noting

    def _note_inside(self, value: Any) -> None:
        """Note a loss, unless it is one inside of another derivative; of an ensemble the mean."""
        functorch = sys.modules["torch"]._C._functorch
        while functorch.is_batchedtensor(value):  # inside of vmap: one of each network or example
            value = functorch.get_unwrapped(value)
        if not functorch.is_functorch_wrapped_tensor(value):
            self.root(value.mean() if value.numel() > 1 else value)

    # Loops.

    def training(self, number: int) -> "_Around":
        """Return the context of a loop that trains, or of one around it."""
        return _Around(self, number)

    def step(self, number: int) -> bool:
        """Take a step that is done; return whether its training is over."""
        loss, self._loss, self._root = self._loss, None, None
        training = self._open.get(number)
        if training is None or loss is None or not self.on:
            return False
        if training.evaluated:
            _guarded(training.validated)
        training.loop.step(loss, sys._getframe(1))
        now = time.perf_counter()
        # A curve begins with its second loss; a report of the first would only postpone it.
        if now >= self._pace.next and training.loop.watcher.count > 1 and self._pace.due():
            with self._pace.spending():
                _guarded(self._report)
        return now > training.ends_at

    def goes_on(self, number: int) -> None:
        """Note that a loop has something to go over."""
        if training := self._open.get(number):
            training.goes_on = True

    def over(self, number: int) -> bool:
        """Return whether a loop around others has no more to do."""
        return self._places[number].repeats and any(t.is_over for t in self._open.values())

    def enter(self, number: int, frame: FrameType) -> None:
        """Enter a loop."""
        place = self._places[number]
        self._depth += place.repeats
        if place.outer or not self.on:
            return
        training = self._open.get(number)
        if training is None:
            training = Training(place, self._watch(), self.seconds, _callers(frame))
            self.follow_state_dicts()
            self._open[number] = training
            self.trainings.append(training)
            self._tell_apart([one for one in self.trainings if one.place == place])
        training.resume(frame)
        self._in_step += 1

    @staticmethod
    def _tell_apart(alike: Sequence[Training]) -> None:
        """Note of trainings of one loop the nearest calls that are not the same for all of them."""
        for calls in zip_longest(*(training.callers for training in alike)):
            if len(set(calls)) > 1:
                for training, call in zip(alike, calls, strict=True):
                    training.called_from = call
                return

    def follow_state_dicts(self) -> None:
        """See which weights are kept, and loaded again, once torch is there."""
        if self._state_dicts is None and "torch" in sys.modules:
            from ..doctor.watch.state_dicts import StateDicts

            self._state_dicts = StateDicts(
                lambda: sum(training.loop.watcher.total for training in self.trainings),
                self._loaded_itself,
            )
            self._state_dicts.open()

    def _loaded_itself(self, found: "LoadedItself") -> None:
        if self.on:
            any(training.loop.loaded_itself(found) for training in reversed(self.trainings))

    def leave(self, number: int, error: BaseException | None) -> None:
        """Leave a loop; with the outermost one its trainings have ended."""
        place = self._places[number]
        self._depth -= place.repeats
        failed = isinstance(error, Exception | KeyboardInterrupt) and not _is_signal(error)
        if training := self._open.get(number):
            left_by = type(error).__name__ if error is not None and not failed else ""
            training.loop.left_by = left_by or training.loop.left_by
            training.suspend(failed)
            self._in_step -= 1
        if self._depth <= 0 or failed:
            self._end(error if failed else None)

    def _end(self, error: BaseException | None = None) -> None:
        if not self.on:  # in a process that was forked within a loop
            return
        ended, self._open = self._open, {}
        self._used.clear()  # another network may be used in the same places from here on
        stopped: KeyboardInterrupt | None = None
        for training in ended.values():
            training.validated()
            if stopped or isinstance(error, KeyboardInterrupt):
                training.loop.budget = min(training.loop.budget, HURRIED)
            if training.loop.watcher.count or error is not None:
                try:
                    self._examine(training, error)
                except KeyboardInterrupt as stop:  # the others are still to be ended
                    stopped = stop
                    if not training.loop.ended:  # it came before the first experiment
                        training.loop.budget, training.loop.cut_short = 0.0, True
                        training.loop.end(stop)
            else:
                self.trainings.remove(training)
        if ended:
            self._report()
        if stopped:
            raise stopped

    def _examine(self, training: Training, error: BaseException | None) -> None:
        from ..doctor.watch.work import SLOWER

        training.examined_for = SLOWER * training.loop.budget
        self._report()
        variables = training.loop.watcher.variables
        before = {key for key, parameter in self._trained.items() if parameter() is not None}
        training.loop.trained_before = frozenset(
            name for key, name in variables.names.items() if key in before
        )
        self._trained |= {id(t): weakref.ref(t) for t in variables.parameters.values()}
        held = {id(p) for o in variables.optimizers for g in o.param_groups for p in g["params"]}
        names = frozenset(name for key, name in variables.names.items() if key in held)
        for earlier in self.trainings[: self.trainings.index(training)]:
            earlier.loop.trained_later(names, training.loop)
        try:
            training.loop.end(error)
        finally:
            training.examined_for = None

    def finish(self) -> None:
        """End what is open still: the program has ended."""
        self._end()
        if self._state_dicts is not None:
            self._state_dicts.close()
        for training in self.trainings:
            training.validated()
        self._report()

    # Uses.

    def use(self, number: int, inside: bool = False) -> "_Use | _NoUse":
        """Return the context of a statement in which a network may be used.

        Args:
            number: of the place.
            inside: whether it is a part of a step, where only what has no gradient is a use.
        """
        records = self.may_record(number, inside)
        if inside and self._in_step and not records and number not in self._rollouts:
            return _NO_USE
        return _Use(self, number, inside, records)

    def may_record(self, number: int, inside: bool) -> bool:
        """Whether a use is to be recorded: the first, the second, the fourth ... of each place."""
        if not self.on or not self.trainings or self.recording:
            return False
        if inside:
            for training in self._open.values():
                if training.loop.watcher.is_recording:
                    return False  # an observed step is recorded whole
        self._used[number] = count = self._used[number] + 1
        return count.bit_count() == 1

    def passed_over(self, number: int) -> None:
        """Take back that a use was recorded: nothing was done there, as in most epochs."""
        self._used[number] -= 1

    def used(
        self, tape: "Tape", frame: FrameType, inside: bool, number: int, before: int = 0
    ) -> None:
        """Compare a use with the trainings whose network it uses.

        Args:
            tape: of the use.
            frame: in which it stands.
            inside: whether it is a part of a step.
            number: of its place.
            before: how many losses were noted before it.
        """
        if inside and any(t.requires_grad for op in tape.ops for t in op.outputs):
            return  # the step's own forward pass
        rolled_out = [made for t in self.trainings for made in t.loop.rolled_out(tape)]
        if rolled_out:
            self._rolled_out = [weakref.ref(made) for made in rolled_out]
        if self.noted() > before:
            known = {id(made) for ref in self._rolled_out if (made := ref()) is not None}
            if any(id(t) in known for op in tape.ops for t in (*op.inputs, *op.outputs)):
                self._rollouts.add(number)
        self.forget(number, before)
        if not self._open:
            self._attribute(tape, before)
        for training in self.trainings:
            if not inside:
                training.validated()
            training.uses += training.loop.take_use(tape, frame, by_copy=not self._open)

    def forget(self, number: int, before: int) -> None:
        """Forget the losses that were noted in a use, if they are those of a rollout."""
        if number in self._rollouts:
            del self.trainings[-1].evaluated[before:]

    def _attribute(self, tape: "Tape", before: int) -> None:
        """Give losses behind a training to the one whose network they are of, if it is known.

        Of a network that none has trained, as where the next training begins, they are nobody's.
        """
        inputs = [t for op in tape.ops for t in op.inputs]
        weights = {id(t) for t in inputs if t.is_leaf and t.requires_grad}
        losses = self.trainings[-1].evaluated[before:]
        if losses and weights and not self.trainings[-1].loop.watcher.has(weights):
            del self.trainings[-1].evaluated[before:]
            mine = [one for one in self.trainings if one.loop.watcher.has(weights)]
            if mine:
                mine[-1].evaluated += losses

    def noted(self) -> int:
        """Return how many losses were noted since the last step."""
        if _is_compiled() or not self.trainings:
            return 0
        return len(self.trainings[-1].evaluated)

    def evaluated(
        self, before: int, value: Any, targets: Any = None, held_out: bool = False
    ) -> Any:
        """Note a loss that is only to be looked at: on other data, if nothing says else.

        Args:
            before: how many were noted before it was computed.
            value: the loss; it is returned.
            targets: of a sum over them.
            held_out: whether it is called one on other data, with gradients or without.
        """
        if _is_compiled() or not self.on or not self.trainings:
            return value
        if self._in_step and not held_out and sys.modules["torch"].is_grad_enabled():
            return value  # the step's own loss, as a number
        if not _is_number(value):
            return value
        if not _is_on_training_data(sys._getframe(1)):
            with sys.modules["torch"]._C.DisableTorchFunction():  # no operation of the program's
                _guarded(self._look_at, before, value, targets)
        return value

    def _look_at(self, before: int, value: Any, targets: Any) -> None:
        training = self.trainings[-1]
        if _is_tensor(value) and value.requires_grad:
            known = _leaves(value)
            mine = [one for one in self.trainings if one.loop.watcher.has(known)]
            if not mine:
                return
            training = mine[-1]
            self._looked_at = training, weakref.ref(value)
        if training is self.trainings[-1]:
            del training.evaluated[before:]
        classes = _is_tensor(targets) and not targets.is_floating_point()
        loss = float(value.detach() if _is_tensor(value) else value)
        training.evaluated.append(loss / max(1, targets.numel()) if classes else loss)


def _callers(frame: FrameType) -> "tuple[Line, ...]":
    """Return the program's own lines that led to a frame, from the nearest call outwards."""
    found, caller = list[tuple[str, int]](), frame.f_back
    while caller is not None and len(found) < MAX_FRAMES:
        if MONITOR in caller.f_globals:
            found.append((caller.f_code.co_filename, caller.f_lineno))
        caller = caller.f_back
    return tuple(found)


def _is_signal(error: BaseException) -> bool:
    """Whether an exception is of a class of the program's own, as one that ends a loop early is.

    Where nobody catches it, the program says so itself.
    """
    from ..doctor.watch.program_frames import OWN_FILES

    module = type(error).__module__
    return module == "__main__" or getattr(sys.modules.get(module), "__file__", "") in OWN_FILES


class _Around:
    """The context of a loop."""

    def __init__(self, monitor: Monitor, number: int) -> None:
        self._monitor, self._number = monitor, number

    def __enter__(self) -> None:
        _guarded(self._monitor.enter, self._number, sys._getframe(1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _guarded(self._monitor.leave, self._number, error)


class _NoUse:
    """The context of a statement of a step in which nothing is looked for."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


_NO_USE = _NoUse()


class _Use:
    """The context of a statement in which a network may be used."""

    def __init__(self, monitor: Monitor, number: int, inside: bool, records: bool) -> None:
        self._monitor, self._number, self._inside = monitor, number, inside
        self._records = records
        self._recorder: TapeRecorder | None = None
        self._noted = 0

    def __enter__(self) -> Self:
        self._noted = self._monitor.noted()
        _guarded(self._monitor.follow_state_dicts)
        if self._records:
            from ..doctor.watch.recorder import TapeRecorder

            self._frame = sys._getframe(1)
            self._recorder = TapeRecorder(training=False)
            self._recorder.__enter__()
            self._monitor.recording = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._recorder is not None:
            self._recorder.__exit__(None, None, None)
            self._monitor.recording = False
            if not (self._recorder.tape.ops or self._inside):
                self._monitor.passed_over(self._number)
            elif error is None:
                use = self._recorder.tape, self._frame, self._inside, self._number, self._noted
                _guarded(self._monitor.used, *use)
        else:
            _guarded(self._monitor.forget, self._number, self._noted)


def _guarded(function: Callable[..., None], *arguments: Any) -> None:
    """Call something of ours: what fails in it is told once, and the program goes on."""
    try:
        function(*arguments)
    except Exception:
        _log.exception("a loop of the program was not watched")


def _is_compiled() -> bool:
    """Whether ``torch.compile`` reads what is called here: it stays as it is without it."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.compiler.is_compiling()


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_number(value: Any) -> bool:
    """Whether a loss is one number, and can be read: inside of ``torch.func`` it can't."""
    if not _is_tensor(value):
        return isinstance(value, float)
    wrapped = sys.modules["torch"]._C._functorch.is_functorch_wrapped_tensor(value)
    return value.numel() == 1 and not wrapped


def _leaves(value: "Tensor") -> set[int]:
    """Return the ids of the tensors that a gradient of a value would go to."""
    found, seen, todo = set[int](), set[Any](), [value.grad_fn]
    while todo and len(seen) < MOST_NODES:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            found.add(id(getattr(node, "variable", None)))
            todo += [other for other, _ in node.next_functions]
    return found


def _is_searching(frame: FrameType | None) -> bool:
    """Whether L-BFGS asks for the loss again: what it began with is the loss of its step."""
    for _ in range(MAX_FRAMES):
        if frame is None or frame.f_code.co_filename.endswith("lbfgs.py"):
            return frame is not None
        frame = frame.f_back
    return False


def _is_on_training_data(frame: FrameType | None) -> bool:
    """Whether a variable of the callers says that the loss is one on training data."""
    for depth in range(MAX_FRAMES):
        if frame is None or "/torch/" in frame.f_code.co_filename:
            return False
        if depth and frame.f_locals is frame.f_globals:
            return False  # what such a variable of the file says may be long past
        held: Mapping[str, Any] = frame.f_locals
        for name in SPLITS:
            value = held.get(name)
            if isinstance(value, str) and value.lower().startswith("tr"):
                return True
        frame = frame.f_back
    return False
