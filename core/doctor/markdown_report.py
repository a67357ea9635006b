"""A diagnosis as a page of Markdown, for notes, issues and web pages."""

from typing import TYPE_CHECKING

from ..markdown import code, escaped, table
from ..numbers import percent

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

RESULTS = {True: "passed", False: "failed", None: "not checked"}


def report(heading: str, diagnosis: "Diagnosis") -> str:
    """Return a diagnosis as Markdown: the verdict, the causes, experiments and checks.

    Args:
        heading: the verdict in words.
        diagnosis: what the doctor says.
    """
    lines = [f"# {escaped(heading.rstrip('.'))}", "", escaped(diagnosis.sentence)]
    if diagnosis.confidence:
        lines += ["", f"Confidence: {percent(diagnosis.confidence)}."]
    if diagnosis.training_kind:
        lines += ["", f"Kind of training: {escaped(diagnosis.training_kind)}."]
    for number, cause in enumerate(diagnosis.causes, 1):
        where = f" ({code(cause.where)})" if cause.where else ""
        lines += ["", f"## {number}. {escaped(cause.title)}{where}", ""]
        lines += [f"- Evidence: {escaped(cause.evidence)}", f"- Fix: **{escaped(cause.fix)}**"]
        lines += [f"- Cause: {code(cause.id)}, confidence {percent(cause.confidence)}"]
    done = [each for each in diagnosis.experiments if each.passed is not None]
    for title, each_of, rows in (
        ("Experiments", "Experiment", done),
        ("Checks", "Check", diagnosis.checks),
    ):
        if rows:
            cells = [[each.title, RESULTS[each.passed], each.measured] for each in rows]
            lines += ["", f"## {title}", "", table([[each_of, "Result", "Measured"], *cells])]
    return "\n".join(lines)
