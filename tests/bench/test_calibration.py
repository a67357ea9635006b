"""What is said is held against what is right: pools, bins, and answers that are kept."""

import json

import pytest

from bench import calibration
from bench.calibration import (
    Program,
    calibration_error,
    firsts,
    fitted,
    interval,
    main,
    reliability,
    verdicts,
)


def test_a_score_that_was_right_half_the_time_becomes_a_half():
    """Pools of ten or more, their shares rising; the last one takes what is too few for one."""
    said = [(0.6, n % 2 == 0) for n in range(20)] + [(0.9, True)] * 30 + [(0.95, False)] * 2
    (low, half), (high, sure) = fitted(said)
    assert (low, half) == (0.6, 0.5) and high == 0.9 and 0.88 < sure < 0.95
    ((_, only),) = fitted([(0.5, True)] * 12 + [(0.9, False)] * 12)
    assert only == 0.5


def test_bins_and_their_error():
    """As often right as said is no error; said with 90 % and always wrong is one of 90 %."""
    said = [(0.9, n > 0) for n in range(10)]
    assert reliability(said) == [(0.85, 0.95, 10, 9)]
    assert calibration_error(said) == pytest.approx(0.0)
    assert calibration_error([(0.9, False)] * 5) == pytest.approx(0.9)
    low, high = interval(9, 10)
    assert low < 0.9 < high and interval(10, 10)[1] == 1.0


def test_first_causes_and_verdicts_are_judged_apart():
    """A cause against those that are right, a verdict against what was measured."""
    cause = {"said": [["nan", 0.9, 0.95], ["plateau", 0.5, 0.2]], "right": ["plateau"], "label": ""}
    size = {"said": [], "label": "fine", "verdict": "at_floor", "confidence": 0.8}
    assert firsts([cause, size]) == [(0.9, 0.95, False)]
    assert verdicts([cause, size]) == [(0.8, True)]


def test_what_is_known_is_not_asked_again(tmp_path, monkeypatch, capsys):
    """Each answer is a line of JSON; a program that fails is passed over."""
    asked = []

    def ask(name):
        asked.append(name)
        if name == "c":
            raise RuntimeError("it ended")
        return {"verdict": "broken", "confidence": 0.9, "said": [("nan", 0.95, 0.98)]}

    def programs(source, half):
        for name in "abc":
            yield Program(source, name, ("nan",), "", lambda name=name: ask(name))

    monkeypatch.setattr(calibration, "programs", programs)
    monkeypatch.delenv("GLASSBOX_BENCH_SMALLEST", raising=False)
    file = tmp_path / "answers.jsonl"
    for _ in range(2):
        main(["--keep", str(file), "--source", "pairs", "--half", "tuning"])
    assert asked == ["a", "b", "c", "c"]
    assert [json.loads(line)["program"] for line in file.read_text().splitlines()] == ["a", "b"]
    capsys.readouterr()
    main(["--keep", str(file), "--kept", "--half", "tuning", "--fit"])
    told = capsys.readouterr()
    assert json.loads(told.out)[0]["measured"] == "100.00%" and "SHARES = ((0.0, 0.0)," in told.err
    assert len(asked) == 4
