"""evaluate, predict, sample: what a trained network can do."""

import argparse
from pathlib import Path
from typing import Any

from ..arguments import positive, whole
from ..paths import data_source
from . import Command, say
from .opened import opened


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    checkpoint = opened(options.checkpoint)
    playground = checkpoint.playground
    data = playground.load(data_source(options.data))
    numbers = playground.test(checkpoint.model(), data, checkpoint.recipe)
    dataset = playground.dataset(data, checkpoint.recipe)
    return {"playground": playground.name, "dataset": dataset, "metrics": numbers}


def _show_numbers(answer: dict[str, Any]) -> str:
    numbers = [
        f"  {name} {value:g}" if isinstance(value, int | float) else f"  {name} {value}"
        for name, value in answer["metrics"].items()
    ]
    return "\n".join([f"{answer['playground']} on {answer['dataset']}", *numbers])


def _predict(options: argparse.Namespace) -> dict[str, Any]:
    checkpoint = opened(options.checkpoint)
    model = checkpoint.model()
    predict = checkpoint.playground.predict
    return {"predictions": [predict(model, checkpoint.recipe, image) for image in options.images]}


def _show_predictions(answer: dict[str, Any]) -> str:
    return "\n".join(f"{p['image']}: {_read(p)}" for p in answer["predictions"])


def _read(prediction: dict[str, Any]) -> str:
    if not prediction["probabilities"]:
        return "empty, there is no ink on it"
    sure = max(prediction["probabilities"])
    doubt = "" if sure > 0.5 else "; no digit is likelier than not: it may be a picture of none"
    return f"{prediction['digit']} ({sure:.1%}{doubt})"


def _sample(options: argparse.Namespace) -> dict[str, Any]:
    checkpoint = opened(options.checkpoint)
    names = ("prompt", "count", "tokens", "temperature", "top_k", "top_p", "seed")
    wishes = {name: getattr(options, name) for name in names}
    playground = checkpoint.playground
    tell = None
    if playground.streams and options.count == 1 and not options.json:
        tell, options.show = _tell_now, lambda answer: ""  # it is not shown twice
    if playground.streams and options.count == 1:
        import torch

        torch.set_num_threads(
            1
        )  # threads would wait for one another at each token's small products
    answer = playground.sample(checkpoint.model(), checkpoint.recipe, tell, **wishes)
    if note := answer.get("note"):
        say(f"glassbox: {note}")
    return answer


def _tell_now(text: str) -> None:
    print(text, end="", flush=True)


def _show_samples(answer: dict[str, Any]) -> str:
    return "\n".join(answer["samples"])


def _evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--data", metavar="DIR", help="folder of full data sets, or a file")


def _predict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")


def _sample_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what it begins with")
    parser.add_argument("--count", type=whole, default=1, metavar="N", help="how many samples (1)")
    parser.add_argument(
        "--tokens",
        type=whole,
        default=200,
        metavar="N",
        help="how many tokens, or letters of a name, at most (200)",
    )
    parser.add_argument(
        "--temperature",
        type=positive,
        default=1.0,
        metavar="T",
        help="below 1 it keeps to the likeliest, above it is wilder (1)",
    )
    parser.add_argument("--top-k", type=whole, metavar="K", help="draw from the K likeliest only")
    parser.add_argument(
        "--top-p",
        type=positive,
        metavar="P",
        help="draw from the likeliest that together have this probability",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed, the same samples")


EVALUATE = Command(
    "evaluate", "judge a checkpoint on test data", _evaluate_options, _evaluate, _show_numbers
)
PREDICT = Command(
    "predict", "answer for image files", _predict_options, _predict, _show_predictions
)
SAMPLE = Command(
    "sample", "make something new after a prompt", _sample_options, _sample, _show_samples
)
