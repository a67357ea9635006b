"""playgrounds: what can be trained."""

import argparse
from typing import Any

from .. import playgrounds
from . import Command


def _playgrounds(options: argparse.Namespace) -> dict[str, Any]:
    found = [playgrounds.get(name) for name in playgrounds.all_names()]
    return {
        "playgrounds": [
            {
                "name": p.name,
                "about": p.about,
                "models": list(p.models),
                "recipes": {name: recipe.to_dict() for name, recipe in p.recipes.items()},
            }
            for p in found
        ]
    }


def _show_playgrounds(answer: dict[str, Any]) -> str:
    lines = []
    for found in answer["playgrounds"]:
        lines += [f"{found['name']}: {found['about']}"]
        for what in ("models", "recipes"):
            lines += [f"  {what}: {', '.join(map(_as_word, found[what]))}"]
    return "\n".join(lines)


def _as_word(name: str) -> str:
    """Return a name as a shell takes it for one word: in quotes where it has spaces."""
    return f'"{name}"' if " " in name else name


PLAYGROUNDS = Command(
    "playgrounds", "list what can be trained", lambda parser: None, _playgrounds, _show_playgrounds
)
