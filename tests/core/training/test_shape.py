"""Models of shapes alone."""

import subprocess
import sys

from core.paths import ROOT

LOADS = """
import sys
from core import playgrounds
from core.training.checkpoint import find_checkpoint, load_checkpoint
from core.training.replica import Replica
KNOWN = {
    "digits": {},
    "names": {"letters": ".abc"},
    "text": {"tokenizer": "characters", "learned": []},
}
for name, vocabulary in KNOWN.items():
    playground = playgrounds.get(name)
    for recipe in playground.recipes.values():
        Replica(playground, recipe, vocabulary)
load_checkpoint(find_checkpoint("names")).model()
print("torch" in sys.modules, "torch._dynamo" in sys.modules)
"""


def test_no_compiler_is_loaded_to_open_a_network():
    """It takes a second of both threads, and a hundred megabytes; a training needs it, later."""
    command = [sys.executable, "-c", LOADS]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False"]
