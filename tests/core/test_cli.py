"""The command line: its contract, word for word."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from core.cli import main

ROOT = Path(__file__).parents[2]


def core(*words):
    """Run a command of ``python -m core`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in words])
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def answer(*words):
    """Run it with --json; exactly one JSON object must stand on stdout."""
    done = core(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def refused(*words):
    """Run it with bad input; one line on stderr, status 2, no traceback."""
    done = core(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    return done.stderr


def test_it_is_a_program_of_its_own():
    """``python -m core``: the answer on stdout, what is wrong on stderr, and the status."""
    command = [sys.executable, "-m", "core"]
    done = subprocess.run(
        [*command, "playgrounds", "--json"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert json.loads(done.stdout)["playgrounds"] and done.stderr == ""
    done = subprocess.run(
        [*command, "dance"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


@pytest.mark.parametrize("own", [[], ["--lr", "2"]])
def test_a_watched_program_has_its_own_arguments(own, tmp_path):
    """Behind --, also where an option of the command stands before it, and none at all."""
    script, told = tmp_path / "program.py", tmp_path / "told.txt"
    script.write_text(f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv[1:]))")
    assert core("watch", script, "--seconds", "1", "--no-record", "--", *own).returncode == 0
    assert told.read_text() == " ".join(own)


def test_names_of_several_words_stand_in_quotes(capsys):
    """As they are to be typed; some have a comma in them."""
    assert main(["playgrounds"]) == 0
    assert 'xor, "blobs, linear", spirals' in capsys.readouterr().out


def test_playgrounds_lists_what_there_is():
    """Every playground with its models and recipes."""
    listed = {p["name"]: p for p in answer("playgrounds")["playgrounds"]}
    assert listed["digits"]["models"] == ["cnn", "mlp"]
    assert set(listed["digits"]["recipes"]) == {"modern", "plain mlp", "EZMNIST", "linear"}
    assert len(listed["names"]["models"]) == 7 and "notebook MLP" in listed["names"]["recipes"]


def test_train_evaluate_predict(tmp_path, bundled):
    """A network is trained, judged, and reads a picture, by scripts alone."""
    out = tmp_path / "net.safetensors"
    words = ("train", "digits", "--model", "mlp", "--steps", 120, "--seed", 3, "--out", out)
    made = answer(*words, "--set", "hidden=32", "batch_size=64", "--set", "lr=0.003")
    keys = "playground model device dataset parameters steps seconds steps_per_second train_loss"
    assert set(made) == {*keys.split(), "val_loss", "metrics", "checkpoint"}
    assert made["model"] == "mlp" and made["steps"] == 120 and made["checkpoint"] == str(out)

    judged = answer("evaluate", out)
    assert judged["playground"] == "digits" and "bundled" in judged["dataset"]
    assert judged["metrics"]["test_size"] == 500 and judged["metrics"]["test_accuracy"] > 0.6

    image, empty = tmp_path / "digit.png", tmp_path / "empty.png"
    Image.fromarray(255 - bundled.validation.images[0].numpy()).resize((200, 200)).save(image)
    Image.new("L", (50, 50), 255).save(empty)
    read, nothing = answer("predict", out, image, empty)["predictions"]
    assert read["digit"] in range(10) and sum(read["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert nothing["digit"] is None


def test_seconds_are_kept(tmp_path):
    """--seconds counts training alone, and the run ends with it."""
    words = ("--model", "mlp", "--seconds", 1.5, "--out", tmp_path / "n.safetensors")
    made = answer("train", "digits", *words)
    assert 1.4 < made["seconds"] < 2.5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "digits", "--set", "foo=1"], "no setting 'foo'; there are optimizer"),
        (["train", "digits", "--set", "lr=fast"], "lr=fast is not possible"),
        (["train", "digits", "--set", "lr=nan"], "from 1e-07 to 100"),
        (["train", "digits", "--set", "batch_size=abc"], "whole number from 1 to 8,192"),
        (["train", "digits", "--set", "seed=inf"], "seed=inf is not possible"),
        (["train", "digits", "--set", "hidden=1.9"], "hidden=1.9 is not possible"),
        (["train", "digits", "--set", "channels="], "at least one"),
        (["train", "digits", "--out", "."], "is a folder"),
        (["train", "digits", "--out", "net.pt"], "name it net.safetensors"),
        (["train", "digits", "--out", "main.py/net.safetensors"], "can't be written"),
        (["train", "text", "--recipe", "cake"], "'nanoGPT, on a CPU', 'nanoGPT, on a GPU'"),
        (["diagnose", "train.py"], "'python -m core watch train.py'"),
        (["train", "digits", "--set", "hidden=0"], "hidden=0 is not possible"),
        (["train", "digits", "--set", "activation=sine"], "choose relu, tanh, sigmoid, gelu"),
        (["train", "digits", "--set", "batch_size=1"], "batch_size of at least 2"),
        (["train", "digits", "--set", "lr"], "wants KEY=VALUE"),
        (["train", "nowhere"], "no playground 'nowhere'; there are digits"),
        (["train", "digits", "--model", "gpt"], "no model 'gpt'"),
        (["train", "digits", "--recipe", "cake"], "no recipe 'cake'"),
        (["train", "digits", "--seconds", "0"], "--seconds"),
        (["train", "digits", "--steps", "many"], "--steps"),
        (["train", "digits", "--device", "abacus"], "invalid choice: 'abacus'"),
        (["train", "digits", "--data", "/nowhere"], "/nowhere, which does not exist"),
        (["train", "digits", "--resume", "nothing"], "no checkpoint nothing"),
        (["evaluate", "nothing.safetensors"], "no checkpoint nothing"),
        (["evaluate", "main.py"], "damaged or no checkpoint"),
        (["sample", "digits"], "use predict with an image"),
        (
            ["watch", "x.py", "--epochs", "3"],
            "behind --: 'python -m core watch x.py -- --epochs 3'",
        ),
        (
            ["watch", "x.py", "my data.csv", "--seconds", "5", "--epochs", "3"],
            "behind --: 'python -m core watch x.py 'my data.csv' --seconds 5 -- --epochs 3'",
        ),
        (
            ["watch", "--epochs", "3", "x.py"],
            "behind --: 'python -m core watch FILE -- --epochs'",
        ),
        (["cook"], "invalid choice"),
        ([], "required"),
    ],
)
def test_bad_input_is_one_line(words, sentence):
    """Whatever is wrong, one line says so and what to do."""
    assert sentence in refused(*words)


def test_a_data_folder_that_lacks_files_says_which(tmp_path):
    """A mnist/ without its files is a mistake to be told, not to be worked around."""
    (tmp_path / "mnist").mkdir()
    assert "train-images-idx3-ubyte.gz is missing" in refused(
        "train", "digits", "--data", tmp_path, "--steps", 1
    )


def test_a_data_folder_without_digits_falls_back_and_says_so(tmp_path):
    """What is absent falls back to the bundled data, and the answer names what was used."""
    words = (
        "--model",
        "mlp",
        "--data",
        tmp_path,
        "--steps",
        2,
        "--out",
        tmp_path / "n.safetensors",
    )
    assert "bundled" in answer("train", "digits", *words)["dataset"]


def test_a_truncated_data_file_is_told(tmp_path):
    """A download that broke off is noticed."""
    raw = tmp_path / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    assert "can't be read" in refused("train", "digits", "--data", tmp_path, "--steps", 1)


def test_the_core_costs_no_torch_until_it_is_needed():
    """Importing core, naming playgrounds and reading recipes must be quick."""
    script = (
        "import sys, core, core.playgrounds.digits.recipe, core.telemetry.mailbox; "
        "core.playgrounds.all_names(); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"
