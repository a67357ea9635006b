"""Files that nobody would open on purpose, of every kind that a dialog of the program offers."""

import json
import os
import random
import zipfile
from pathlib import Path

from core.paths import CHECKPOINTS, RESOURCES

LONG = 5 << 20  # bytes of a line
PROGRAMS = {
    "prints": "print('x' * 100_000)\n" * 50,
    "raises": "raise ValueError('<b>no</b>')\n",
    "ends": "import os\nos._exit(3)\n",
    "waits": "import time\ntime.sleep(1000)\n",
    "reads": "input('name? ')\n",
    "syntax": "def f(:\n",
    "trains": (
        "import torch\nfrom torch import nn\nmodel = nn.Linear(4, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=1e9)\n"
        "for step in range(60):\n    x = torch.randn(8, 4)\n"
        "    loss = model(x).pow(2).mean()\n    optimizer.zero_grad()\n    loss.backward()\n"
        "    optimizer.step()\n    print(step, loss.item())\n"
    ),
}


def odd_files(folder: Path, seed: int) -> list[Path]:
    """Write them into a folder; return their paths, some of which are no files."""
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    contents: dict[str, bytes] = {
        "line.txt": b"a" * LONG,
        "lines.txt": b"ab\n" * 100_000,
        "empty.txt": b"",
        "one.txt": b"a",
        "name.txt": b"emma\n",
        "blank.txt": b"\n" * 5_000,
        "junk.txt": chance.randbytes(20_000),
        "latin.txt": "Zo\xeb\nAndr\xe9\n".encode("latin-1") * 50,
        "zero.txt": b"\0" * 10_000,
        "tags.txt": b"<b>x</b>\n<img src=x>\n" * 100,
        "deep.json": b"[" * 100_000,
        "nan.json": b'{"lr": NaN, "steps": Infinity}',
        "empty.safetensors": b"",
        "huge.safetensors": (1 << 62).to_bytes(8, "little") + b"{}",
        "junk.png": b"\x89PNG\r\n\x1a\n" + chance.randbytes(500),
        "empty.png": b"",
        "cells.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": 7}]}).encode(),
        "deep.ipynb": b'{"cells":' + b"[" * 50_000,
        "null.py": b"x = 1\0\n",
        "line.py": b"x = '" + b"a" * LONG + b"'\n",
        "junk.zip": b"PK\x03\x04" + chance.randbytes(300),
    }
    contents |= {f"{name}.py": source.encode() for name, source in PROGRAMS.items()}
    for name in ("digits", "names"):
        whole = bytearray((CHECKPOINTS / f"{name}.safetensors").read_bytes())
        contents[f"whole-{name}.safetensors"] = bytes(whole)
        contents[f"cut-{name}.safetensors"] = bytes(whole[: len(whole) // 2])
        for _ in range(20):
            whole[chance.randrange(4_000)] = chance.randrange(256)
        contents[f"changed-{name}.safetensors"] = bytes(whole)
    for picture in sorted(RESOURCES.rglob("*.svg"))[:1]:
        contents["icon.svg"] = picture.read_bytes()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "climbs.zip", "w") as packed:
        packed.writestr("../../run.json", "{}")
        packed.writestr("run.json", "[]")
    (folder / "folder.txt").mkdir()
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "device.txt").symlink_to("/dev/zero")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.txt")
    return [*sorted(folder.iterdir()), folder / "gone.txt", folder / ("n" * 300)]
