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
        lines += [f"  models: {', '.join(found['models'])}"]
        lines += [f"  recipes: {', '.join(found['recipes'])}"]
    return "\n".join(lines)


PLAYGROUNDS = Command(
    "playgrounds", "list what can be trained", lambda parser: None, _playgrounds, _show_playgrounds
)
