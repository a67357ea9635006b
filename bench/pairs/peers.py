"""Tools of the package registry that judge a PyTorch loop, each with the ids of its findings.

They are no dependency: a tool is imported where it is asked, and is used as its own documentation
says, with its default thresholds. What a tool calls an error counts as "broken"; a warning counts
where it has an id here (advice on style or speed is no finding of a fault). What has no id, such as
"overfit_batch" (anything that prevents learning), is counted as found, and names no cause.

Left out, since nobody judges there: the plain curves of wandb and TensorBoard; cockpit-for-pytorch
(pictures). Left out, since it can't be asked in this way: mldoct (reads a script's source, which is
the same for both programs of a pair), pulseml (asks a language model of a provider), torchtest
and tinytorchtest (assertions that torchtest2 has, too), deepchecks (data sets and
predictions).
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from functools import partial
from statistics import fmean as mean
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from bench.pairs.judges import Answer, CannotJudgeError, Judge


class Peer(Judge):
    """A tool, as far as they agree; each says what it found, and what that is called here."""

    ids: ClassVar[dict[str, str]] = {}

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give each finding: the tool's name for it, whether it is an error, the tool's words."""
        raise NotImplementedError

    def answer(self) -> Answer:
        """Return the ids in the tool's order, errors first."""
        found = sorted(self.findings(), key=lambda one: not one[1])
        counted = [one for one in found if one[1] or one[0] in self.ids]
        causes = dict.fromkeys(self.ids[key] for key, _, _ in counted if key in self.ids)
        words = dict.fromkeys(f"{key}: {words}"[:300] for key, _, words in found)
        return Answer(bool(counted), list(causes), list(words)[:8])

    def model(self) -> nn.Module:
        """Return the network around the loop; several in a container; an error where none is."""
        found = self.modules()
        inner = {id(part) for one in found for part in one.modules() if part is not one}
        outer = [one for one in found if id(one) not in inner]
        if not outer:
            raise CannotJudgeError("the loop has no module, which this tool needs")
        return outer[0] if len(outer) == 1 else nn.ModuleList(outer)

    def network(self) -> nn.Module:
        """Return the largest network that can be called; an error where none is."""
        callable_ones = [
            one for one in self.modules() if not isinstance(one, nn.ModuleList | nn.ModuleDict)
        ]
        if not callable_ones:
            raise CannotJudgeError("the loop has no module that is called, which this tool needs")
        return max(callable_ones, key=lambda one: sum(p.numel() for p in one.parameters()))

    def optimizer(self, network: nn.Module | None = None) -> torch.optim.Optimizer | None:
        """Return the optimiser that has most of the parameters of a network, or the first one."""
        wanted = {id(p) for p in network.parameters()} if network else set()

        def shared(optimizer: torch.optim.Optimizer) -> int:
            return sum(id(p) in wanted for g in optimizer.param_groups for p in g["params"])

        return max(self.optimizers(), key=shared, default=None)

    def rate(self) -> float:
        """Return the learning rate of the first optimiser; NaN without one."""
        optimizer = self.optimizer()
        return float(optimizer.param_groups[0]["lr"]) if optimizer else math.nan

    def gradient_norm(self) -> float:
        """Return the norm of all gradients that are there behind a step; NaN without any."""
        grads = [p.grad for one in self.modules() for p in one.parameters() if p.grad is not None]
        norms = torch.stack([grad.norm() for grad in grads]) if grads else torch.tensor(math.nan)
        return float(norms.norm())


class GradSnitch(Peer):
    """gradsnitch 0.1: reads loss, gradient norm, rate and update ratio."""

    ids: ClassVar[dict[str, str]] = {
        "GS001": "nan",
        "GS002": "exploding_gradient",
        "GS003": "exploding_gradient",
        "GS004": "overfitting",
        "GS005": "plateau",
        "GS006": "lr_too_high",
        "GS007": "vanishing_gradient",
        "GS008": "lr_too_high",
        "GS009": "oscillation",
        "GS010": "lr_vanished",
    }

    def begin(self) -> None:
        """Give it the model and the optimiser, where there are some."""
        import gradsnitch

        self.monitor = gradsnitch.watch(self.model() if self.modules() else None, self.optimizer())

    def step(self, loss: Any) -> None:
        """Log a step."""
        super().step(loss)
        self.monitor.log(len(self.losses), self.losses[-1])

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Add a loss on other data to the step before."""
        if self.monitor.rows:
            self.monitor.rows[-1]["val_loss"] = float(loss)

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give its rules; each is a verdict, whatever its severity."""
        for one in self.monitor.report() if self.monitor.rows else ():
            yield one.code, True, f"{one.name}: {one.evidence}"


