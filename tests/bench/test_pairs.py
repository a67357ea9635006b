"""The benchmark of pairs: its protocol with a judge of three lines, and one pair run to its end."""

import json
import re

import pytest

from bench.pairs.__main__ import ask, main, place, rates, table, wrong
from bench.pairs.judges import Answer, Judge
from bench.pairs.peers import PEERS
from bench.pairs.registry import chosen
from core.doctor.verdict.causes import CAUSES
from core.paths import ROOT


class DoesItFall(Judge):
    """Calls a training broken whose loss has not halved."""

    def answer(self):
        broken = not self.losses or self.losses[-1] > self.losses[0] / 2
        return Answer(broken, ["plateau", "parameter_not_trained"] if broken else [])


@pytest.fixture
def pair():
    """Return the pair whose loss is wrapped into a new tensor."""
    (one,) = chosen(only="clusters_rewrapped_loss")
    return one


def test_a_judge_is_told_of_every_step_of_both_programs_of_a_pair(pair):
    """The faulty one is found, its cause as the second; the fixed one is not called broken."""
    faulty, fixed = (ask(pair, faulty, DoesItFall) for faulty in (True, False))
    assert faulty["broken"] and not fixed["broken"]
    assert place(faulty) == 1 and wrong(faulty) and not wrong(fixed)
    assert not faulty["ended"] and not fixed["ended"] and not faulty["failed"]
    shares = rates([faulty, fixed])
    assert (shares["found"], shares["first"], shares["three"], shares["alarms"]) == (1, 0, 1, 0)


def test_a_program_is_the_same_each_time(pair):
    """Its losses are, to the last bit, for a seed."""
    losses = []

    class Keeps(Judge):
        def end(self):
            losses.append(self.losses)

    for _ in range(2):
        ask(pair, False, Keeps, seed=3)
    assert losses[0] == losses[1] and len(losses[0]) == 300


def test_an_error_of_a_program_is_kept_and_the_judge_is_asked_all_the_same():
    """Labels that are floats: torch refuses them in the first step."""
    (one,) = chosen(only="float_labels")
    answer = ask(one, True, DoesItFall)
    assert answer["broken"] and "dtype" in answer["ended"] and not answer["failed"]


def test_a_judge_that_fails_has_found_nothing(pair):
    """The table says how often it could not judge."""

    class Fails(Judge):
        def answer(self):
            raise LookupError("no module here")

    answer = ask(pair, True, Fails)
    assert not answer["broken"] and "no module here" in answer["failed"]
    assert "1 of 1" in table([{"judge": "fails", **answer}])


def test_the_doctor_judges_a_pair_and_writes_json_lines(tmp_path, monkeypatch, capsys):
    """The lines are what the table is made from."""
    monkeypatch.setattr("bench.pairs.judges.Glassbox.budget", 0.5)
    out = tmp_path / "answers.jsonl"
    main(["run", "--only", "clusters_rewrapped_loss", "--out", str(out)])
    faulty, fixed = map(json.loads, out.read_text().splitlines())
    assert faulty["causes"][0] == "parameter_not_trained" and not fixed["broken"]
    capsys.readouterr()
    main(["table", str(out)])
    assert "| glassbox | 100.0% | 100.0% | 100.0% | 0.0% |" in capsys.readouterr().out


def test_there_are_400_pairs_in_two_halves_and_every_id_is_explained():
    """An id is one of the doctor's, or docs/benchmark.md says what it means."""
    names = [one.name for one in chosen()]
    halves = [{one.name for one in chosen(half)} for half in ("tuning", "judging")]
    assert len(names) == len(set(names)) >= 400
    assert not halves[0] & halves[1] and len(halves[0] | halves[1]) == len(names)
    explained = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "benchmark.md").read_text()))
    for one in chosen():
        assert set(one.causes) <= explained | set(CAUSES), one.name


def test_the_causes_of_the_doctor_are_all_examined():
    """Whoever adds a cause adds a pair for it."""
    examined = {cause for one in chosen() for cause in one.causes}
    assert set(CAUSES) - examined == set()


def test_every_peer_has_ids_that_are_known():
    """Each is the right one of some pair."""
    known = {cause for one in chosen() for cause in one.causes}
    for name, make in PEERS.items():
        assert set(make.ids.values()) <= known, name
