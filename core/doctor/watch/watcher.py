"""Watches a training loop from outside: every loss, and now and then a whole step."""

import copy
import math
import time
import weakref
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from ...interruption import CancelledError
from ...telemetry.events import Array, LayersSeen
from ...training.pace import Pace
from .build_graph import build_graph
from .evaluation_notes import MAX_EVAL_INPUTS
from .graph import StepGraph
from .inference import (
    compare_inference,
    compare_sizes,
    in_trained_weights,
    loaded_at,
    signature,
    unscaled_dropout,
)
from .kept_losses import KeptLosses, is_loss, loss_of
from .layer_snapshot import layer_snapshot
from .observation import InferenceStats, Observation
from .observe import first_nan, observe
from .program_frames import Line
from .recorder import TapeRecorder, weights_sum
from .repeatable import is_repeatable
from .safe_log import SafeLog
from .state_dicts import LoadedItself
from .succession import (
    MIN_STEPS,
    MovedParameter,
    Reached,
    begins_again,
    has_new_optimizer,
    is_another,
    reached,
)
from .tape import PRODUCTS, RECURRENT, Backward, Met, Tape
from .training_kind import ACTOR
from .variables import Variables, find_variables
from .work import clock, observing_seconds, step_seconds

LONGEST_STRIDE = 7000
"""Steps between two observations, at most."""
FREE_STEPS, FREE_SECONDS = 6, 0.2
"""The first observations come whatever they cost: once, however long the loop is; so does what all
of them take together, up to these seconds of a usual core."""
AS_FREE = 5
"""Networks that are observed as the first one is."""
FREE_AGAIN, AHEAD = 0.2, 40
"""The part of its work, so many steps ahead, that observations of a later one may take, up to what
those of the first one may."""
BOUND = 2.0
"""Times what observations may take by their work, at which the clock ends it."""
THINNED_FROM, THINNED_STRIDE = 2000, 3
"""From this step on only every third loss is kept: an odd number, so that a loss that alternates is
still seen to."""
FIRST_VALIDATIONS = 4
"""The step of an evaluation is observed after each of so many, then after the 8th, the 16th, ..."""
FOLLOWED = 4
"""Updates, in a loop that accumulates gradients, of which the step behind is observed, too."""
MAX_RATES = 256
"""Learning rates that are kept; with twice as many steps, every second of them."""
MAX_OBSERVATIONS = 400
OTHER_DATA, OTHER_DATA_MARGIN = 3.0, 0.5
"""Times its loss on new data, plus this, from which on another one after the same step is none."""
MAX_COMPARED = 64
"""Validations whose weights are told from those of others."""
MAX_TOKEN_BATCHES = 256
"""Of tokens, of all evaluations."""
MAX_EVALUATIONS, MAX_EVALUATION_BYTES = 16, 4 << 20
"""Of which rows are kept, and how much of each."""
MAX_EVAL_ROWS, MIN_EVAL_ROWS = 128, 32
"""Of all batches of an evaluation, and of each of them."""
MAX_BATCHES = 24
MAX_BATCH_BYTES = 128 << 20
"""Of all batches that are kept."""
COMBINES = PRODUCTS | {"mul", "rmul", "add", "radd", "dot", "mv"}
"""Calls by which a weight is used that is no matrix; others show it, or compare it."""

Batch = tuple[tuple[Tensor, ...], Tensor]
"""Inputs and targets."""

_log = SafeLog()


