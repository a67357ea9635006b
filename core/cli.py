"""What ``python -m core`` understands: train, evaluate, predict, sample, diagnose, playgrounds.

With ``--json`` exactly one JSON object goes to stdout and progress to stderr. Bad input is one
line on stderr and exit status 2.
"""

import argparse
import io
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import __version__, playgrounds
from core.arguments import DEVICES, Parser, positive
from core.errors import UserError
from core.paths import RUNS, data_folder, data_source, show_tiktoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.doctor.diagnosis import Diagnosis
    from core.telemetry.events import Event
    from core.training.control import Control
    from core.training.recipe import Recipe
    from core.training.sabotage import Sabotage
    from core.training.trainer import Run


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a letter that is written
    try:
        options = _parser().parse_args(arguments)
        answer = options.run(options)
    except UserError as error:
        print(f"glassbox: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("glassbox: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read what is written has seen enough
        # What is left in the buffer goes nowhere, instead of into a closed pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if options.json:
        print(json.dumps(answer, allow_nan=False))
    else:
        print(options.show(answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m core", description="Glassbox, without its window.")
    parser.add_argument("--version", action="version", version=f"Glassbox {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def verb(name: str, run: Any, show: Any, about: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=about, description=about)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        sub.set_defaults(run=run, show=show)
        return sub

    verb("playgrounds", _playgrounds, _show_playgrounds, "list what can be trained")

    train = verb("train", _train, _show_train, "train a network and write its checkpoint")
    train.add_argument("playground", metavar="PLAYGROUND")
    train.add_argument("--model", metavar="M", help="which model of the playground")
    train.add_argument("--recipe", metavar="NAME", help="start from a recipe with a name")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=positive, metavar="S", help="train this long")
    length.add_argument("--steps", type=_positive_int, metavar="N", help="train this many steps")
    train.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    train.add_argument("--data", metavar="DIR", help="folder of full data sets, or a file of yours")
    train.add_argument("--device", default="auto", choices=DEVICES)
    train.add_argument("--seed", type=int, metavar="N", help="short for --set seed=N")
    train.add_argument("--out", type=Path, metavar="FILE", help="where the checkpoint goes")
    train.add_argument(
        "--weights-only", action="store_true", help="keep a smaller file, that can't be resumed"
    )
    train.add_argument(
        "--save-every", type=positive, metavar="S", help="also write it every so many seconds"
    )
    train.add_argument("--resume", metavar="CHECKPOINT", help="go on from a checkpoint")

    diagnose = verb("diagnose", _diagnose, _show_diagnosis, "say what is wrong with a training")
    diagnose.add_argument("subject", metavar="RECORD|CHECKPOINT|PLAYGROUND")
    diagnose.add_argument("--model", metavar="M", help="which model of the playground")
    diagnose.add_argument("--recipe", metavar="NAME", help="start from a recipe with a name")
    how_long = diagnose.add_mutually_exclusive_group()
    how_long.add_argument("--seconds", type=positive, metavar="S", help="train this long (20)")
    how_long.add_argument("--steps", type=_positive_int, metavar="N", help="train this many steps")
    diagnose.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    diagnose.add_argument("--break", dest="fault", metavar="FAULT", help="plant a fault first")
    diagnose.add_argument(
        "--budget", type=positive, default=30.0, metavar="S", help="seconds for experiments (30)"
    )
    diagnose.add_argument("--data", metavar="DIR", help="folder of full data sets, or a file")
    diagnose.add_argument("--device", default="auto", choices=DEVICES)
    diagnose.add_argument("--seed", type=int, metavar="N", help="short for --set seed=N")

    evaluate = verb("evaluate", _evaluate, _show_numbers, "judge a checkpoint on test data")
    evaluate.add_argument("checkpoint", metavar="CHECKPOINT")
    evaluate.add_argument("--data", metavar="DIR", help="folder of full data sets, or a file")

    predict = verb("predict", _predict, _show_predictions, "answer for image files")
    predict.add_argument("checkpoint", metavar="CHECKPOINT")
    predict.add_argument("images", nargs="+", type=Path, metavar="IMAGE")

    sample = verb("sample", _sample, _show_samples, "make something new after a prompt")
    sample.add_argument("checkpoint", metavar="CHECKPOINT")
    sample.add_argument("--prompt", default="", metavar="TEXT")
    sample.add_argument("--count", type=_positive_int, default=1, metavar="N")
    sample.add_argument("--tokens", type=_positive_int, default=200, metavar="N")
    sample.add_argument("--temperature", type=positive, default=1.0, metavar="T")
    sample.add_argument("--top-k", type=_positive_int, metavar="K")
    sample.add_argument("--top-p", type=positive, metavar="P")
    sample.add_argument("--seed", type=int, metavar="N")
    return parser


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return int(text)


def _playgrounds(options: argparse.Namespace) -> dict[str, Any]:
    found = [playgrounds.get(name) for name in playgrounds.all_names()]
    return {
        "playgrounds": [
            {
                "name": p.name,
                "about": p.about,
                "models": list(p.models),
                "recipes": {name: recipe.to_dict() for name, recipe in p.recipes.items()},
            }
            for p in found
        ]
    }


def _show_playgrounds(answer: dict[str, Any]) -> str:
    lines = []
    for found in answer["playgrounds"]:
        lines += [f"{found['name']}: {found['about']}"]
        lines += [f"  models: {', '.join(found['models'])}"]
        lines += [f"  recipes: {', '.join(found['recipes'])}"]
    return "\n".join(lines)


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from core.telemetry.events import Evaluated, Failed, Finished, Metrics, Started, Stopped
    from core.training.checkpoint import find_checkpoint, load_checkpoint
    from core.training.control import Control
    from core.training.device import choose_device
    from core.training.trainer import Run, train

    playground = playgrounds.get(options.playground)
    device = choose_device(options.device)
    named = options.recipe
    if named is None and options.model is None:
        named, why = playground.recipe_on(device.type)
        if why:
            _say(why)
    recipe = playground.recipe_for(options.model, named).replace(_pairs(options))
    if options.out and options.out.is_dir():
        raise UserError(f"--out {options.out} is a folder; name a file in it.")
    source = data_source(options.data)
    show_tiktoken(source)
    resume = load_checkpoint(find_checkpoint(options.resume)) if options.resume else None
    data = playground.load(source)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    out = options.out or RUNS / f"{playground.name}-{recipe.to_dict()['model']}-{stamp}.safetensors"
    steps = options.steps or (0 if options.seconds else recipe.steps) or None
    seconds = None if steps else options.seconds or 60.0
    run = Run(
        playground,
        recipe,
        data,
        device,
        seconds,
        steps,
        out=out,
        resume=resume,
        weights_only=options.weights_only,
        keep_every=options.save_every,
    )
    control = Control()
    signal.signal(signal.SIGINT, lambda *event: control.stop(abandon=control.stopping))
    answer: dict[str, Any] = {"playground": playground.name}
    told = 0.0
    _get_ready(run, control)
    for event in train(run, control):
        if isinstance(event, Started):
            answer |= {"model": event.model, "device": event.device, "dataset": event.dataset}
            answer |= {"parameters": event.parameters}
            if event.note:
                _say(event.note)
            first = event.step
        elif isinstance(event, Metrics):
            answer["train_loss"] = round(float(event.losses[-20:].mean()), 6)
            if time.monotonic() - told > 1:
                told = time.monotonic()
                _say(f"{event.progress:4.0%}  step {event.step:,}  loss {answer['train_loss']:.4f}")
        elif isinstance(event, Evaluated):
            answer["metrics"] = {name: round(v, 6) for name, v in event.metrics.items()}
            answer["val_loss"] = answer["metrics"]["val_loss"]
        elif isinstance(event, Failed):
            kept = f" They are in {event.checkpoint}." if event.checkpoint else ""
            raise UserError(event.sentence + kept)
        elif isinstance(event, Finished | Stopped):
            steps, seconds = event.step - first, max(1e-9, event.seconds)
            answer |= {"steps": event.step, "seconds": round(seconds, 3)}
            answer |= {"steps_per_second": round(steps / seconds, 2)}
            answer["checkpoint"] = event.checkpoint
    return answer


def _get_ready(run: "Run", control: "Control") -> None:
    """Let the data be made ready, and say how far it is."""
    from core.download import CancelledError

    told = time.monotonic()

    def tell(words: str, share: float) -> None:
        nonlocal told
        if time.monotonic() - told > 1:
            told = time.monotonic()
            _say(f"{share:4.0%}  {words}")

    try:
        run.playground.get_ready(run.data, run.recipe, tell, lambda: control.stopping)
    except CancelledError:
        raise UserError("Stopped before the training began; nothing was kept.") from None


def _pairs(options: argparse.Namespace) -> dict[str, str]:
    pairs = {}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set wants KEY=VALUE, such as lr=0.001; {text} has no '='.")
        pairs[key] = value
    if options.seed is not None:
        pairs["seed"] = str(options.seed)
    return pairs


def _show_train(answer: dict[str, Any]) -> str:
    return (
        f"{answer['model']} with {answer['parameters']:,} parameters on {answer['dataset']}:"
        f" {answer['steps']:,} steps, {answer['seconds']:.0f} s on {answer['device']},"
        f" loss {answer['train_loss']:.4f}, validation {answer['val_loss']:.4f}\n"
        f"{answer['checkpoint']}"
    )


def _diagnose(options: argparse.Namespace) -> dict[str, Any]:
    from core.doctor.record import SUFFIX, read_record

    if options.subject in playgrounds.all_names():
        return _diagnose_recipe(options).to_dict()
    if options.subject.endswith(SUFFIX) or options.subject.endswith(".json"):
        diagnosis = read_record(Path(options.subject).expanduser())["diagnosis"]
        if diagnosis is None:
            raise UserError(
                f"{options.subject} has no diagnosis yet: its loop goes on, or was killed."
            )
        found: dict[str, Any] = diagnosis.to_dict()
        return found
    return _diagnose_checkpoint(options).to_dict()


def _diagnose_recipe(options: argparse.Namespace) -> "Diagnosis":
    from core.doctor.examine import examine
    from core.training.control import Control
    from core.training.device import choose_device
    from core.training.trainer import Run

    playground = playgrounds.get(options.subject)
    device = choose_device(options.device)
    named = options.recipe
    if named is None and options.model is None:
        named, _ = playground.recipe_on(device.type)
    recipe = playground.recipe_for(options.model, named).replace(_pairs(options))
    sabotage = _fault(options.fault, playground.name, recipe)
    source = data_source(options.data)
    show_tiktoken(source)
    run = Run(
        playground,
        recipe,
        playground.load(source),
        device,
        seconds=None if options.steps else options.seconds or 20.0,
        steps=options.steps,
        watched=True,
        probe_every=1.0,
        sabotage=sabotage,
    )
    control = Control()
    signal.signal(signal.SIGINT, lambda *event: control.stop(abandon=control.stopping))
    _get_ready(run, control)
    return _heard(examine(run, control, options.budget))


def _fault(name: str | None, playground: str, recipe: "Recipe") -> "Sabotage | None":
    if name is None:
        return None
    from core.doctor.faults import FAULTS, fitting

    known = [fault.id for fault in fitting(playground, recipe)]
    if name not in known:
        raise UserError(
            f"The fault '{name}' can't be planted there; those that can: {', '.join(known)}."
        )
    return FAULTS[name].make()


def _diagnose_checkpoint(options: argparse.Namespace) -> "Diagnosis":
    from core.doctor.examine import examine_checkpoint
    from core.training.checkpoint import find_checkpoint, load_checkpoint
    from core.training.control import Control
    from core.training.device import choose_device

    source = data_source(options.data)
    show_tiktoken(source)
    if options.set or options.recipe or options.model or options.fault:
        raise UserError(
            "A checkpoint has its recipe; --set, --recipe and --break need a playground."
        )
    checkpoint = load_checkpoint(find_checkpoint(options.subject))
    device = choose_device(options.device)
    data = checkpoint.playground.load(source)
    return _heard(examine_checkpoint(checkpoint, data, device, Control(), options.budget))


def _heard(events: "Iterator[Event]") -> "Diagnosis":
    """Return the last diagnosis among events, and say what is being done meanwhile."""
    from core.telemetry.events import Diagnosed, Metrics, Progress

    told, diagnosis = time.monotonic(), None
    for event in events:
        if isinstance(event, Diagnosed):
            diagnosis = event.diagnosis
        elif isinstance(event, Progress):
            _say(event.words)
        elif isinstance(event, Metrics) and time.monotonic() - told > 1:
            told = time.monotonic()
            loss = float(event.losses[-20:].mean())
            _say(f"{event.progress:4.0%}  step {event.step:,}  loss {loss:.4f}")
    assert diagnosis is not None
    return diagnosis


def _show_diagnosis(answer: dict[str, Any]) -> str:
    from core.doctor.diagnosis import Diagnosis

    return Diagnosis.from_dict(answer).text()


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    from core.training.checkpoint import find_checkpoint, load_checkpoint

    source = data_source(options.data)
    show_tiktoken(source)
    checkpoint = load_checkpoint(find_checkpoint(options.checkpoint))
    playground = checkpoint.playground
    data = playground.load(source)
    numbers = playground.test(checkpoint.model(), data, checkpoint.recipe)
    return {"playground": playground.name, "dataset": playground.dataset(data), "metrics": numbers}


def _show_numbers(answer: dict[str, Any]) -> str:
    numbers = [
        f"  {name} {value:g}" if isinstance(value, int | float) else f"  {name} {value}"
        for name, value in answer["metrics"].items()
    ]
    return "\n".join([f"{answer['playground']} on {answer['dataset']}", *numbers])


def _predict(options: argparse.Namespace) -> dict[str, Any]:
    from core.training.checkpoint import find_checkpoint, load_checkpoint

    checkpoint = load_checkpoint(find_checkpoint(options.checkpoint))
    model = checkpoint.model()
    predict = checkpoint.playground.predict
    return {"predictions": [predict(model, checkpoint.recipe, image) for image in options.images]}


def _show_predictions(answer: dict[str, Any]) -> str:
    return "\n".join(
        f"{p['image']}: {p['digit']} ({max(p['probabilities']):.1%})"
        if p["probabilities"]
        else f"{p['image']}: empty, there is no ink on it"
        for p in answer["predictions"]
    )


def _sample(options: argparse.Namespace) -> dict[str, Any]:
    from core.training.checkpoint import find_checkpoint, load_checkpoint

    show_tiktoken(data_folder())
    checkpoint = load_checkpoint(find_checkpoint(options.checkpoint))
    names = ("prompt", "count", "tokens", "temperature", "top_k", "top_p", "seed")
    wishes = {name: getattr(options, name) for name in names}
    playground = checkpoint.playground
    tell = None
    if playground.streams and options.count == 1 and not options.json:
        tell, options.show = _tell_now, lambda answer: ""  # it is not shown twice
    return playground.sample(checkpoint.model(), checkpoint.recipe, tell, **wishes)


def _tell_now(text: str) -> None:
    print(text, end="", flush=True)


def _show_samples(answer: dict[str, Any]) -> str:
    return "\n".join(answer["samples"])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
