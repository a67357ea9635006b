"""The code behind lesson 4: the network trained by typed gradients, as a plain PyTorch script."""

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...code.script import rendered
from ...expressions.tensor_program import TensorProgram
from ...paths import RESOURCES
from ..backprop.network import BATCH, CONTEXT, EMBEDDING, HIDDEN, NAMES, SEED
from ..backprop.steps import ALL_STEPS, FORWARD, PARAMETERS, STEPS
from ..backprop.training import RATE, STEPS_OF_TRAINING

WIDEST = 100
TAKEN = frozenset(
    "F X Y C V autograd batch compare context embedding generator gradient gradients hidden letter"
    " letters loss losses lr n nn number parameter parameters seed step steps torch typed width"
    " window word words".split()
)
"""Names that the script needs beside those of tensors."""
ASSIGNED = re.compile(r"^\s*(\w+)\s*(?:\[.*\])?\s*[-+*/]?=(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class _Length:
    """What a template asks of a recipe."""

    steps: int


def write_backprop(
    programs: Sequence[tuple[str, TensorProgram]], steps: int = STEPS_OF_TRAINING
) -> str:
    """Return the training by typed gradients as a script that needs no Glassbox.

    Args:
        programs: the gradients that are known, in order, by their names, such as ``dlogits``; those
            that they or the parameters need and that are not among them are autograd's.
        steps: of the training.
    """
    known = dict(programs)
    needed = {f"d{name}" for name in PARAMETERS}.union(*(each.names for each in known.values()))
    order = [step.tensor for step in STEPS]
    missing = [name for name in order if f"d{name}" in needed and f"d{name}" not in known]
    typed = [line for name, each in known.items() for line in _lines(name, each.text)]
    values = {
        "recipe": _Length(steps),
        "data": RESOURCES / "names" / "names.txt",
        "names": NAMES,
        "batch": BATCH,
        "rate": RATE,
        "context": CONTEXT,
        "embedding": EMBEDDING,
        "hidden": HIDDEN,
        "seed": SEED,
        "forward": FORWARD,
        "missing": _wrapped(missing, 12),
        "missing_gradients": _wrapped([f"d{name}" for name in missing], 8),
        "typed": typed,
        "tensors": [name.removeprefix("d") for name in known],
        "nn": any(re.search(r"\bnn\.", line) for line in typed),
    }
    return rendered((Path(__file__).parent,), values, "backprop.py.jinja").text


def _lines(name: str, text: str) -> list[str]:
    """Return the lines of a typed gradient as Python, the last of which gives it its name.

    A tensor that is given stays as it is, the lesson's parser sees to that. What would take another
    name from the script gives way to the lesson's answer.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    last = ASSIGNED.match(lines[-1])
    if last is None:
        lines[-1] = f"{name} = {lines[-1]}"
    elif last.group(1) != name:
        lines.append(f"{name} = {last.group(1)}")
    disturbed = TAKEN.intersection(ASSIGNED.findall("\n".join(lines)))
    if disturbed or not _is_python(lines):
        return [f"{name} = {ALL_STEPS[name.removeprefix('d')].answer}"]
    return lines


def _is_python(lines: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True


def _wrapped(names: Sequence[str], indent: int) -> str:
    """Return names with commas, in as many lines as there need be."""
    return f"\n{' ' * indent}".join(textwrap.wrap(", ".join(names), WIDEST - indent))