class LoopWatcher:
    """Watches a loop: losses at every step, everything else now and then.

    Args:
        objects: models, optimisers, parameters or lists of them; what is in variables near the loop
            is found without being named.
        share: of the loop's time, how much the observations may take.
        every: seconds between two further observations, for a loop that is looked at while it
            goes on; else the steps alone decide, so that the same loop is observed in the same
            steps whatever else the machine does.

    Attributes:
        count: how many steps are done, by the network that is trained now.
        earlier: how many were done by each of the networks that were trained before it; of these
            only the best one is kept.
        networks: how many were trained one after another.
        number: which of them it is, from 1.
        observations: of some steps, in order.
        validations: steps and losses on other data.
        validated_with: for each of them a sum over the weights that were validated; NaN.
        metrics: steps, losses on other data, and accuracies.
        rates: steps and the optimiser's learning rate there, evenly spread.
        graph: the newest step that was observed.
        variables: those around the loop.
        batches: inputs and targets of some observed steps.
        batch_steps: these steps.
        evaluations: how many steps were done, and inputs of the network in an evaluation then, a
            part of them; of some evaluations.
        inference: how the network is used; None if that was not seen.
        use_lines: where each weight is used then most often, by its id: a generation does most in
            its loop, behind its prompt.
        loaded_line: where a copy that is used has loaded its weights; None.
        error: what the loop ended with; "" for none.
        crashed_at: the line in which the loop ended with an error; None.
        nan_line: the line whose result was the first NaN; None.
        training_mode_in_eval: modules in training mode while the network was evaluated.
        repeatable: whether the first step, repeated from its tape, had the same outputs.
        met: where each output met the targets of all examples in an evaluation; None.
        loaded_itself: how its weights were kept without a copy, and loaded in vain; None.
        lost: variables that were parameters, and require no gradient where the loop failed.
        tells_error: whether an error that ended the loop is torch's, or one that is known.
        eval_rows: inputs of the network in an evaluation, a part of them.
        evaluated_weights: ids of the parameters of products in evaluations.
        first_weights: the parameters before the first step, by name.
        problem: why a step could not be observed; "" if all could.
        overhead: seconds that the observations took.
        duration: seconds, of a loop that has ended; 0 while it goes on.
    """

    def __init__(
        self, objects: tuple[Any, ...] = (), share: float = 0.02, every: float = math.inf
    ) -> None:
        self.earlier: list[int] = []
        self.networks, self.number = 1, 1
        self.chosen: Reached | None = None
        """How far the best of them came, where it is chosen by that."""
        self._best: LoopWatcher | None = None
        """What was known of the best one of those before."""
        self.error = ""
        self.crashed_at: Line | None = None
        self.tells_error = False
        self.loaded_itself: LoadedItself | None = None
        self.problem = ""
        self.overhead = 0.0
        self._work, self._step_work = 0.0, 0.0
        """Of observations, and of a step, in seconds of a usual core: the same on any machine."""
        self._seen_before = 0.0
        """Of that, what earlier networks took."""
        self.duration = 0.0
        self._objects = objects
        self._share = share
        self._pace = Pace(every, share)
        self._started = time.perf_counter()
        self._recorder: TapeRecorder | None = None
        self._unused: Backward | None = None
        """The last pass of the step that was just recorded, if nothing has used its gradients."""
        self._recording_since = clock()
        self._finished: set[int] = set()
        """Optimisers that had a state before the first step, until they are seen to do one."""
        self._before: dict[str, Tensor] = {}
        self._losses = KeptLosses()
        self._told = False
        self._every = every
        self.variables = Variables()
        self._begin_network()

    def _begin_network(self) -> None:
        """Begin with a network, of which nothing is known."""
        self.count = 0
        self.observations: list[Observation] = []
        self.validations: list[tuple[int, float]] = []
        self.validated_with: list[float] = []
        self.metrics: list[tuple[int, float, float]] = []
        self.rates: list[tuple[int, float]] = []
        self.graph: StepGraph | None = None
        self.batches: list[Batch] = []
        self.batch_steps: list[int] = []
        self.evaluations: list[tuple[int, Tensor]] = []
        self.inference: InferenceStats | None = None
        self.met: Met | None = None
        self.use_lines: dict[int, Line] = {}
        self.loaded_line: Line | None = None
        self._copies: dict[int, weakref.ref[Tensor]] = {}
        """Parameters of copies of the network that were used, by id."""
        self.nan_line: Line | None = None
        self.training_mode_in_eval: tuple[str, ...] = ()
        self.repeatable = True
        self.lost: tuple[str, ...] = ()
        self.eval_rows: list[Tensor] = []
        self.evaluated_weights: set[int] = set()
        self.first_weights: dict[str, Tensor] = {}
        self._observed: Observation | None = None
        self._layers: LayersSeen | None = None
        self._trained: tuple[str, ...] | None = None
        self._network: dict[int, tuple[Tensor, Tensor | None]] = {}
        """What was trained so far, and its first values."""
        self._moved = MovedParameter()
        self._seen_modules: list[nn.Module] = []
        self._seen_optimizers: list[torch.optim.Optimizer] = []
        self._next_validation = -1
        self._validation_observed = False
        self._accumulates = False
        self._behind_update, self._followed = -1, 0
        self._version, self._updated_at, self._next_update, self._expected = -1, -1, -1, 0
        self._rate_stride = 1
        self._next_step, self._step_before = 0, 1
        self._quiet_until = 0
        """The step before which only losses are kept, as long as weights move as usual."""

    @property
    def seconds(self) -> float:
        """How long the loop has run."""
        return time.perf_counter() - self._started

    @property
    def total(self) -> int:
        """How many steps are done, by all networks."""
        return sum(self.earlier) + self.count

    @property
    def cycle(self) -> tuple[int, int]:
        """How many steps of a one-cycle schedule are done, and how many it has; zeros without."""
        optimizers = {id(optimizer) for optimizer in self.variables.optimizers}
        for schedule in self.variables.schedules:
            if isinstance(schedule, OneCycleLR) and id(schedule.optimizer) in optimizers:
                return schedule.last_epoch, schedule.total_steps
        return 0, 0

    @property
    def is_recording(self) -> bool:
        """Whether the step that is being done is observed."""
        return self._recorder is not None

    def layers(self) -> LayersSeen | None:
        """Return the layers in the newest step that was observed; None before there is one."""
        if self.graph is None or self._observed is None:
            return None
        if self._layers is None:
            with torch._C.DisableTorchFunction():
                self._layers = layer_snapshot(self.graph, self._observed)
        return self._layers

    # The loop.

    def start_recording(self, frame: FrameType | None) -> None:
        """Record the next step."""
        begin = clock()
        self._quiet_until = 0
        with torch._C.DisableTorchFunction():
            self.variables = find_variables(_namespaces(frame), self._objects)
            if self._trained is None:
                self._trained = tuple(self.variables.parameters)
                self._finished = {id(o) for o in self.variables.optimizers if o.state}
            self._before = {n: p.detach().clone() for n, p in self.variables.parameters.items()}
            self.first_weights = self.first_weights or self._before
        self._recorder, self._unused = TapeRecorder(unused=self._unused), None
        self._recorder.__enter__()
        self._recording_since = clock()
        self.overhead += self._recording_since - begin

    def stop_recording(self) -> Tape | None:
        """Stop, and return what was recorded; None if nothing was."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        recorder.__exit__(None, None, None)
        self._unused = recorder.unused
        return recorder.tape

    def step(self, loss: Tensor | float, frame: FrameType | None) -> None:
        """Take the loss of a step that is done, its update included; what is none is said once."""
        tape = self.stop_recording() if self._recorder is not None else None
        count = self.count
        self._moved.look(count)
        # To keep every loss costs a fast loop one per cent.
        thinned = tape is None and count > THINNED_FROM and count % THINNED_STRIDE != 0
        if count < self._quiet_until and self._moved.suspected_at < 0:
            if not thinned and self._is_loss(loss, "seen.step()"):
                self._losses.keep(count, loss)
            self.count = count + 1
            return
        if count % self._rate_stride == 0 and self.variables.optimizers:
            self._note_rate()
        if not thinned:
            known = self._is_loss(loss, "seen.step()")
            if tape is not None:
                with torch._C.DisableTorchFunction():
                    self._try_to_observe(tape, loss if known else None, frame)
                cost = clock() - self._recording_since  # recording itself is slower, too
                if self.count >= FREE_STEPS or self.earlier:
                    self.overhead += cost
                    self._work += self._observing_work(tape)
                    self._pace.charge(cost)
            if known:
                self._losses.keep(self.count, loss)
            self._expect_update()
        self.count += 1
        if frame is not None:
            if self.due():
                self.start_recording(frame)
            else:
                self._quiet_until = self._next_busy_step()
        self._unused = None  # of a step that is not recorded nothing is known

    def _next_busy_step(self) -> int:
        """Return the next step in which more may be done than to keep its loss.

        A validation, or a step that is recorded, may make it an earlier one.
        """
        if self._every < math.inf or self._expects_update:
            return self.count
        ahead = [self._next_step, self._behind_update, self._next_update, self._next_validation]
        busy = [step - 1 for step in ahead if step > self.count]  # in it the next one begins
        if self.variables.optimizers:
            busy.append(self.count + -self.count % self._rate_stride)
        return min(busy)

    @property
    def _expects_update(self) -> bool:
        """Whether it is still to be seen when gradients that are accumulated are used."""
        return self._accumulates and self._expected < FOLLOWED and self.graph is not None

    def _expect_update(self) -> None:
        """Where gradients are accumulated, see by the last two updates when the next one is due."""
        if not self._expects_update:
            return
        parameters = self.graph.tape.parameters if self.graph is not None else ()
        version = parameters[-1]._version if parameters else -1
        if version != self._version and self._version >= 0:
            if 0 <= self._updated_at < self.count - 1:
                self._next_update = 2 * self.count - self._updated_at
                self._expected += 1
            self._updated_at = self.count
        self._version = version

    def _is_loss(self, value: Any, where: str) -> bool:
        """Whether this is a real number, or a tensor of such; else say so, once."""
        known = is_loss(value)
        if not known and not self._told:
            self._told = True
            _log.warning("%s was given something that is no loss: %.80r", where, type(value))
        return known

    def due(self) -> bool:
        """Whether the next step is to be observed."""
        # Of nearly all steps nothing makes it so: that is seen without reckoning what it may take.
        count = self.count
        if (
            count < self._next_step
            and count != self._next_validation
            and count != self._behind_update
            and count != self._next_update
            and self._moved.suspected_at < 0
        ):
            return self._every < math.inf and self._pace.due()
        by_work = self._seen_before + self._share * self.count * self._step_work
        if len(self.earlier) < AS_FREE:
            by_work += FREE_SECONDS
        else:
            by_work += min(FREE_SECONDS, FREE_AGAIN * (AHEAD + self.count) * self._step_work)
        by_clock = BOUND * (FREE_SECONDS * (1 + len(self.earlier)) + self._share * self.seconds)
        first = self.count < FREE_STEPS and not self.earlier
        affordable = first or (self._work < by_work and self.overhead < by_clock)
        planned = self.count >= self._next_step
        while self._next_step <= self.count:
            # 0, 1, 2, 3, 5, 8, ...: each step of a cycle is met sooner or later.
            before, self._step_before = self._step_before, self._next_step
            self._next_step += max(1, min(before, LONGEST_STRIDE))
        if self._moved.suspected_at >= 0:
            return True
        if affordable and (planned or self.count in (self._behind_update, self._next_update)):
            return True
        if self.count == self._next_validation and (affordable or not self._validation_observed):
            self._validation_observed = True  # an evaluation can be observed only where one is
            return True
        return self._every < math.inf and self._pace.due()

    def _observing_work(self, tape: Tape) -> float:
        """Return the work of having observed a step, and note that of the step."""
        self._step_work = step_seconds(tape.ops)
        weights = sum(t.numel() for t in self._before.values())
        return observing_seconds(len(tape.ops), weights)

    def _note_rate(self) -> None:
        """Keep the learning rate that the optimiser has now."""
        optimizers = self.variables.optimizers
        groups = [g for o in optimizers if id(o) not in self._finished for g in o.param_groups]
        if not groups:
            return
        self.rates.append((self.count, max(float(group["lr"]) for group in groups)))
        if len(self.rates) >= MAX_RATES:
            self.rates = self.rates[::2]
            self._rate_stride *= 2

    def losses(self) -> tuple[Array, Array]:
        """Return steps and losses; of very many, evenly spread ones."""
        return self._losses.arrays()

    # Observations.

    def _try_to_observe(
        self, tape: Tape, loss: Tensor | float | None, frame: FrameType | None
    ) -> None:
        """Observe; a loop that can't be understood must go on all the same."""
        try:
            self._observe(tape, loss, frame)
        except CancelledError:
            raise
        except Exception as error:
            _log.exception("a step was not understood")
            self.problem = f"{type(error).__name__}: {error}"

    def observe_crash(self, tape: Tape, frame: FrameType | None) -> None:
        """Observe a step that ended in an error, as far as it came."""
        for space in reversed(_namespaces(frame)):
            held = {name: value for name, value in space.items() if isinstance(value, Tensor)}
            self.lost = tuple(
                name
                for name in self._trained or ()
                if name in held and not (held[name].requires_grad and held[name].is_leaf)
            )
        if tape.root is not None and self.graph is None:
            self._observe(tape, float("nan"), frame)

    def _observe(self, tape: Tape, loss: Tensor | float | None, frame: FrameType | None) -> None:
        if loss is None:  # what was reported is none: what backward was called on, is
            loss = math.nan if tape.root is None else tape.root
        earlier_names = self.variables.names
        earlier_parameters = {id(t) for t in self.variables.parameters.values()}
        earlier_variables = self.variables
        variables = self.variables = find_variables(_namespaces(frame), self._objects)
        variables.names = {**earlier_names, **variables.names}
        self._leave_out_finished(variables, tape)
        if tape.root is None and isinstance(loss, Tensor):
            tape.root = loss
        tape.choose_pass(loss)
        self._see_whose(tape, earlier_variables, earlier_parameters)
        held = list(variables.held())
        _drop_results(variables, tape, earlier_parameters, self._trained or ())
        fresh = {id(t) for t in variables.parameters.values()} - {id(t) for t in held}
        graph = build_graph(tape, held, variables.buffers, frozenset(fresh - earlier_parameters))
        self._observe_evaluation(tape, graph)
        seen = observe(graph, variables, self._before, loss, self.count, self.seconds)
        if not self.observations:
            self.repeatable = is_repeatable(graph, earlier_names, self._before)
        self.observations.append(seen)
        moved = any(p.update > 0 for p in seen.parameters)
        self._accumulates |= not moved
        if moved and self._accumulates and self._followed < FOLLOWED:
            self._followed += 1
            self._behind_update = self.count + 1
        if len(self.observations) > MAX_OBSERVATIONS:
            del self.observations[MAX_OBSERVATIONS // 2 :: 2]
        if seen.first_nan and not any(one.first_nan for one in self.observations[:-1]):
            _, made = first_nan(graph, variables, self._before)
            self.nan_line = made.line if made else None
        if np.isfinite(seen.loss) or self.graph is None:
            self.graph, self._observed, self._layers = graph, seen, None
            self._keep_batch(graph)

    def _see_whose(self, tape: Tape, earlier: Variables, known: set[int]) -> None:
        """Begin anew where the step trains another network than those before it.

        Args:
            tape: of the step.
            earlier: the variables before it.
            known: ids of the parameters that were there when it began.
        """
        variables = self.variables
        trained = {id(p): p for found in tape.passes for p in found.parameters}
        if not trained:
            return
        suspected = self._moved.suspected_at
        at = suspected if suspected >= 0 else self.count
        if at >= MIN_STEPS and self._moved.moves and self._trains_another(tape, variables, trained):
            self._begin_anew(at, earlier, set(trained))
        if self._network and known.isdisjoint(trained):
            self._before = {}  # what is trained was made in this very step
        self._moved.settle()
        for key, parameter in trained.items():
            first = self.first_weights.get(variables.name(parameter))
            self._network.setdefault(key, (parameter, first))
        self._seen_modules = list(variables.modules.values())
        self._seen_optimizers = list(variables.optimizers)
        if id(self._moved.parameter) not in trained:
            self._moved.put(min(trained.values(), key=lambda p: (p.dim() < 2, p.numel())))
        self._moved.note(self._before, variables)

    def _trains_another(self, tape: Tape, variables: Variables, trained: dict[int, Tensor]) -> bool:
        """Whether a step trains a network made anew, or one that was re-initialised."""
        name, moved = variables.name, self._moved
        if self._network.keys().isdisjoint(trained):
            before, known = zip(*self._network.values(), strict=True)
            first = [t for t in known if t is not None]
            return is_another(tape, list(trained.values()), before, first, self._seen_modules)
        if moved.parameter is None or moved.first is None or moved.last is None:
            return False
        now = self._before.get(name(moved.parameter))
        if now is None or not has_new_optimizer(variables, trained, self._seen_optimizers):
            return False
        return begins_again([now], [moved.first], [moved.last])

    def _begin_anew(self, at: int, earlier: Variables, trained: set[int]) -> None:
        """Keep of what is known only what belongs to the network that began with a step.

        Args:
            at: the step.
            earlier: the variables before it.
            trained: ids of the parameters that it trains.
        """
        losses_before, losses = self._losses.split(at)
        if self._network.keys().isdisjoint(trained):  # else its weights are those of the new one
            finished = self._until(at, earlier, losses_before)
            if self._best is None or not self._best._reached().is_below(finished._reached()):
                self._best = finished
        count, before = self.count, self._before
        validations = list(zip(self.validations, self.validated_with, strict=True))
        metrics, variables = self.metrics, self.variables
        self._seen_before = self._work
        self.earlier = [*self.earlier, at]
        self.networks, self.number = self.networks + 1, self.number + 1
        self._begin_network()
        self.count = count - at
        self._losses = losses
        for (step, loss), sum_of_weights in validations:
            if step > at:
                self.validations.append((step - at, loss))
                self.validated_with.append(sum_of_weights)
        self.metrics = [(step - at, loss, right) for step, loss, right in metrics if step > at]
        self.first_weights = before
        self._trained = tuple(variables.parameters)
        self._finished = {
            id(o)
            for o in variables.optimizers
            if o.state and not any(id(p) in trained for g in o.param_groups for p in g["params"])
        }

    def _until(self, at: int, variables: Variables, losses: KeptLosses) -> "LoopWatcher":
        """Return what is known of a network whose last step was the one before this."""
        known = copy.copy(self)
        known._best, known._losses, known.variables, known.count = None, losses, variables, at
        measured = bisect_left([step for step, _ in self.validations], at + 1)
        known.validations = self.validations[:measured]
        known.validated_with = self.validated_with[:measured]
        known.metrics = [one for one in self.metrics if one[0] <= at]
        known.rates = [one for one in self.rates if one[0] < at]
        return known

    def _reached(self) -> Reached:
        return reached(self.observations, self.validations, self.losses()[1])

    def judged(self) -> "LoopWatcher":
        """Return what is known of the network that is judged, once the loop has ended.

        It is the best of those that were trained one after another, where that can be told from
        their losses; else the last one.
        """
        best, mine = self._best, self._reached()
        if best is None:
            return self
        its = best._reached()
        if not its.is_below(mine):
            self.chosen = mine if mine.is_below(its) else None
            return self
        steps = [*self.earlier, self.count]
        best.earlier = [n for k, n in enumerate(steps, 1) if k != best.number]
        best.networks, best.chosen = self.networks, its
        return best

    def _leave_out_finished(self, variables: Variables, tape: Tape) -> None:
        """Leave out optimisers of an earlier training: they had a state, and move nothing here."""
        moved = set[int]().union(*(found.updated for found in tape.passes))
        for optimizer in variables.optimizers:
            if any(id(p) in moved for group in optimizer.param_groups for p in group["params"]):
                self._finished.discard(id(optimizer))
        variables.optimizers = [o for o in variables.optimizers if id(o) not in self._finished]

    def _observe_evaluation(self, tape: Tape, graph: StepGraph) -> None:
        """Note how the network was evaluated in the step: in which mode, on which inputs."""
        learned_from = any(id(op) in tape.fed_by_eval for op in graph.ops)
        if learned_from or (tape.fed_by_eval and not self.validations):
            return  # it was no evaluation
        self.evaluated_weights |= tape.evaluated_weights
        self.met = self.met or tape.met
        if tape.training_mode_in_eval:
            self.training_mode_in_eval = tuple(sorted(tape.training_mode_in_eval))
        if self.inference is None and (words := unscaled_dropout(graph)):
            self.inference = InferenceStats(extra=(words,))
        self._keep_tokens(tape, graph)
        for shape, values in tape.eval_inputs:
            for inputs in graph.inputs:
                if inputs.is_floating_point() and tuple(inputs.shape[1:]) == shape:
                    same = [v for s, v in tape.eval_inputs if s == shape]
                    most = max(MIN_EVAL_ROWS, MAX_EVAL_ROWS // len(same))
                    self.eval_rows = [rows[:most].detach().clone() for rows in same]
                    self._keep_evaluation(self.eval_rows[0])
                    # What was noted may have gone through a normalisation of the network's own.
                    different = compare_sizes(_first_given(graph, shape, inputs), values)
                    if different and self.inference is None:
                        told = tuple(different)
                        self.inference = InferenceStats(extra=told, unlike=told, given=values)
                    return

    def _keep_evaluation(self, rows: Tensor) -> None:
        """Keep when a network was evaluated on some rows: of many times the first and the last."""
        most = MAX_EVALUATION_BYTES // max(1, rows[:1].numel() * rows.element_size())
        self.evaluations.append((self.count, rows[: min(MAX_EVAL_ROWS, most)].detach().clone()))
        if len(self.evaluations) > MAX_EVALUATIONS:
            del self.evaluations[len(self.evaluations) // 2]

    def _keep_tokens(self, tape: Tape, graph: StepGraph) -> None:
        """Keep tokens that the network was evaluated on, of all evaluations that were observed."""
        shapes = {t.shape[1:] for t in graph.inputs if not t.is_floating_point() and t.dim() > 1}
        rows = [t for _, t in tape.eval_inputs if not t.is_floating_point()]
        rows = [t for t in rows if t.shape[1:] in shapes]
        if len(tape.eval_inputs) < MAX_EVAL_INPUTS:  # else what came later is not known
            most = MAX_EVAL_ROWS // max(1, len(rows))
            self.eval_rows += [t[: max(1, most)].clone() for t in rows]
            self.eval_rows = self.eval_rows[-MAX_TOKEN_BATCHES:]

    def _keep_batch(self, graph: StepGraph) -> None:
        if graph.targets is None or not graph.inputs:
            return
        parts = (*graph.inputs, graph.targets)
        size = sum(t.numel() * t.element_size() for t in parts)
        if size > MAX_BATCH_BYTES:
            return
        copies = [t.detach().clone() for t in parts]
        self.batches.append((tuple(copies[:-1]), copies[-1]))
        self.batch_steps.append(self.count)
        if len(self.batches) > max(2, min(MAX_BATCHES, MAX_BATCH_BYTES // size)):
            middle = len(self.batches) // 2
            del self.batches[middle], self.batch_steps[middle]

    # What the loop reports besides.

    def validate(self, loss: Tensor | float, accuracy: Tensor | float | None = None) -> None:
        """Take a loss on other data, and the accuracy there: 0 to 1, or in per cent."""
        if not self._is_loss(loss, "seen.validate()"):
            return
        if self._is_of_other_data(loss_of(loss)):
            return
        count = len(self.validations)
        if self.validations and (count <= FIRST_VALIDATIONS or count.bit_count() == 1):
            self._next_validation = 2 * self.count - self.validations[-1][0]
            self._quiet_until = 0
        value = loss_of(loss)
        self.validations.append((self.count, value))
        passes = self.graph.tape.passes if self.graph is not None else []
        # Of a step that is under way the weights are known from before its update.
        moving = self._recorder is not None and bool(self._recorder.tape.passes)
        compared = passes and count < MAX_COMPARED and not moving
        self.validated_with.append(weights_sum(passes[0].parameters) if compared else math.nan)
        if accuracy is not None and self._is_loss(accuracy, "seen.validate()"):
            share = loss_of(accuracy)
            self.metrics.append((self.count, value, share / 100 if share > 1 else share))

    def _is_of_other_data(self, loss: float) -> bool:
        """Whether a loss is far from that of the same weights before: on other data than that.

        As after a training, where it is tested on a task that it has not learned.
        """
        same = bool(self.validations) and self.validations[-1][0] == self.count
        return same and loss > OTHER_DATA * abs(self.validations[-1][1]) + OTHER_DATA_MARGIN

    @contextmanager
    def watch_inference(self, frame: FrameType | None) -> Iterator[None]:
        """Record how the network is used, and compare it with how it was trained."""
        self.stop_recording()
        recorder = TapeRecorder(training=False)
        with recorder:
            yield
        self.met = self.met or recorder.tape.met
        if self.graph is not None:
            self._compare(self.graph, recorder.tape, frame)

    def has(self, ids: set[int]) -> bool:
        """Whether any of some tensors is a weight that a step has used."""
        if self.graph is None:
            return False
        known = ids & self.graph.weights.keys()  # also of other networks around the loop
        return any(id(t) in known for op in self.graph.tape.ops for t in op.inputs)

    def trains(self, ids: frozenset[int]) -> bool:
        """Whether a backward pass of the newest step has reached any of some parameters."""
        passes = self.graph.tape.passes if self.graph is not None else []
        return any(id(p) in ids for found in passes for p in found.parameters)

    def take_use(self, tape: Tape, frame: FrameType | None, by_copy: bool = False) -> bool:
        """Take what may have been a use; return whether it was one, from first to last layer.

        A layer that is looked at, such as an embedding that is drawn, is none. A whole module of
        several layers is one, such as a generator; what it is not given can't be compared.

        Args:
            tape: of it.
            frame: in which it stands.
            by_copy: whether it may be that of a copy of all weights, as behind the loop.
        """
        graph = self.graph
        if graph is None:
            return False
        of_copy = in_trained_weights(graph, tape) if by_copy and graph.layers else tape
        by_copy, own, tape = of_copy is not tape, tape, of_copy
        if not graph.layers:  # numbers that are no matrices: all of them are used
            used = {id(t) for op in tape.ops if op.name in COMBINES for t in op.inputs}
            trained = {id(t) for t in graph.tape.parameters}
            return bool(trained) and trained <= used
        if not any(op.name in PRODUCTS for op in tape.ops) and any(
            op.name in PRODUCTS for op in graph.ops
        ):
            return False  # weights are looked at, as where they are pruned
        first, *_, last = [*graph.layers, *graph.layers]
        used = set(signature(tape.ops, graph.weights))
        if not {first, last} <= used:
            return self._is_module(used & set(graph.layers), frame)
        self.met = self.met or tape.met
        if self.inference is None or not self.inference.differs:
            self._compare(graph, tape, frame)
            if by_copy and frame is not None:  # its layers' lines are those of training, too
                statement = frame.f_code.co_filename, frame.f_lineno
                self.use_lines = {0: _called_from(graph, tape) or statement}
                self.loaded_line = loaded_at(own)
        if by_copy:
            given = (t for op in own.ops for t in op.inputs)
            self._copies |= {id(t): weakref.ref(t) for t in given if isinstance(t, nn.Parameter)}
        if (rows := _rows_given(graph, tape, first)) is not None:
            self._keep_evaluation(rows)
        return True

    def takes_up(self, later: "LoopWatcher") -> bool:
        """Leave out that inputs differ in inference, where a later loop learns from such as these.

        As where a network is tried on the data of another domain, before it is adapted to it.

        Returns:
            Whether there was anything to leave out.
        """
        found, after = self.inference, later.graph
        if found is None or found.given is None or not found.unlike or after is None:
            return False
        inputs = next((t for t in after.inputs if t.shape[1:] == found.given.shape[1:]), None)
        mine = set(self.graph.weights) if self.graph else set[int]()
        copies = {key for key, held in self._copies.items() if held() is not None}
        if inputs is None or not later.has(mine | copies):
            return False
        if compare_sizes(inputs, found.given):
            return False
        self.inference = found.of_like_inputs()
        return True

    def _is_module(self, used: set[int], frame: FrameType | None) -> bool:
        """Whether layers are all those of a network, or of one of its parts."""
        with torch._C.DisableTorchFunction():
            roots = find_variables(_namespaces(frame), self._objects).modules.values()
        for module in chain(roots, *(root.children() for root in roots)):
            matrices = {id(p) for p in module.parameters() if p.dim() > 1}
            if len(matrices) > 1 and matrices == used:
                return True
        return False

    def _compare(self, graph: StepGraph, tape: Tape, frame: FrameType | None) -> None:
        with torch._C.DisableTorchFunction():
            variables = find_variables(_namespaces(frame), self._objects)
            acts = bool(self.observations) and self.observations[-1].training_kind == ACTOR
            self.inference = compare_inference(
                graph, tape, variables, self.count, self.batches, acts
            )
        lines = defaultdict[int, Counter[Line]](Counter)
        for op in tape.ops:
            for key in (id(tensor) for tensor in op.inputs):
                if op.line and key in graph.weights:
                    lines[key][op.line] += 1
        self.use_lines = {key: counts.most_common(1)[0][0] for key, counts in lines.items()}


def _called_from(graph: StepGraph, tape: Tape) -> Line | None:
    """Return the line in which a copy is called, which is none of the training's; None."""
    trained = {op.line for op in graph.ops}
    calls = (op.line for op in tape.ops if any(id(t) in graph.weights for t in op.inputs))
    found = Counter(line for line in calls if line and line not in trained)
    return found.most_common(1)[0][0] if found else None


def _rows_given(graph: StepGraph, tape: Tape, weight: int) -> Tensor | None:
    """Return what a use gives to the first layer, where that is what the network is given."""
    size = graph.inputs[0][:1].numel() if graph.inputs and graph.inputs[0].dim() > 1 else 0
    for op in tape.ops:
        if op.name in RECURRENT or any(id(t) == weight for t in op.inputs):
            given = [t for t in op.inputs if id(t) not in graph.weights and t.dim() > 1]
            return next((t for t in given if t[:1].numel() == size), None)
    return None


def _first_given(graph: StepGraph, shape: tuple[int, ...], otherwise: Tensor) -> Tensor:
    """Return what the first product of a step was given, if its rows are of a shape."""
    for op in graph.ops:
        if op.name in PRODUCTS | RECURRENT:
            given = op.operand(0)
            alike = isinstance(given, Tensor) and given.is_floating_point()
            return given if alike and tuple(given.shape[1:]) == shape else otherwise
    return otherwise


def _drop_results(
    variables: Variables, tape: Tape, known: set[int], first: tuple[str, ...]
) -> None:
    """Leave out leaves that the step made, such as a loss in a new tensor: no parameters."""
    kept = known | {id(t) for t in variables.held()}
    for name, tensor in list(variables.parameters.items()):
        made = id(tensor) not in kept and name not in first
        if tensor is tape.root or made:
            del variables.parameters[name]


def _namespaces(frame: FrameType | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    inside = frame.f_locals
    return [inside] if inside is frame.f_globals else [inside, frame.f_globals]
