"""Mutated files of every kind end in a sentence; some seeds of the long attack in the bench."""

import random

import pytest

from bench.hostile.files import good_files, mutated, opened
from core.problems import problem_of

SEEDS = 4


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A good file of each kind."""
    return good_files(tmp_path_factory.mktemp("made"))


def test_good_files_open(good, tmp_path):
    """Else nothing would be tried by what follows; the packed one stands in for all of MNIST."""
    for number, (kind, (name, content)) in enumerate(good.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "run.json").write_bytes(good["run.json"][1])
        (folder / name).write_bytes(content)
        if kind != "MNIST, packed":
            opened(kind, folder / name)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged TIFF files
def test_mutated_files_are_a_sentence_each(good, tmp_path):
    """They open all the same, or it is said why not."""
    for number, (kind, (name, content)) in enumerate(good.items()):
        for seed in range(SEEDS):
            folder = tmp_path / f"{number}-{seed}"
            folder.mkdir()
            (folder / "run.json").write_bytes(good["run.json"][1])
            (folder / name).write_bytes(mutated(name, content, random.Random(f"{kind} {seed}")))
            try:
                opened(kind, folder / name)
            except Exception as error:
                assert 0 < len(problem_of(error)) < 2000, (kind, seed, error)