class TorchAudit(Peer):
    """torch-audit 0.3: looks at modules, batches and gradients in every 20th step."""

    ids: ClassVar[dict[str, str]] = {
        "TA100": "nan",
        "TA102": "exploding_gradient",
        "TA103": "dead_units",
        "TA104": "parameter_not_trained",
        "TA105": "dead_units",
        "TA301": "inputs_not_normalised",
        "TA302": "inputs_ignored",
        "TA303": "dims_scrambled",
        "TA304": "batch_norm_tiny",
        "TA305": "labels_out_of_range",
        "TA500": "parameter_not_trained",  # a layer that is never called
    }

    def begin(self) -> None:
        """Patch the largest network and its optimiser, as its documentation begins with."""
        from torch_audit import autopatch

        network = self.network()
        self.auditor = autopatch(
            network, optimizer=self.optimizer(network), every_n_steps=20, reporters=[]
        )

    def end(self) -> None:
        """Restore what was patched."""
        self.auditor.unpatch()

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give its rules; information is no finding."""
        for one in self.auditor.finish().findings:
            if one.severity.value != "INFO":
                yield one.rule_id, one.severity.value != "WARN", one.message


class TrainProof(Peer):
    """trainproof 0.22: reads a log; a line of it is the mean of ten steps, as trainers write it."""

    ids: ClassVar[dict[str, str]] = {
        "TP-NAN": "nan",
        "TP-NAN-GRAD": "nan",
        "TP-FLAT": "plateau",
        "TP-DEAD-RUN": "plateau",
        "TP-DIVERGE": "lr_too_high",
        "TP-ZERO-GRAD": "parameter_not_trained",
        "TP-GRAD-SPIKE": "exploding_gradient",
        "TP-ZERO-LR": "lr_vanished",
        "TP-ZERO-LR-PARTIAL": "lr_vanished",
        "TP-OVERFIT": "overfitting",
    }

    def begin(self) -> None:
        """Start an empty log."""
        self.records: list[dict[str, float]] = []
        self.norms: list[float] = []

    def step(self, loss: Any) -> None:
        """Log a step."""
        super().step(loss)
        self.norms.append(self.gradient_norm())
        if len(self.losses) % 10 == 0:
            record = {"loss": mean(self.losses[-10:]), "lr": self.rate()}
            record["grad_norm"] = mean(self.norms[-10:])
            kept = {
                name: value for name, value in record.items() if value == value or name == "loss"
            }
            self.records.append({"step": len(self.losses), **kept})

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Log a loss on other data."""
        self.records.append({"step": len(self.losses), "eval_loss": float(loss)})

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give its checks of the log; a log without a loss is none of a fault."""
        from trainproof.epoch import check_records

        for one in check_records(self.records)["findings"] if self.records else ():
            if one["level"] in ("FAIL", "WARN"):
                yield one["id"], one["level"] == "FAIL", f"{one['message']} {one['evidence']}"


class TorchMortem(Peer):
    """torchmortem 0.1: hooks at every layer, and a report at the end."""

    ids: ClassVar[dict[str, str]] = {
        "Dead units": "dead_units",
        "Vanishing gradients detected": "vanishing_gradient",
        "Exploding gradients detected": "exploding_gradient",
        "Gradient stalling": "parameter_not_trained",
        "Training divergence detected": "lr_too_high",
        "Loss plateau detected": "plateau",
        "Activation saturation": "saturated_units",
        "Update ratio too low": "lr_too_low",
        "Update ratio too high": "lr_too_high",
        "Weight norm explosion": "lr_too_high",
        "Stagnant weight norms": "lr_too_low",
    }

    def begin(self) -> None:
        """Attach it to the network."""
        from torchmortem import Autopsy

        self.autopsy = Autopsy(self.model(), optimizer=self.optimizer())
        self.autopsy.attach()

    def step(self, loss: Any) -> None:
        """Log a step."""
        super().step(loss)
        self.autopsy.step(loss=self.losses[-1])

    def end(self) -> None:
        """Let it examine what it has collected."""
        self.autopsy.detach()

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give its findings by their titles, without the layer."""
        for one in self.autopsy.get_report().findings:
            if one.severity.name != "INFO":
                title = one.title.partition(" in ")[0]
                yield title, one.severity.name == "CRITICAL", one.summary


class TrainingDoctor(Peer):
    """training-doctor 0.1: reads loss, gradient norm, rate and validation loss."""

    ids: ClassVar[dict[str, str]] = {
        "Learning rate likely too high": "lr_too_high",
        "Learning rate may be too low": "lr_too_low",
        "Training plateau detected": "plateau",
        "Early training plateau": "plateau",
        "Overfitting detected": "overfitting",
        "Unusual train/eval pattern": "data_overlap",
        "Gradient instability detected": "exploding_gradient",
    }

    def begin(self) -> None:
        """Make it with its default detectors."""
        from training_doctor import Doctor

        self.doctor = Doctor()

    def step(self, loss: Any) -> None:
        """Log a step."""
        super().step(loss)
        values = {"loss": self.losses[-1], "lr": self.rate(), "grad_norm": self.gradient_norm()}
        kept = {name: value for name, value in values.items() if value == value or name == "loss"}
        self.doctor.log(len(self.losses), **kept)

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Log a loss on other data."""
        self.doctor.log(len(self.losses), eval_loss=float(loss))

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give its diagnoses, the most confident first."""
        for one in sorted(self.doctor.diagnoses, key=lambda one: -one.confidence):
            if one.severity.value != "info":
                yield one.problem, one.severity.value == "critical", one.explanation


