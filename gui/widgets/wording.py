"""Words of the doctor as the screen writes them: powers raised, sentences begun with a capital."""

import re

RAISED = str.maketrans("0123456789-+.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺˙")


def tidy(words: str) -> str:
    """Write ``10^-3`` as 10⁻³, and begin with a capital letter unless it is a name in code."""
    words = raised(words)
    code = re.match(r"\w*[._(\d]", words.partition(" ")[0].rstrip(".,:;"))
    return words if code else words[:1].upper() + words[1:]


def raised(words: str) -> str:
    """Write ``10^-3`` as 10⁻³."""
    return re.sub(
        r"\^([-+\u2212]?\d+(?:\.\d+)?)",
        lambda found: found[1].replace("\u2212", "-").translate(RAISED),
        words,
    )
