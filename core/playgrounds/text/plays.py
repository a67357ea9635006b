"""Shakespeare's plays, which are shipped: what is spoken in them, as Tiny Shakespeare has it."""

import zipfile
from pathlib import Path

from ...paths import RESOURCES

JUDGES = ("the-taming-of-the-shrew", "the-tempest")
"""The plays that no network learns from: the last tenth of Tiny Shakespeare is made of them."""


def speeches(judges: bool) -> str:
    """Return the speeches of the plays that networks learn from, or of those that judge them."""
    with zipfile.ZipFile(RESOURCES / "plays" / "plays.zip") as archive:
        names = [n for n in archive.namelist() if (Path(n).stem in JUDGES) == judges]
        return "\n".join(archive.read(name).decode("utf-8") for name in names)
