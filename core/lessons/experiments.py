"""All experiments of lesson 3, by the ids that the lesson's text names."""

from collections.abc import Mapping

from .experiment import LectureExperiment
from .lecture_experiments import LECTURE
from .pair_settings import Side
from .questions import reach_of

SIGMOID = Side(activation="sigmoid", gain=1.0)

EXPERIMENTS: Mapping[str, LectureExperiment] = {
    "sigmoid": LectureExperiment(
        "Sigmoid",
        "Ten layers of sigmoid, and ten of tanh, each drawn as is usual for it.",
        SIGMOID,
        Side(),
        reach_of(
            "A", "How much of layer 10's gradient will layer 1 of A, the sigmoids, see at first?"
        ),
    ),
    "depth": LectureExperiment(
        "Depth",
        "Three layers of sigmoid, and twenty.",
        SIGMOID.replace({"depth": 3}),
        SIGMOID.replace({"depth": 20}),
        reach_of(
            "B",
            "Twenty layers: how much of layer 20's gradient will layer 1 of B see?",
            deeper=True,
        ),
    ),
    "explode": LectureExperiment(
        "Too large",
        "No activation at all: ten matrix products. The weights of B are twice those of A.",
        Side(activation="none", gain=1.0),
        Side(activation="none", gain=2.0),
        reach_of("B", "How much gradient will layer 1 of B see, against its layer 10?"),
    ),
    "norm": LectureExperiment(
        "Sigmoid, cured",
        "Ten layers of sigmoid. B is the same, with batch norm.",
        SIGMOID,
        SIGMOID.replace({"norm": "batch"}),
        reach_of("B", "How much of layer 10's gradient will layer 1 of B see?"),
    ),
    "layer-norm": LectureExperiment(
        "Layer norm",
        "Ten layers of sigmoid, with layer norm in A and batch norm in B.",
        SIGMOID.replace({"norm": "layer"}),
        SIGMOID.replace({"norm": "batch"}),
        reach_of(
            "A", "Does layer norm cure it too? How much of the gradient will layer 1 of A see?"
        ),
    ),
    "residual": LectureExperiment(
        "A way around",
        "Ten layers of tanh with a gain of 0.5, too small. B is the same, but each layer adds to"
        " what it was given.",
        Side(gain=0.5),
        Side(gain=0.5, residual=True),
        reach_of("B", "How much of layer 10's gradient will layer 1 of B see?"),
    ),
    "residual-grows": LectureExperiment(
        "Twenty sums",
        "Twenty layers of relu with a gain of 1. B is the same, but each layer adds to what it was"
        " given.",
        Side(activation="relu", gain=1.0, depth=20),
        Side(activation="relu", gain=1.0, depth=20, residual=True),
        reach_of("B", "How much of layer 20's gradient will layer 1 of B see?"),
    ),
    **LECTURE,
}
