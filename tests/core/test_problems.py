"""What the machine refuses, and files that say anything, end in a sentence at the boundaries."""

import errno
import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import cli
from core.errors import UserError
from core.files import parse_json
from core.playgrounds.digits.data import full
from core.problems import problem_of
from core.programs.program import LONGEST, read_program
from core.runs.bundle import unpack
from core.runs.curves import read_curves
from core.runs.folder import ABOUT, CURVES, MOMENTS
from core.runs.keyframes import keyframes_of
from core.runs.library import Library
from core.training.recipe import Recipe

ROOT = Path(__file__).parents[2]


def said(capsys, *words):
    """Run a command; it has to end with one line and status 2, whatever came up."""
    assert cli.main([str(word) for word in words]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("glassbox: ") and len(told) < 3000, told
    return told


@pytest.mark.parametrize("name", ["~nobody/x", "x" * 5000, "a\nb", "\x1b[2Jx"])
@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "NAME"),
        ("diagnose", "NAME"),
        ("diagnose", "NAME.json"),
        ("predict", "digits", "NAME"),
        ("train", "--resume", "NAME"),
        ("train", "names", "--data", "NAME"),
        ("export", "NAME", "--to", "zip", "--out", "x.zip"),
        ("watch", "NAME"),
        ("train", "digits", "--set", "lr=NAME"),
        ("train", "digits", "--set", "NAME=1"),
    ],
    ids=lambda words: " ".join(words),
)
def test_odd_names_and_values_are_one_line(capsys, words, name):
    """No such user, too long for any file, a line's end, what steers a terminal."""
    told = said(capsys, *(word.replace("NAME", name) for word in words))
    assert "\x1b" not in told


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "Permission denied", "/x"), MemoryError(), RecursionError()],
    ids=lambda error: type(error).__name__,
)
def test_what_the_machine_refuses_is_one_line(capsys, monkeypatch, error):
    """Wherever in a command it comes up; a fault of the program still shows where it is."""

    def refuse(self):
        raise error

    monkeypatch.setattr(Library, "entries", refuse)
    assert problem_of(error) in said(capsys, "runs")
    error = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        cli.main(["runs"])


