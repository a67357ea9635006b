"""Names on the command line: all its verbs, and what it refuses."""

import pytest

from core.cli import main
from tests.core.test_cli import answer, refused

SMALL = ("--set", "hidden=16", "embedding=4", "context=3")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small network that has seen some names."""
    out = tmp_path_factory.mktemp("net") / "net.safetensors"
    made = answer("train", "names", "--model", "mlp", "--steps", 150, *SMALL, "--out", out)
    return out, made


def test_train_evaluate_sample(network):
    """Trained, judged and asked for names, by scripts alone."""
    out, made = network
    assert made["model"] == "mlp" and made["steps"] == 150 and "bundled" in made["dataset"]
    assert 2.0 < made["metrics"]["val_loss"] == made["val_loss"] < 2.9
    judged = answer("evaluate", out)
    assert judged["metrics"]["dev_loss"] == pytest.approx(made["val_loss"], abs=1e-3)
    words = ("--prompt", "bro", "--count", 10, "--seed", 4)
    first, again = answer("sample", out, *words), answer("sample", out, *words)
    assert set(first) == {"samples", "tokens_per_second"} and first["tokens_per_second"] > 0
    assert len(first["samples"]) == 10 and first["samples"] == again["samples"]
    assert all(name.startswith("bro") and "." not in name for name in first["samples"])


def test_a_capital_is_read_as_a_small_letter_and_said(network, capsys):
    """The same names as for a small one, a note in the answer, and a line on stderr."""
    words = ("sample", network[0], "--count", 3, "--seed", 4, "--prompt")
    capital = answer(*words, "Bro")
    note = "Read as “bro”, the letters that it knows."
    assert capital["samples"] == answer(*words, "bro")["samples"] and capital["note"] == note
    main([str(word) for word in (*words, "Bro")])
    shown = capsys.readouterr()
    assert note in shown.err and shown.out.splitlines() == capital["samples"]


def test_the_shipped_network_answers():
    """Without training anything: names with and without a beginning."""
    assert len(answer("sample", "names", "--count", 3)["samples"]) == 3
    metrics = answer("evaluate", "names")["metrics"]
    assert metrics["dev_loss"] < 2.1


def test_a_lectures_recipe_takes_its_own_number_of_steps(tmp_path):
    """Without a length the recipe's steps count; a length on the command line wins."""
    words = ("train", "names", "--recipe", "lecture mlp", "--out", tmp_path / "n.safetensors")
    assert answer(*words, "--set", "steps=40")["steps"] == 40
    assert answer(*words, "--set", "steps=40", "--steps", 7)["steps"] == 7


def test_a_list_in_another_script(tmp_path):
    """Towns of Greece train a network that speaks Greek, and no other."""
    towns = tmp_path / "towns.txt"
    towns.write_text("\n".join(["Αθήνα", "Ξάνθη", "Βόλος", "Πάτρα"] * 8), encoding="utf-8")
    out = tmp_path / "greek.safetensors"
    made = answer("train", "names", "--model", "mlp", "--data", towns, "--steps", 60, "--out", out)
    assert "towns.txt" in made["dataset"]
    assert set("".join(answer("sample", out, "--count", 5)["samples"])) <= set(
        towns.read_text("utf-8")
    )
    assert "does not know a b c" in refused("evaluate", out)
    assert "never met “b”" in refused("sample", out, "--prompt", "bro")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--prompt", "brß"], "never met “ß”"),
        (["--prompt", "bro."], "ends a name"),
        (["--count", "0"], "0 is not a whole number above zero"),
        (["--count", "1000000"], "ask for 1 to 100,000 names"),
        (["--temperature", "0"], "0 is not a number above zero"),
        (["--temperature", "-1"], "temperature"),
        (["--temperature", "nan"], "nan is not a number above zero"),
        (["--top-p", "2"], "top-p of 2 is not possible"),
    ],
)
def test_impossible_samples_are_refused(network, words, sentence):
    """One line that says what is wrong and what would be possible."""
    assert sentence in refused("sample", network[0], *words)


def test_what_does_not_fit_is_refused(tmp_path, network):
    """Files that are no lists, pictures, a list for digits, a checkpoint with a wrong alphabet."""
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert "no names" in refused("train", "names", "--data", empty)
    assert "reads no images" in refused("predict", network[0], empty)
    assert "is a file" in refused("train", "digits", "--data", empty)
    raw = network[0].read_bytes()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(raw.replace(b".abcdefghijklm", b".aacdefghijklm"))
    assert "letter twice" in refused("sample", broken)
    broken.write_bytes(raw.replace(b".abcdefghijklm", b"xabcdefghijklm"))
    assert "end mark" in refused("sample", broken)
