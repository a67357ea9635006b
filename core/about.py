"""What this installation is: its versions, whose work is in it, and where its files lie."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from . import paths
from .libraries import LIBRARIES
from .version import __version__

BUNDLED = ("digits", "names", "plays", "fonts")
"""The folders of resources that are others' work; each says so in its README.md."""


@dataclass(frozen=True)
class Version:
    """A part of the program, as it is installed."""

    name: str
    version: str
    licence: str


def versions() -> list[Version]:
    """Return Glassbox, Python and each library; none of them is imported for it."""
    found = [
        Version("Glassbox", __version__, "MIT"),
        Version("Python", platform.python_version(), "PSF-2.0"),
    ]
    for name in LIBRARIES.values():
        try:
            about = metadata(name)
        except PackageNotFoundError:
            found.append(Version(name, "not installed", ""))
        else:
            found.append(Version(name, about["Version"], _licence(about)))
    return found


def system() -> str:
    """Return the operating system and the processor's kind."""
    return platform.platform()


def places() -> dict[str, Path]:
    """Return the folders and files that a person may look for, by what is in them."""
    return {
        "Runs": paths.RUNS,
        "Settings": paths.SETTINGS,
        "Log": paths.LOG,
        "Downloaded data": paths.DOWNLOADS,
        "Bundled data and licences": paths.RESOURCES,
        "Shipped networks": paths.CHECKPOINTS,
    }


def as_text() -> str:
    """Return versions and places as plain text, a line for each."""
    lines = [f"{each.name} {each.version}" for each in versions()]
    lines += [system(), *(f"{what}: {path}" for what, path in places().items())]
    return "\n".join(lines)


def bundled() -> str:
    """Return, as Markdown, what is shipped of others' work, and under which licences."""
    pages = (paths.RESOURCES / name / "README.md" for name in BUNDLED)
    return "\n\n".join(page.read_text(encoding="utf-8").replace("# ", "### ", 1) for page in pages)


def _licence(about: PackageMetadata) -> str:
    """Return the short name of a licence: packages state it in one of three places."""
    stated = next((about[key] for key in ("License-Expression", "License") if about[key]), "")
    classifiers = about.get_all("Classifier") or []
    classified = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    return stated.splitlines()[0] if stated else ", ".join(classified)
