"""Chapters of the case as the case study has them, for tests and for a look at the page."""

from core.doctor.diagnosis import Cause, Check, Diagnosis
from core.doctor.verdict.causes import CAUSES
from core.lessons.actual_words import FIXES
from core.lessons.case_study import Chapter
from tests.gui.doctor.diagnoses import CHECKS

NOISE = "\u25a1\u25a1\u25a1\u25a1 hat\u25a1\u25a1\u25a1\u25a1\u25a1\u25a1ius" + 40 * "\u25a1" + " V"
SAMPLES = (
    NOISE,
    NOISE.replace("hat", "the king"),
    " know\ufffdFack live ab\ufffdoul king\x1f most any\ufffdfore lres father cournderESSRewICnoto",
    "The, my the hand,\n you and the would of\n\nI wither sir the not a him to lord,",
    "The, my thou hand,\n you and the would of\nI will, sir, the not a him to the lord,",
    "And the will not be the king,\nAnd the man of the world, and so a mother\nWhat I have",
    "What, art thou here?\n\nJULIET:\nAy, my good lord; and so the world is done,\nAnd let me not"
    " be known of all the men\nThat ever loved the night so well as thou, and more beside.",
)
NATS = (4.19, 3.41, 2.72, 2.55, 2.54, 2.31, 1.98)
NAMED = (
    (
        "train_eval_mismatch",
        "vocabulary_unused",
        "lr_growing",
        "detached_regulariser",
        "context_too_short",
    ),
    ("vocabulary_unused", "lr_growing", "detached_regulariser", "context_too_short"),
    ("detached_regulariser", "context_too_short"),
    ("detached_regulariser", "context_too_short"),
    ("context_too_short",),
    (),
    (),
)
GOOD = tuple(check for check in CHECKS if check.passed)


def _diagnosis(named):
    causes = tuple(
        Cause(name, CAUSES[name].title, "", CAUSES[name].about, CAUSES[name].fix, 0.9 - 0.1 * i)
        for i, name in enumerate(named)
    )
    failed = tuple(Check(c.id, c.title, False, "4.1", "0") for c in causes)
    if not causes:
        return Diagnosis("undertrained", "It still learns: train it longer.", 0.8, (), GOOD)
    sentence = f"{causes[0].title}."
    return Diagnosis("broken", sentence, 0.9, causes, (*failed, *GOOD), seconds=4.2)


def _chapter(number):
    title = FIXES[number - 1].title if number else "The notebook, as it was"
    named = NAMED[number]
    return Chapter(number, title, NATS[number], SAMPLES[number], named, _diagnosis(named))


CHAPTERS = tuple(_chapter(number) for number in range(len(FIXES) + 1))
