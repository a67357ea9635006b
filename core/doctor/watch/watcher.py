"""Looks at a training loop from outside: losses, weights, and now and then a whole step."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...training.pace import Pace
from ..evidence import Evidence, InferenceStats
from . import graph as seeing
from . import measurements as measure
from .graph import StepGraph
from .inference import compare, other_size
from .loss_readers import criterion
from .observation import Observation, ObservedParameter
from .tape import Tape, TapeRecorder, aside, needed, replay
from .variables import Variables, scan

FIRST = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Steps that are looked at whatever the clock says, if the share of the time allows it."""

LEFT_TO_CHANCE = seeing.RANDOM | {"dropout", "scaled_dot_product_attention"}

HURRIED, QUICK, KEEPS = 512, 200.0, 3
"""From this step on, of a loop of more steps a second than that, only every third loss is kept; an
odd number, so that a loss that goes up and down in turn is still seen to."""

KEPT = 400  # looks

THINNED = 20_000  # losses

BATCHES = 24

LARGEST_BATCH = 128 << 20  # bytes, of all batches that are kept

_log = logging.getLogger("glassbox")

NORMAL = nn.modules.batchnorm._BatchNorm


class LoopWatcher:
    """Looks at a loop: losses at every step, everything else now and then.

    Args:
        things: models, optimisers, parameters or lists of them; what is in variables near the loop
            is found without being named.
        share: of the loop's time, how much looking may take.
        every: seconds between two looks, at least.
    """

    def __init__(
        self, things: tuple[Any, ...] = (), share: float = 0.02, every: float = 0.25
    ) -> None:
        self.looks: list[Observation] = []
        self.validations: list[tuple[int, float]] = []
        self.metrics: list[tuple[int, float, float]] = []
        self.count = 0
        self.sight: StepGraph | None = None
        """The newest step that was looked at."""
        self.scan = Variables()
        self.batches: list[tuple[tuple[Tensor, ...], Tensor]] = []
        """Inputs and targets of some of the steps that were looked at."""
        self.judging_mode: tuple[str, ...] = ()
        self.use: InferenceStats | None = None
        self.faithful = True
        """Whether the first step, done again from its tape, had the same loss."""
        self.trouble = ""
        """Why a step could not be looked at; "" if all could."""
        self.spent = 0.0
        self.lasted = 0.0
        """Seconds, of a loop that has ended; 0 while it goes on."""
        self._things = things
        self._pace = Pace(every, share)
        self._begun = time.perf_counter()
        self._share = share
        self._recorder: TapeRecorder | None = None
        self._before: dict[str, Tensor] = {}
        self._raw: list[Tensor | float] = []
        self._losses: list[float] = []
        self._at: list[int] = []
        self._judged_next = -1
        self._quick = False
        self._listening = self._begun
        self._marked = {*FIRST, HURRIED}
        self._heard = False

    # The loop.

    def begin(self, frame: FrameType | None) -> None:
        """Look at the step that comes."""
        begin = time.perf_counter()
        with torch._C.DisableTorchFunction():
            self.scan = scan(_spaces(frame), self._things)
            self._before = {n: p.detach().clone() for n, p in self.scan.parameters.items()}
        self._recorder = TapeRecorder()
        self._recorder.__enter__()  # type: ignore[no-untyped-call]
        self._listening = time.perf_counter()
        self.spent += self._listening - begin

    def end(self) -> Tape | None:
        """Hear no more; return what was heard."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        recorder.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        return recorder.tape

    def step(self, loss: Tensor | float, frame: FrameType | None) -> None:
        """A step is done, and its update too."""
        leaves_out = self._quick and self._recorder is None and self.count % KEEPS
        if leaves_out and self.count + 1 not in self._marked:
            self.count += 1
            return  # to hold every loss costs a quick loop one per cent
        if self._recorder is not None:
            begin = self._listening  # a step that is listened to is itself a slower one
            tape = self.end()
            assert tape is not None
            with torch._C.DisableTorchFunction():
                self._try_to_look(tape, loss, frame)
            spent = time.perf_counter() - begin
            if self.count >= FIRST[3]:  # those before come once, however long the loop is
                self.spent += spent
                self._pace.charge(spent)
        self._raw.append(loss.detach() if isinstance(loss, Tensor) else loss)
        self._at.append(self.count)
        self.count += 1
        if len(self._raw) >= 512:
            self._settle()
        if self.count == HURRIED:
            self._quick = HURRIED / self.seconds > QUICK
        if frame is not None and self.due():
            self.begin(frame)

    def due(self) -> bool:
        """Whether the step that comes is to be looked at."""
        if self.count in FIRST and self._affordable():
            return True
        if self.count == self._judged_next and (self._affordable() or not self._heard):
            self._heard = True  # how a network is judged can only be heard where it is
            return True
        return self._pace.due()

    def _affordable(self) -> bool:
        """Whether looking has taken little so far; the first looks may be dear."""
        if self.count <= 2:
            return True
        return self.spent < self._share * self.seconds

    def _settle(self) -> None:
        """Bring the losses over from where they are, many at once."""
        if not self._raw:
            return
        raw, self._raw = self._raw, []
        if all(isinstance(loss, Tensor) and not loss.dim() for loss in raw):
            values = torch.stack(raw).tolist()  # type: ignore[arg-type]
        else:
            values = [float(loss) for loss in raw]
        self._losses += values

    @property
    def seconds(self) -> float:
        """How long the loop has run."""
        return time.perf_counter() - self._begun

    def losses(self) -> tuple[Any, Any]:
        """Return steps and losses as arrays; beyond some thousands, evenly spread ones."""
        with torch._C.DisableTorchFunction():
            self._settle()
        stride = -(-max(1, len(self._losses)) // THINNED)
        return np.array(self._at[::stride], int), np.array(self._losses[::stride], float)

    # A look.

    def _try_to_look(self, tape: Tape, loss: Tensor | float, frame: FrameType | None) -> None:
        """Look; a loop that the doctor does not understand must go on all the same."""
        try:
            self._look(tape, loss, frame)
        except Exception as error:
            _log.exception("a step was not understood")
            self.trouble = f"{type(error).__name__}: {error}"

    def _look(self, tape: Tape, loss: Tensor | float, frame: FrameType | None) -> None:
        before, old = self._before, self.scan
        self.scan = scan(_spaces(frame), self._things)
        names = {
            key: name.replace(".product.", ".")
            for key, name in {**old.names, **self.scan.names}.items()
        }
        if tape.root is None and isinstance(loss, Tensor):
            tape.root = loss
        sight = seeing.see(tape, self.scan.known(), self.scan.buffers)
        self._hear_judging(tape, sight)
        number = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
        optimizer = self.scan.optimizers[0] if self.scan.optimizers else None
        look = Observation(
            step=self.count,
            loss=number,
            parameters=tuple(self._parameters(sight, names, before, old)),
            layers=measure.layers_seen(sight, names),
            criterion=criterion(sight),
            inputs=measure.inputs_seen(sight),
            terms=measure.terms_seen(sight),
            first_nan=measure.first_nan(sight, names) if not np.isfinite(number) else "",
            linear_pairs=tuple(
                (names.get(a, "a layer"), names.get(b, "a layer")) for a, b in sight.chains
            ),
            eval_modules=self._eval_modules(),
            optimizer=type(optimizer).__name__ if optimizer else "",
            variable_lr=self.scan.rate,
            seconds=self.seconds,
            device=loss.device.type if isinstance(loss, Tensor) else "cpu",
        )
        if not self.looks:
            self.faithful = self._repeats(sight, before, old)
        self.looks.append(look)
        if len(self.looks) > KEPT:
            del self.looks[KEPT // 2 :: 2]
        if np.isfinite(number) or self.sight is None:
            self.sight = sight
            self._keep_batch(sight)

    def _hear_judging(self, tape: Tape, sight: StepGraph) -> None:
        """Hear how it is judged where nothing is learned: in which mode, on what numbers."""
        if tape.judged_in_training:
            self.judging_mode = tuple(sorted(tape.judged_in_training))
        for shape, values in tape.judged_inputs:
            for given in sight.inputs:
                if given.is_floating_point() and tuple(given.shape[1:]) == shape:
                    if (other := other_size(given, values)) and self.use is None:
                        self.use = InferenceStats(extra=tuple(other))
                    return

    @staticmethod
    def _repeats(sight: StepGraph, before: dict[str, Tensor], old: Variables) -> bool:
        """Do a step again with the weights of before its update; hold its outputs against its own.

        What is written through a view, or computed outside of torch, is not on a tape.
        """
        outputs, targets = sight.outputs, sight.targets
        if outputs is None or targets is None:
            return True
        given = [id(t) for t in (*sight.inputs, targets)]
        if any(op.name in LEFT_TO_CHANCE for op in needed(sight.tape, [outputs], given)):
            return True
        instead = {id(t): t for t in (*sight.inputs, targets)}
        for key, name in old.names.items():
            if name in before:
                instead[key] = before[name]
        try:
            with aside(), torch.no_grad():
                again = replay(sight.tape, (outputs,), instead)[0].float()
        except (RuntimeError, ValueError, IndexError, TypeError):
            return False
        before_it = outputs.detach().float()
        if not bool(torch.isfinite(before_it).all()):
            return True
        far = float((again - before_it).abs().max())
        return far <= 1e-3 * float(before_it.abs().max()) + 1e-12

    def crashed(self, tape: Tape, frame: FrameType | None) -> None:
        """Look at a step that ended in an error, as far as it came."""
        if tape.root is not None and self.sight is None:
            self._look(tape, float("nan"), frame)

    def _keep_batch(self, sight: StepGraph) -> None:
        if sight.targets is None or not sight.inputs:
            return
        parts = (*sight.inputs, sight.targets)
        size = sum(t.numel() * t.element_size() for t in parts)
        if size > LARGEST_BATCH:
            return
        copies = [t.detach().clone() for t in parts]
        self.batches.append((tuple(copies[:-1]), copies[-1]))
        if len(self.batches) > max(2, min(BATCHES, LARGEST_BATCH // size)):
            del self.batches[len(self.batches) // 2]

    def _parameters(
        self, sight: StepGraph, names: dict[int, str], before: dict[str, Tensor], old: Variables
    ) -> Iterator[ObservedParameter]:
        tape = sight.tape
        used = {key for op in sight.ops for t in op.inputs if (key := id(t)) in sight.weights}
        groups = {
            id(p): (float(group["lr"]), float(group.get("weight_decay", 0.0)))
            for optimizer in self.scan.optimizers
            for group in optimizer.param_groups
            for p in group["params"]
        }
        mine = {**{id(t): t for t in self.scan.parameters.values()}, **sight.weights}
        for key in used:
            mine.setdefault(key, sight.weights[key])
        beside: set[int] = set()
        for family in self.scan.siblings:
            if family & used:
                beside |= family
        for key, tensor in mine.items():
            if key not in used and key not in beside:
                continue  # another cell's
            if not tensor.is_floating_point():
                continue
            name = names.get(key, f"a parameter of shape {tuple(tensor.shape)}")
            own = self.scan.names.get(key, old.names.get(key, name))
            after = self.scan.parameters.get(own, tensor)
            past = before.get(own)
            gradient = tape.learned.get(key)
            if gradient is None and tensor.grad is not None and key not in used:
                gradient = tensor.grad
            values = after.detach()
            update = values - past if past is not None and past.shape == values.shape else None
            if update is None and tensor is after and not tensor.requires_grad:
                update = torch.zeros_like(values)
            rate, decay = groups.get(key, (np.nan, 0.0))
            yield _parameter_seen(
                name,
                values,
                gradient,
                update,
                requires_grad=tensor.requires_grad,
                used=key in used,
                in_optimizer=(key in groups) if self.scan.optimizers else None,
                optimizer_lr=rate,
                weight_decay=decay,
                stale_gradient=key in tape.leftover,
            )

    def _eval_modules(self) -> tuple[str, ...]:
        return tuple(
            name or type(module).__name__
            for root in self.scan.modules.values()
            for name, module in root.named_modules()
            if isinstance(module, NORMAL | nn.Dropout)
            and not module.training
            and (not isinstance(module, nn.Dropout) or module.p > 0)
        )[:8]

    # What else a person may tell.

    def validate(self, value: Tensor | float, right: Tensor | float | None = None) -> None:
        """A loss on other data, that the person has just measured, and the share of right answers.

        Args:
            value: the loss.
            right: 0 to 1, or in per cent; None if it was not counted.
        """
        number = _number(value)
        if self.validations:
            self._judged_next = 2 * self.count - self.validations[-1][0]
            self._marked = {*FIRST, HURRIED, self._judged_next}
        self.validations.append((self.count, number))
        if right is not None:
            share = _number(right)
            self.metrics.append((self.count, number, share / 100 if share > 1 else share))

    @contextmanager
    def using(self, frame: FrameType | None) -> Iterator[None]:
        """Look at how the network is used, and hold it against how it was trained."""
        running = self._recorder is not None
        if running:
            self.end()
        if not self.scan.names:
            self.scan = scan(_spaces(frame), self._things)
        recorder = TapeRecorder(sensitive=False)
        with recorder:
            yield
        with torch._C.DisableTorchFunction():
            fresh = scan(_spaces(frame), self._things)
            if self.sight is not None:
                self.use = compare(self.sight, recorder.tape, fresh)

    def case(self, crash: str = "") -> Evidence:
        """Return all that is known by now."""
        steps, losses = self.losses()
        return Evidence(
            steps,
            losses,
            list(self.looks),
            list(self.validations),
            list(self.metrics),
            crash=crash,
            use=self.use,
            judging_mode=self.judging_mode,
        )


def _number(value: Tensor | float) -> float:
    return float(value.detach()) if isinstance(value, Tensor) else float(value)


def _parameter_seen(
    name: str, values: Tensor, gradient: Tensor | None, update: Tensor | None, **rest: Any
) -> ObservedParameter:
    """Measure a parameter; everything in one transfer."""
    nothing = torch.full((), float("nan"), device=values.device)
    std = values.float().std(correction=0)
    parts = [std, nothing, nothing, nothing, nothing]
    if gradient is not None:
        g = (gradient.to_dense() if gradient.is_sparse else gradient).float()
        parts[1] = g.square().mean().sqrt()
        if update is not None:
            u = update.float()
            product, size = (u * g).sum(), g.square().sum()
            parts[3] = product / (u.norm() * g.norm() + 1e-30)
            parts[4] = -product / (size + 1e-30)
    if update is not None:
        parts[2] = update.float().square().mean().sqrt()
    std_, grad, moved, cosine, rate = torch.stack([p.to(std.device) for p in parts]).tolist()
    return ObservedParameter(name, tuple(values.shape), std_, grad, moved, cosine, rate, **rest)


def _spaces(frame: FrameType | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    inside = frame.f_locals
    return [inside] if inside is frame.f_globals else [inside, frame.f_globals]
