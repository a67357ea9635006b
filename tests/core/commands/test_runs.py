"""Runs on the command line: listed, exported, gone on with."""

import json
import shlex
import shutil
import signal
from dataclasses import replace

import pytest

from core.cli import main
from core.commands import opened
from core.commands import runs as command
from core.commands import train as train_command
from core.commands.run_options import ProgressPrinter
from core.doctor.diagnosis import Diagnosis
from core.playgrounds.names.playground import NamesPlayground
from core.runs.run_info import read_run_info, write_run_info

SMALL = "--set model=mlp hidden=16 batch_size=32 lr=0.01".split()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of this test's own for what a training keeps."""
    for module in (command, train_command, opened):
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def test_a_training_leaves_a_run_that_is_listed(kept, capsys):
    """Its checkpoint is the run's; with --json the list is one object."""
    assert main(["train", "names", "--steps", "30", *SMALL, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    folder = next(kept.iterdir())
    assert made["checkpoint"] == str(folder / "last.safetensors")
    assert main(["runs", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["run"] == folder.name and run["state"] == "finished" and run["step"] == 30
    assert main(["runs"]) == 0
    assert folder.name in capsys.readouterr().out


def test_the_list_says_on_which_data_a_loss_is(kept, recorded, capsys):
    """A run that was not judged yet has its training loss alone."""
    for name in ("judged", "not-judged"):
        shutil.copytree(recorded, kept / name)
    about = read_run_info(recorded)
    loss = {"train_loss": about.metrics["train_loss"]}
    write_run_info(kept / "not-judged", replace(about, metrics=loss))
    assert main(["runs"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert f"  validation loss {about.metrics['val_loss']:.4f}  " in lines["judged"]
    assert f"  training loss {loss['train_loss']:.4f}  " in lines["not-judged"]


def test_without_runs_the_list_says_so(kept, capsys):
    """An empty folder is no error."""
    assert main(["runs"]) == 0
    assert "No run yet" in capsys.readouterr().out
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"runs": []}


def test_out_is_written_besides(kept, tmp_path, capsys):
    """A checkpoint of one's own where one wants it, and the run all the same."""
    out = tmp_path / "net.safetensors"
    assert main(["train", "names", "--steps", "20", *SMALL, "--out", str(out)]) == 0
    assert out.is_file() and (next(kept.iterdir()) / "last.safetensors").is_file()


def test_a_run_is_used_by_its_name(kept, recorded, capsys):
    """Its best weights, and its last ones where no better were kept; it says which."""
    folder = shutil.copytree(recorded, kept / "mine")
    for name in ("mine", str(folder)):
        assert main(["sample", name, "--count", "2", "--seed", "1", "--json"]) == 0
        told = capsys.readouterr()
        assert "mine: best.safetensors" in told.err and len(json.loads(told.out)["samples"]) == 2
    (folder / "best.safetensors").unlink()
    assert main(["evaluate", "mine"]) == 0
    assert "mine: last.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["csv", "zip", "tensorboard"])
def test_a_run_is_exported(kept, recorded, tmp_path, capsys, way):
    """By its name or by its path, in each of the ways."""
    shutil.copytree(recorded, kept / "mine")
    out = tmp_path / f"run.{way}"
    assert main(["export", "mine", "--to", way, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"run": "mine", "to": way, "out": str(out)} and out.exists()
    assert main(["export", str(kept / "mine"), "--to", way, "--out", str(out)]) == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_training_that_a_signal_ends_is_kept_and_goes_on(kept, capsys, monkeypatch, name):
    """It is saved and closed, says how to go on, and the exit status says which signal it was."""
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL)  # under nohup that of a logout is ignored
    with monkeypatch.context() as patched:
        patched.setattr(ProgressPrinter, "tell", lambda *_: signal.raise_signal(number))
        assert main(["train", "names", "--steps", "600", *SMALL, "--json"]) == 128 + number
    told = capsys.readouterr()
    answer, folder = json.loads(told.out), next(kept.iterdir())
    about = read_run_info(folder)
    assert about.state == "stopped" and about.step == answer["steps"] < 600
    assert f"'python -m core train --resume {folder.name}'" in told.err
    # Ctrl+C leaves time for a last judgement of the network, and of the doctor.
    assert ("val_loss" in answer) == (name == "SIGINT")
    assert main(["train", "--resume", folder.name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 600


def test_the_rest_is_written_where_the_person_wanted_it(kept, tmp_path, capsys, monkeypatch):
    """The command that is suggested repeats what no record keeps, each time, and does the rest."""
    out, data = tmp_path / "my net.safetensors", tmp_path / "names.txt"
    moved = tmp_path / "elsewhere" / data.name
    moved.parent.mkdir()
    data.write_text("anna\nbert\nclara\ndora\nemil\n" * 20)
    words = ["train", "names", "--steps", "600", *SMALL, "--data", str(data), "--device", "cpu"]
    words += ["--out", str(out), "--weights-only", "--save-every", "2.5"]
    for again in (False, True):
        with monkeypatch.context() as patched:
            stop = signal.SIGTERM
            patched.setattr(ProgressPrinter, "tell", lambda *_, s=stop: signal.raise_signal(s))
            assert main(words) == 128 + stop
        suggested = capsys.readouterr().err.split("'python -m core ")[1].split("'.\n")[0]
        words = shlex.split(suggested)
        besides = ["--out", str(out), "--weights-only", "--save-every", "2.5"]
        place = ["--data", str(moved), "--device", "cpu"] if again else []
        folder = next(kept.iterdir())
        assert words == ["train", "--resume", folder.name, *place, *besides]
        if not again:  # the data lies elsewhere by now, which the record does not learn
            data.rename(moved)
            words += ["--data", str(moved), "--device", "cpu"]
    out.unlink()
    assert main(words) == 0 and out.is_file()


def test_a_run_that_lies_elsewhere_goes_on_there(kept, recorded, tmp_path, capsys, monkeypatch):
    """The suggestion names its place, not its name alone."""
    folder = shutil.copytree(recorded, tmp_path / "elsewhere" / "mine")
    about = read_run_info(folder)
    write_run_info(folder, replace(about, state="stopped", steps=4000))
    monkeypatch.setattr(ProgressPrinter, "tell", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert main(["train", "--resume", str(folder)]) == 128 + signal.SIGTERM
    assert f"train --resume {folder}'" in capsys.readouterr().err


def test_a_signal_before_the_first_step_leaves_nothing(kept, capsys, monkeypatch):
    """It is said in a line, and the exit status is the signal's."""
    ready = NamesPlayground.get_ready

    def interrupted(*given):
        signal.raise_signal(signal.SIGINT)
        return ready(*given)

    monkeypatch.setattr(NamesPlayground, "get_ready", interrupted)
    assert main(["train", "names", "--steps", "30", *SMALL]) == 128 + signal.SIGINT
    assert capsys.readouterr().err.endswith("before the first step; nothing was kept.\n")
    assert not kept.exists()


def test_a_broken_run_goes_on(kept, recorded, capsys):
    """By its name alone; settings are refused, for it has its own."""
    shutil.copytree(recorded, kept / "mine")
    text = (kept / "mine" / "run.json").read_text()
    stopped = text.replace('"finished"', '"stopped"').replace('"steps": 400', '"steps": 450')
    (kept / "mine" / "run.json").write_text(stopped)
    assert main(["train", "--resume", "mine", "--set", "lr=1"]) == 2
    assert "leave --set out" in capsys.readouterr().err
    assert main(["train", "--resume", "mine", "--json"]) == 0
    told = capsys.readouterr()
    assert "mine goes on from its last checkpoint, step 400." in told.err
    answer = json.loads(told.out)
    assert answer["steps"] == 450 and answer["model"] == "mlp"
    assert read_run_info(kept / "mine").state == "finished"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train --resume nothing", "There is no checkpoint nothing"),
        ("train", "Say which playground"),
        ("train names --resume nothing", "There is no checkpoint nothing"),
        ("export nothing --to csv --out x.csv", "There is no run nothing"),
        ("export nothing --to png --out x", "invalid choice"),
        ("export mine --to csv --out .", "is a folder"),
        ("train --resume mine", "is finished"),
    ],
)
def test_bad_input_is_a_sentence(kept, recorded, capsys, words, sentence):
    """One line that says what is wrong and what to do, and status 2."""
    shutil.copytree(recorded, kept / "mine")
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_a_run_is_diagnosed_by_its_record(kept, recorded, capsys, monkeypatch):
    """What the doctor said beside the training is what diagnose says."""
    monkeypatch.setattr("core.commands.diagnose.RUNS", kept)
    shutil.copytree(recorded, kept / "mine")
    said = Diagnosis("fine", "All is well.", 0.8, (), (), ()).to_dict()
    write_run_info(kept / "mine", replace(read_run_info(recorded), diagnosis=said))
    assert main(["diagnose", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == said
    assert main(["diagnose", "mine"]) == 0
    assert "All is well." in capsys.readouterr().out