def test_what_is_written_may_have_nowhere_to_go():
    """A device that is full is a sentence."""
    command = [sys.executable, "-m", "core", "runs"]
    with Path("/dev/full").open("w") as device:
        done = subprocess.run(
            command, cwd=ROOT, stdout=device, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr, done.stderr


def test_a_pipe_that_nobody_reads_is_no_error():
    """As behind ``| head -1``, whose end closes it."""
    command = f"{sys.executable} -m core runs; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stderr == "0\n"


def test_a_stderr_that_is_full_stops_nothing(monkeypatch):
    """Progress that can't be told is no reason to lose a training."""

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    from core.commands import say

    monkeypatch.setattr(sys, "stderr", Full())
    say("half")
    monkeypatch.setattr(sys, "stderr", None)
    say("all")


def test_a_name_can_not_steer_the_terminal(capsys, monkeypatch):
    """What somebody else has written is shown without what moves a cursor or clears a screen."""
    monkeypatch.setattr(Library, "entries", lambda self: [_Entry()])
    assert cli.main(["runs"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\x9b" not in shown and "evil" in shown


class _Entry:
    def to_dict(self):
        row = {
            "star": False,
            "run": "r",
            "state": "finished",
            "step": 1,
            "loss": None,
            "begun": 0.0,
        }
        return row | {"verdict": "\x1b[2Jevil", "name": "\x9b1A\r\rx"}


def test_json_from_elsewhere_has_numbers_that_can_be_used():
    """NaN, infinity and what no 64 bits hold are not there; the rest is as it is."""
    text = "[NaN, -Infinity, 1e999, 1%s, 12, 1.5, 9223372036854775807]" % ("0" * 400)
    assert parse_json(text) == [None, None, None, None, 12, 1.5, 9223372036854775807]
    with pytest.raises(ValueError, match="deeply"):
        parse_json("[" * 200_000)


def test_a_moment_of_no_possible_step_is_left_out(tmp_path):
    """Names that no run writes, however they are spelled."""
    folder = tmp_path / MOMENTS
    folder.mkdir()
    for name in ("0000000012", "9" * 30, "9" * 200, "٣" * 10, "12", "x"):
        (folder / f"{name}.safetensors").touch()
    assert keyframes_of(tmp_path) == [12]


@pytest.mark.parametrize("method", [12, 14, 99])
def test_a_zip_that_is_packed_in_another_way_is_refused(tmp_path, method):
    """Bzip2, LZMA and what no Python knows, in curves and in a run from elsewhere."""
    packed = tmp_path / "run.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(ABOUT, b"{}" * 100)
    raw = bytearray(packed.read_bytes())
    raw[8:10] = method.to_bytes(2, "little")
    central = raw.index(b"PK\x01\x02")
    raw[central + 10 : central + 12] = method.to_bytes(2, "little")
    packed.write_bytes(raw)
    with pytest.raises(UserError, match="damaged or no zip"):
        unpack(packed, tmp_path / "runs")
    (tmp_path / CURVES).write_bytes(raw)
    with pytest.raises(UserError, match="damaged"):
        read_curves(tmp_path)


def test_gigabytes_behind_a_small_file_are_not_unpacked(tmp_path):
    """Of a packed file no more is read than its kind may have."""
    raw = tmp_path / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    with gzip.open(raw / "train-images-idx3-ubyte.gz", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="is not MNIST's file"):
            full(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()


def test_a_script_of_megabytes_is_not_parsed(tmp_path):
    """Its tree would take a hundred times as much memory."""
    script = tmp_path / "long.py"
    script.write_text("x = 1\n" * (LONGEST // 6 + 1))
    with pytest.raises(UserError, match="longer than"):
        read_program(script)


def test_a_value_in_a_sentence_is_short():
    """However long what was typed is."""
    with pytest.raises(UserError) as refused:
        Recipe().replace({"lr": "9" * 100_000 + "\n"})
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)


def test_a_beginning_of_any_length_is_answered_at_once(capsys):
    """Or refused: to read a hundred thousand letters one by one took half a minute."""
    assert "too many" in said(capsys, "sample", "names", "--prompt", "ab" * 50_000)
    assert "too long" in said(capsys, "sample", "text", "--prompt", "ab" * 50_000)


def test_infinity_in_a_record_is_no_traceback(tmp_path, capsys, monkeypatch):
    """A run whose file says it is listed with what is known, or left out."""
    from core.commands import runs as command

    folder = tmp_path / "evil"
    folder.mkdir()
    about = {"format": "glassbox-run-1", "playground": "names", "model": "mlp", "recipe": {}}
    about |= {"dataset": "", "source": "", "device": "cpu", "parameters": 1, "layers": []}
    about |= {"uniform_loss": 1.0, "environment": {"x": float("inf")}, "first": 0, "steps": 5}
    about |= {"seconds": None, "begun": 1.0, "metrics": {"val_loss": float("inf")}}
    about |= {"diagnosis": {"verdict": "fine", "x": float("nan")}, "process": ["", 1]}
    (folder / ABOUT).write_text(json.dumps(about))
    monkeypatch.setattr(command, "RUNS", tmp_path)
    assert cli.main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["loss"] is None


def test_a_diagnosis_whose_pictures_can_not_be_drawn_is_damaged(tmp_path, capsys, monkeypatch):
    """A line with more places than heights, or with places that are nowhere."""
    from core.commands import diagnose
    from core.doctor.diagnosis import Check, Diagnosis, Picture, Series

    for x, low in (((1.0,), ()), ((1.0, float("nan")), ()), ((1.0, 2.0), (0.5,))):
        picture = Picture("?", "lines", (Series("a", x, (1.0, 2.0), low, low),))
        check = Check("id", "title", True, picture=picture)
        found = Diagnosis("fine", "All is well.", 0.8, checks=(check,))
        with pytest.raises(ValueError, match="whole"):
            Diagnosis.from_dict(found.to_dict())
    monkeypatch.setattr(diagnose, "run_named", lambda runs, name: tmp_path)
    damaged = SimpleNamespace(diagnosis={"verdict": "none of ours"})
    monkeypatch.setattr("core.runs.run_info.read_run_info", lambda folder: damaged)
    assert "is damaged" in said(capsys, "diagnose", "some run")