LOSSES = {
    *(nn.functional.cross_entropy, nn.functional.nll_loss, nn.functional.mse_loss),
    *(nn.functional.binary_cross_entropy, nn.functional.binary_cross_entropy_with_logits),
}


class _LossCall(TorchFunctionMode):
    """Notes the calls of loss functions: function, arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., Tensor], tuple[Any, ...], dict[str, Any]]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in LOSSES:
            self.calls.append((func, args, kwargs or {}))
        return func(*args, **(kwargs or {}))


class _OneBatch(Peer):
    """A tool that wants a model, a batch and a loss: they are taken from the first step.

    The loss is known where a loss function is given the network's own output; else the tool goes
    without.
    """

    def begin(self) -> None:
        """Listen to the largest network and to loss functions in the first step."""
        self.called = self.network()
        self.batch: tuple[Any, ...] | None = None
        self.output: Any = None
        self.mode = _LossCall()
        self.listening = contextlib.ExitStack()
        hook = self.called.register_forward_hook(self._hear)
        self.listening.callback(hook.remove)
        self.listening.enter_context(self.mode)

    def _hear(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if self.batch is None:
            self.batch, self.output = inputs, output

    def step(self, loss: Any) -> None:
        """Ask the tool behind the first step."""
        super().step(loss)
        if len(self.losses) == 1:
            self.listening.close()
            self.ask()

    def end(self) -> None:
        """Stop listening where there was no step; a tool can still be asked."""
        self.listening.close()
        if not self.losses:
            self.ask()

    def ask(self) -> None:
        """Let the tool judge the batch."""
        raise NotImplementedError

    def loss(self) -> tuple[Any, Any]:
        """Return the loss function of (output, target), and the target; or None twice."""
        for function, args, kwargs in self.mode.calls:
            if len(args) > 1 and args[0] is self.output:
                return partial(_call, function, args[2:], kwargs), args[1]
        return None, None


def _call(function: Any, rest: tuple[Any, ...], kwargs: dict[str, Any], out: Any, to: Any) -> Any:
    return function(out, to, *rest, **kwargs)


class TorchTest2(_OneBatch):
    """torchtest2 0.1: checks of a model with one batch, among them learning it by heart."""

    ids: ClassVar[dict[str, str]] = {
        "forward": "crash",
        "output_finite": "nan",
        "output_varies": "inputs_ignored",
        "loss": "parameter_not_trained",
        "initial_loss": "bad_init_scale",
        "optimizer_coverage": "parameter_not_trained",
        "gradient_flow": "parameter_not_trained",
        "gradient_magnitude": "exploding_gradient",
        "params_change": "parameter_not_trained",
        "input_dependency": "inputs_ignored",
        "batch_independence": "batch_mixed",
    }

    report: Any = None

    def ask(self) -> None:
        """Run its checks, with the loss where it is known."""
        import torchtest2

        if self.batch is None:
            return
        loss_fn, target = self.loss()
        self.report = torchtest2.check_model(
            self.called,
            self.batch,
            target,
            loss_fn=loss_fn,
            optimizer=self.optimizer(self.called),
            skip=("optimizer_coverage",) if len(self.modules()) > 1 else (),  # others have the rest
        )

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give the checks that failed, and those that warn."""
        if self.report is None:
            raise CannotJudgeError("the network was not called in the first step")
        for one in self.report:
            if one.status.value in ("FAIL", "WARN"):
                yield one.name, one.status.value == "FAIL", one.message


class TorchDiag(_OneBatch):
    """torchdiag 0.1: gradients behind the first step, and units that are zero for a batch."""

    ids: ClassVar[dict[str, str]] = {
        "no_grad": "parameter_not_trained",
        "EXPLODE": "exploding_gradient",
        "VANISH": "vanishing_gradient",
        "dead": "dead_units",
    }

    def begin(self) -> None:
        """Listen, and find nothing yet."""
        super().begin()
        self.found: list[tuple[str, bool, str]] = []

    def ask(self) -> None:
        """Run its checks of gradients and of dead units."""
        import torchdiag

        for name, one in torchdiag.check_gradients(self.called).items():
            if one["status"] != "OK":
                self.found.append((one["status"], True, name))
        if self.batch is not None:
            for name, one in torchdiag.check_dead_neurons(self.called, *self.batch).items():
                if one["dead_pct"] > 50:
                    self.found.append(("dead", True, f"{name}: {one['dead_pct']:.0f} %"))

    def findings(self) -> Iterator[tuple[str, bool, str]]:
        """Give what the checks found."""
        yield from self.found


PEERS: dict[str, Callable[[], Judge]] = {
    "gradsnitch": GradSnitch,
    "torch-audit": TorchAudit,
    "trainproof": TrainProof,
    "torchmortem": TorchMortem,
    "training-doctor": TrainingDoctor,
    "torchtest2": TorchTest2,
    "torchdiag": TorchDiag,
}
