"""What ``python -m core`` and ``glassbox`` understand; each command stands in ``core/commands``.

With ``--json`` exactly one JSON object goes to stdout and progress to stderr. Bad input is one
line on stderr and exit status 2.
"""

import argparse
import contextlib
import io
import json
import os
import shlex
import sys

from .arguments import Parser
from .commands import say
from .commands.code import CODE
from .commands.diagnose import DIAGNOSE
from .commands.inference import EVALUATE, PREDICT, SAMPLE
from .commands.playgrounds import PLAYGROUNDS
from .commands.runs import EXPORT, LIST
from .commands.train import TRAIN
from .commands.watch import WATCH
from .errors import UserError
from .paths import COMMAND
from .problems import problem_of
from .signals import signals_restored
from .version import __version__

COMMANDS = (PLAYGROUNDS, TRAIN, DIAGNOSE, EVALUATE, PREDICT, SAMPLE, LIST, EXPORT, WATCH, CODE)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a letter that is written
    try:
        try:
            with signals_restored():
                return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where what a pipe or a device refuses can be said
    except KeyboardInterrupt:
        say("glassbox: stopped.")
        return 130
    except BrokenPipeError:  # whoever read what is written has seen enough
        _drop_output()
        return 0
    except Exception as error:
        if not (problem := problem_of(error)):
            raise
        if isinstance(error, OSError):
            _drop_output()
        say(f"glassbox: {problem}")
        return 2


def _run(words: list[str]) -> int:
    options = _parsed(words)
    try:
        answer = options.run(options)
    except UserError as error:
        if not options.stopped_by:
            raise
        say(f"glassbox: {error}")
        return 128 + int(options.stopped_by)
    if answer is None:  # this process followed another one, which answers
        return 0
    if options.json:
        print(json.dumps(answer, allow_nan=False))
    else:
        print(options.show(answer).replace("\r\n", "\n").translate(_UNSEEN))
    return 128 + options.stopped_by if options.stopped_by else int(options.status(answer))


_UNSEEN = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""What could steer a terminal, out of names and notes that somebody else has written."""


def _drop_output() -> None:
    """Let what is left in the buffer go nowhere, instead of failing once more at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parsed(words: list[str]) -> argparse.Namespace:
    """Parse a command line; behind ``--`` stand the arguments of the program that is watched.

    argparse would refuse them behind an option, and refuses a ``--`` with nothing behind it.
    """
    if words[:1] != [WATCH.name]:
        return _parser().parse_args(words)
    if "--" not in words:
        options, rest = _parser().parse_known_args(words)
        if rest:
            split = words.index(rest[0])
            wanted = [WATCH.name, "FILE", "--", rest[0]]
            if str(options.program) in words[:split]:
                wanted = [*words[:split], "--", *words[split:]]
            raise UserError(
                f"{rest[0]} is no option of {WATCH.name}; arguments of the program stand behind --:"
                f" '{COMMAND} {shlex.join(wanted)}'."
            )
        return options
    split = words.index("--")
    options = _parser().parse_args(words[:split])
    options.arguments += words[split + 1 :]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=COMMAND, description="Glassbox, without its window.")
    parser.add_argument("--version", action="version", version=f"Glassbox {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        verb = verbs.add_parser(command.name, help=command.about, description=command.about)
        verb.add_argument("--json", action="store_true", help="print one JSON object")
        verb.set_defaults(run=command.run, show=command.show, status=command.status)
        verb.set_defaults(stopped_by=0)  # the number of a signal
        command.options(verb)
    return parser
