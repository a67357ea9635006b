"""Validation digits as the points of a scatter plot: each is written in the colour of its class."""

from collections.abc import Mapping
from typing import Any

from gui.charts.scatter import Marks


def digit_marks(values: Mapping[str, Any]) -> Marks:
    """Return the marks of the digits of a representation, the misclassified ones ringed."""
    labels, answers, images = values["labels"], values["answers"], values["images"]

    def tell(index: int) -> str:
        return f"True: {labels[index]}. Predicted: {answers[index]}. Click to put it on the canvas."

    return Marks(
        labels,
        signs=[str(label) for label in labels.tolist()],
        wrong=labels != answers,
        tell=tell,
        picture=lambda index: images[index],
    )
