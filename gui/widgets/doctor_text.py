"""Texts of the doctor as the screen writes them: powers raised, sentences capitalised."""

import re
from typing import Any

from core.doctor.diagnosis import Diagnosis
from core.numbers import with_powers


def tidy(words: str) -> str:
    """Write ``10^-3`` as 10⁻³, and begin with a capital letter unless it is a name in code."""
    words = with_powers(words)
    code = re.match(r"\w*[._(\d]", words.partition(" ")[0].rstrip(".,:;"))
    return words if code else words[:1].upper() + words[1:]


def in_words(value: object) -> str:
    """Write the value of a setting."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return " ".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_short(recipe: Any) -> str:
    """Return the most important settings in a line."""
    values = recipe.to_dict()
    return (
        f"{values['model']}, {values['optimizer']}, learning rate {in_words(values['lr'])},"
        f" batch {values['batch_size']}"
    )


def done(diagnosis: Diagnosis) -> str:
    """Say how much was checked and tried."""
    words = f"{sum(check.passed is not None for check in diagnosis.checks)} checks"
    if diagnosis.experiments:
        words += f" and {len(diagnosis.experiments)} experiments"
    return f"{words} in {diagnosis.seconds:.0f} s." if diagnosis.seconds >= 1 else f"{words}."
