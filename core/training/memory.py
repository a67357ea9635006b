"""Whether a training fits into the memory that is free, and what to lower where it does not.

torch is asked for a GPU's memory only: a form asks before it is loaded.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .recipe import Recipe

if TYPE_CHECKING:
    from .trainer import Run

BUNDLED = 1 << 18
"""Examples, where the data is not there yet: about as many as the names that are shipped have."""
HALVED = (
    "batch_size",
    "context",
    "layers",
    "depth",
    "width",
    "embedding",
    "hidden",
    "channels",
    "vocab_size",
)
"""Settings that a training's memory grows with; of some that save alike, the first is lowered."""
ALIKE = 1.1
"""Times what is taken at best, up to which another setting saves alike."""
CGROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)
"""Files of a control group's limit, of what is used of it, and for what; versions 2 and 1."""


RISEN = 96 << 20
"""Bytes by which memory has risen before it is worth a look what of it can be given back."""


def give_back() -> None:
    """Give back to the system what was freed here.

    The C library keeps it, in pieces between what is in use, for each thread that ever worked:
    after a thousand trainings and pictures a third of all memory. It takes some 50 ms.
    """
    if trim := getattr(_c_library(), "malloc_trim", None):  # glibc's
        trim(0)


def resident() -> int:
    """Return how many bytes of memory this process has; 0 where it can't be known that quickly."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@cache
def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such thing
        return None


def needed(recipe: Recipe, symbols: int = 0, examples: int = BUNDLED, mixed: bool = False) -> int:
    """Return about how many bytes a training takes at its most; 0 where that is not known.

    Args:
        recipe: its settings.
        symbols: letters or tokens that there are; 0 where the data is not there yet.
        examples: how many there are to learn from.
        mixed: whether it is trained in half precision.
    """
    about = recipe.footprint(symbols)
    if about is None:
        return 0
    batch = min(recipe.batch_size, examples)
    return about.size(recipe.optimizer, recipe.momentum, batch, examples, mixed)


def shortage(
    recipe: Recipe, free: int, symbols: int = 0, examples: int = BUNDLED, mixed: bool = False
) -> str:
    """Return a sentence if a training takes more than is free, with what to lower; else ""."""

    def takes(each: Recipe) -> int:
        return needed(each, symbols, examples, mixed)

    wanted = takes(recipe)
    if wanted <= free:
        return ""
    lowered = _lowered(recipe, free, examples, takes)
    advice = "free some, or choose a smaller model"
    if lowered != recipe:
        old, new = recipe.to_dict(), lowered.to_dict()
        changes = [f"{key}={_text(new[key])}" for key in old if new[key] != old[key]]
        advice = f"lower it to {' and '.join(changes)}"
    return f"It would take about {_size(wanted)} of memory, and {_size(free)} are free; {advice}."


def check_memory(run: "Run") -> None:
    """Refuse a training that takes more memory than is free, before it takes any.

    Raises:
        UserError: it does not fit; says what to lower.
    """
    if run.recipe.footprint() is None or run.group is not None:
        return  # not known; or each of several processes takes a share of a batch
    try:
        symbols, examples = run.playground.sizes(run.data, run.recipe)
    except UserError:
        return  # whoever needs what the recipe asks for says so: a case study has its own tokenizer
    device = run.device.type
    mixed = is_mixed(run.recipe, device)
    if sentence := shortage(run.recipe, free_memory(device), symbols, examples, mixed):
        raise UserError(sentence)


def is_mixed(recipe: Recipe, device: str) -> bool:
    """Whether a recipe is trained in half precision on a device of that type; loads torch."""
    import torch

    from .device import mixed_precision

    return recipe.is_mixed_on(device) and mixed_precision(torch.device(device))[0] is not None


def _lowered(recipe: Recipe, free: int, examples: int, takes: Callable[[Recipe], int]) -> Recipe:
    """Halve what saves most until it fits; the recipe as it is where nothing makes it fit."""
    lowered = recipe
    while (wanted := takes(lowered)) > free:
        smaller = [halved for key in HALVED if (halved := _halved(lowered, key, examples))]
        least = min(map(takes, smaller), default=wanted)
        if least >= wanted:
            return recipe
        enough = min(ALIKE * least, wanted - 1)
        lowered = next(each for each in smaller if takes(each) <= enough)
    return lowered


def _halved(recipe: Recipe, key: str, examples: int) -> Recipe | None:
    """Return a recipe with half of a setting; None where there is no such recipe."""
    about = recipe.settings().get(key)
    if about is None or not about.applies(recipe):
        return None
    value = recipe.to_dict()[key]
    if key == "batch_size":
        value = min(value, examples)
    half = [max(1, size // 2) for size in value] if isinstance(value, list) else value // 2
    try:
        return recipe.replace({key: half})
    except UserError:
        return None


def free_memory(device: str = "cpu") -> int:
    """Return how many bytes a training on a device may take.

    Args:
        device: its type: cpu, cuda or mps.
    """
    if device == "cpu":
        return min(_free_in_machine(), _free_in_group(Path("/sys/fs/cgroup")))
    import torch

    if device == "cuda":
        # What torch has set aside and does not use is free, too.
        spare = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return int(torch.cuda.mem_get_info()[0] + spare)
    return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())


def _free_in_machine() -> int:
    if sys.platform == "win32":
        return _free_in_windows()
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    # macOS compresses and swaps what rests: most of the machine can be had.
    return int(0.7 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _free_in_windows() -> int:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("all", "free", "a", "b", "c", "d", "e")),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined, unused-ignore]
    return int(status.free)


def _free_in_group(root: Path) -> int:
    """Return what the limits of this process's control group leave; no limit is a large number."""
    free = sys.maxsize
    for folder in (root, root / _own_group()):
        for limit, used, kinds in CGROUPS:
            try:
                most, taken = (int((folder / name).read_text()) for name in (limit, used))
                cached = _cached((folder / kinds).read_text())
            except (OSError, ValueError):  # there is none, or it says "max"
                continue
            free = min(free, max(0, most - taken + cached))
    return free


def _cached(stat: str) -> int:
    """Return how many of a group's bytes are copies of files, which make room when asked to."""
    found = dict(line.split(maxsplit=1) for line in stat.splitlines())
    kinds = ("inactive_file", "active_file")
    return sum(int(found.get(f"total_{kind}", found.get(kind, 0))) for kind in kinds)


def _own_group() -> str:
    """Return the path of this process's control group (version 2) below the root."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    return next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")


def _size(count: int) -> str:
    if count >= 1e12:
        return f"{count / 1e12:.1f} TB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
