"""Programs of our own run and their faults are named; those of others are scored by hand."""

import ast

import pytest

from bench.programs import cost, own, public
from core.doctor.verdict.causes import CAUSES
from core.programs.program import read_program

PROGRAMS = own.programs()


def test_there_are_as_many_as_are_promised():
    """Faulty ones, healthy ones, and public ones of known repositories."""
    assert sum(bool(program.causes) for program in PROGRAMS) >= 24
    assert sum(not program.causes for program in PROGRAMS) >= 20
    assert len(public.PROGRAMS) >= 20 and len(cost.LOOPS) == 10
    for program in public.PROGRAMS:
        assert program.path.split("/")[0] in public.REPOSITORIES


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: "-".join([p.name, *p.causes]))
def test_a_program_can_be_read_and_has_its_fault(program):
    """Without a mark; a fault has a cause that there is, and a line that stands in the program."""
    text = "".join(program.files.values())
    assert "# fault" not in text and "# right" not in text
    for cause in program.causes:
        assert cause in CAUSES
    assert bool(program.lines) == bool(program.causes)
    assert all(line in text for line in program.lines)
    with program.written() as path:
        assert all(cell.tree for cell in read_program(path).cells)


def test_what_is_timed_is_the_same_loop_but_longer():
    """Each step notes when it begins, and the program is no notebook any more."""
    healthy = {program.name: program for program in PROGRAMS if not program.causes}
    for name, (short, long) in cost.LOOPS.items():
        timed = cost._timed(healthy[name], short, long)
        assert next(iter(timed.files)) == f"{name}.py"
        assert "".join(timed.files.values()).count(cost.NOTE.split("(")[0]) == 1
        assert short in "".join(healthy[name].files.values())
        for text in timed.files.values():
            ast.parse(text)


def test_a_public_program_is_scored():
    """What was seen is right, what was missed or is too much is wrong."""
    loop = {
        "where": {"file": "a.py", "cell": None, "line": 3},
        "steps": 9,
        "seconds": 1.0,
        "first_loss": 2.0,
        "last_loss": 1.0,
        "uses": 1,
        "validations": 0,
    }
    answer = {"exit_status": 0, "failed": [], "loops": [loop]}
    expected = public.PublicProgram("a.py", (public.Expected("3", 9, True, True),))
    score = public.score(expected, answer, 5.0)
    assert score.ended and [right for _, right in score.judgements] == [True, True, False]
    elsewhere = public.PublicProgram("a.py", (public.Expected("4"),), fails=True)
    score = public.score(elsewhere, answer, 5.0)
    assert not score.ended and [right for _, right in score.judgements] == [False, False]
