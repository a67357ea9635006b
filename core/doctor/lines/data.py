"""Lines in which data is made wrong: found on its way from the loss back to where it begins."""

import ast
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, combinations, islice

from torch import Tensor

from ..diagnosis import Cause
from ..made_modules import last_name
from ..watch.program_frames import Line
from ..watch.seeds import SEEDS
from ..watch.variables import is_validation
from .origins import FIRST_ALONE, PARTS_OF_ARGUMENTS, Step, Way
from .program_lines import Lines

MOVES = frozenset("to cuda cpu long clone contiguous enumerate random_split".split())
"""What leaves values as they are."""
CONVERSIONS = frozenset(
    (
        "tensor as_tensor from_numpy FloatTensor LongTensor float int astype numpy array asarray"
        " view reshape unsqueeze squeeze flatten copy"
    ).split()
)
"""What makes the same values anew."""
SHUFFLES = frozenset("shuffle permutation randperm sample".split())
"""What gives rows another order."""
REORDERS = SHUFFLES | {"roll", "flip"}
"""The same of targets; of pictures these move columns."""
DRAWS = REORDERS | {"argsort", "randint", "choice", "integers", "multinomial"}
"""What chooses rows, where it stands in an index."""
REPEATS = frozenset("repeat repeat_interleave tile resample fit_resample".split())
"""What makes several rows of one."""
JOINS = frozenset("cat concat concatenate vstack row_stack ConcatDataset".split())
"""What makes rows of several parts; of parts that come from the same rows several of one."""
TURNS, TRANSFORMS = ("flip", "rot", "affine", "transpose"), ("transform", "aug", "compose")
"""Parts of names of what moves the pixels of pictures, or may."""
NEAREST = 2
"""Lines that give data its last values, and those before."""
COUNTS = frozenset(("range", "len"))
IN_PLACE = frozenset("add_ sub_ mul_ div_ copy_".split())
"""What changes data where it lies, which no way shows."""
COLUMNS = ("1", "-1")
"""A dimension that is not that of the rows."""
SPLITS = ("train_test_split", "random_split")
SCALES = ("norm", "transform", "scale", "standard", "compose")
"""Parts of names of what changes the scale of data."""


def data(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the data that inputs come from is given its last value, before the step."""
    if lines.ways:
        yield from _valued(lines, lines.ways[0], MOVES)


def labels(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the data that targets come from is given its last value, before the step."""
    if lines.ways:
        yield from _valued(lines, lines.ways[1], MOVES)


def classes(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where it is decided which label an example has, before the step."""
    if lines.ways:
        yield from _valued(lines, lines.ways[1], MOVES | CONVERSIONS)


def _valued(lines: Lines, way: Way, moves: frozenset[str]) -> Iterator[Line]:
    in_step = {op.line for op in lines.graph.tape.ops}
    steps = [step for step in way.steps[1:] if not step.is_index and step.line not in in_step]
    computed = [step for step in steps if _gives_values(lines, step.node, moves)]
    yield from (step.line for step in computed[:NEAREST] or steps[:1])


def _gives_values(lines: Lines, node: ast.expr, moves: frozenset[str]) -> bool:
    """Whether an expression gives data other values; not where it is cut, moved or returned."""
    if isinstance(node, ast.Subscript):
        return _gives_values(lines, node.value, moves)
    if not isinstance(node, ast.Call):
        return not isinstance(node, ast.Name | ast.Attribute | ast.Constant)
    name = last_name(node.func)
    if name not in moves:
        hands_on = name in FIRST_ALONE or name in PARTS_OF_ARGUMENTS
        return not hands_on and not lines.origins.is_own(node)
    moved = [*node.args[:1], *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    return any(_gives_values(lines, one, moves) for one in moved)


def misaligned(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where targets are given an order that the inputs are not; or these alone."""
    inputs, targets = lines.ways or (Way(), Way())
    for one, other, reorders in ((targets, inputs, REORDERS), (inputs, targets, SHUFFLES)):
        for call, at in one.calls.items():
            shared = call in other.calls and other.calls[call].is_index == at.is_index
            if not shared and last_name(call.func) in (DRAWS if at.is_index else reorders):
                yield at.step.line


def moved_alone(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where pictures are flipped or rotated, and their targets are not, or at other times."""
    inputs, targets = lines.ways or (Way(), Way())
    both = {last_name(call.func) for call in targets.calls}
    for parts in (TURNS, TRANSFORMS):
        found = [
            (last_name(call.func) in both, at.step.line)
            for call, at in inputs.calls.items()
            if call not in targets.calls
            and any(part in last_name(call.func).lower() for part in parts)
        ]
        yield from (line for _, line in sorted(found, key=lambda one: one[0]))


def seeded(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where the generator of a batch is given its seed."""
    inputs, _ = lines.ways or (Way(), Way())
    yield from (at.step.line for call, at in inputs.calls.items() if last_name(call.func) in SEEDS)
    yield from lines.calls(lambda call: last_name(call.func) in SEEDS)


def parted(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where inputs and targets begin to differ, or should: where targets are cut, or else made."""
    inputs, targets = lines.ways or (Way(), Way())
    alone = [step for step in targets.alone(inputs) if not step.is_index]
    cut = [s for s in alone if any(isinstance(node, ast.Slice) for node in ast.walk(s.node))]
    found = cut or [*alone[:1], *inputs.alone(targets)[:1]]
    yield from (step.line for step in found)


def encoded(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where inputs are made of what targets alone are made of, too: of the column of the labels."""
    inputs, targets = lines.ways or (Way(), Way())
    # The variable nearest to the loss is that of the labels; further off are those of their making.
    near = {word: n for n, step in enumerate(targets.alone(inputs)) for word in _meant(step.node)}
    alone = [(step, near.keys() & _meant(step.node)) for step in inputs.alone(targets)]
    nearest = [(max(words, key=near.__getitem__), step) for step, words in alone if words]
    for word, step in sorted(nearest, key=lambda one: -near[one[0]]):
        calls = [part for part in ast.walk(step.node) if isinstance(part, ast.Call)]
        inner = [part for part in calls if word in _meant(part)]
        # Of a table in several lines, those of its columns.
        within = [part for part in inner if not any(one in inner for one in _inside(part))]
        yield from ((step.line[0], part.lineno) for part in within)
        yield step.line


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    return islice(ast.walk(node), 1, None)


def _meant(node: ast.AST) -> Iterator[str]:
    """Yield names of variables and columns whose values an expression takes, but no indices."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Subscript):
        yield from _meant(node.value)
        yield from (str(p.value) for p in ast.walk(node.slice) if isinstance(p, ast.Constant))
    elif isinstance(node, ast.Call):
        parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            parts.append(node.func.value)
        yield from chain.from_iterable(map(_meant, parts))
    else:
        yield from chain.from_iterable(map(_meant, ast.iter_child_nodes(node)))


def split_at(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where what is validated on is split off at random."""
    new = lines.origins.of_name(cause.where.split(".")[-1])
    yield from (at.step.line for call, at in new.calls.items() if last_name(call.func) in SPLITS)


def shared_rows(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where rows are repeated before they are split, where they are split, or taken once more."""
    parts = cause.where.split(".")
    new = lines.origins.of_name(next(filter(is_validation, reversed(parts)), parts[-1]))
    trained, targets = lines.ways or (Way(), Way())
    yield from (*_copied(lines, new, trained), *_copied(lines, trained, new))
    both = [(call, at) for call, at in new.calls.items() if call in trained.calls]
    repeated = [at.step for call, at in both if _repeats(lines, call)]
    repeated += [at.step for call, at in both if at.is_index and _draws_again(call)]
    for step in repeated:
        outside = lines.origins.outside(step, new)
        if outside is step or _takes_data(lines, outside):
            yield outside.line
    for call, at in both:
        splits = last_name(call.func) in SPLITS or (repeated and lines.origins.is_own(call))
        if splits and at.path != trained.calls[call].path:
            yield at.step.line
    steps = (*new.alone(trained, targets)[:1], *new.steps[:1])
    yield from (step.line for step in steps if not lines.origins.is_in_network(step.node))


def _copied(lines: Lines, into: Way, other: Way) -> Iterator[Line]:
    """Yield where rows that another way has, too, are written as they are in a part of what is.

    What is computed of them is another matter, as where gaps are filled by the mean of a column.
    """
    known = {step.node for step in other.steps}
    for step in into.steps:
        if step.is_index or not lines.origins.is_written_into(step.node):
            continue
        taken = lines.origins.of_value(step.node).steps
        shared = any(one.node in known for one in taken if one.node is not step.node)
        if shared and not _gives_values(lines, step.node, MOVES | CONVERSIONS):
            yield step.line


def _repeats(lines: Lines, call: ast.Call) -> bool:
    """Whether a call makes several rows of one."""
    name = last_name(call.func)
    along = [k.value for k in call.keywords if k.arg in ("dim", "axis")]
    if name in JOINS:
        along = along or call.args[1:2]
        given = call.args[0] if call.args else None
        parts = given.elts if isinstance(given, ast.List | ast.Tuple) else call.args
        ways = [lines.origins.of_value(part) for part in parts]
        made = [{s.node for s in w.steps if not isinstance(s.node, ast.Constant)} for w in ways]
        several = any(one & other for one, other in combinations(made, 2))
    else:
        first = [ast.unparse(argument) for argument in call.args[:1]]
        several = name in REPEATS and first != ["1"]  # which repeats columns
    return several and not any(ast.unparse(value) in COLUMNS for value in along)


def _draws_again(call: ast.Call) -> bool:
    """Whether a call draws numbers of rows, the same ones again, too."""
    name = last_name(call.func)
    told = {k.arg: ast.unparse(k.value) for k in call.keywords}
    again = told.get("replace", told.get("replacement"))
    if name == "multinomial":
        return again == "True" or [ast.unparse(given) for given in call.args[2:]] == ["True"]
    return name in ("choice", "choices", "randint", "integers") and again != "False"


def _takes_data(lines: Lines, step: Step) -> bool:
    """Whether what a step calls is given what was computed before."""
    given = step.node.args if isinstance(step.node, ast.Call) else []
    return any(lines.origins.of_value(value).calls for value in given)


def unlike(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where new data is scaled otherwise than that of training, or is not."""
    trained = lines.ways[0] if lines.ways else Way()
    conditional = _conditional(lines)
    at_times = [step for step in trained.steps if step.node in conditional]
    yield from (step.line for step in at_times if _computes_scale(step.node))
    for line in list(lines.used.values())[:1]:
        new = lines.origins.of_network(line, is_validation)
        alone = [step for step in new.alone(trained) if not step.is_index and step.line != line]
        yield from (step.line for step in alone if _scales(step.node))
        yield from (step.line for step in (*alone[:1], *alone[-1:]))
        yield from (step.line for step in trained.alone(new) if _scales(step.node))


def _conditional(lines: Lines) -> set[ast.AST]:
    """Return all nodes of functions that stand under a switch, as what training alone does."""
    found = set[ast.AST]()
    for _, node in lines.walk():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            branches = [
                one for one in ast.walk(node) if isinstance(one, ast.If) and _is_switch(one.test)
            ]
            chosen = [part for one in branches for part in (*one.body, *one.orelse)]
            found |= {inner for part in chosen for inner in ast.walk(part)}
    return found


def _is_switch(test: ast.expr) -> bool:
    """Whether a condition is a switch, as ``self.augment`` or ``split == "train"``; no number."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _is_switch(test.operand)
    if isinstance(test, ast.BoolOp):
        return any(_is_switch(part) for part in test.values)
    if isinstance(test, ast.Compare):
        against = test.comparators[0]
        return isinstance(against, ast.Constant) and isinstance(against.value, str | bool | None)
    return isinstance(test, ast.Name | ast.Attribute)


def _scales(node: ast.expr) -> bool:
    """Whether an expression changes the scale of what it is given."""
    calls = (one for one in ast.walk(node) if isinstance(one, ast.Call))
    named = any(part in last_name(call.func).lower() for call in calls for part in SCALES)
    return named or _computes_scale(node)


def _computes_scale(node: ast.expr) -> bool:
    """Whether an expression does so by arithmetic of its own; not to say which rows it takes."""
    indices = (one.slice for one in ast.walk(node) if isinstance(one, ast.Subscript))
    places = {part for index in indices for part in ast.walk(index)}
    operators = (
        one.op for one in ast.walk(node) if isinstance(one, ast.BinOp) and one not in places
    )
    return any(isinstance(operator, ast.Div | ast.Sub | ast.Mult) for operator in operators)


def called_use(lines: Lines, cause: Cause) -> Iterator[Line]:
    """Where a method of a network is called in which it is used otherwise than it is trained."""
    for line in list(lines.used.values())[:1]:
        yield from lines.origins.callers_of_method(line)


def is_other_on_purpose(lines: Lines) -> bool:
    """Whether what a network is used on comes from the function that what it learned from does.

    And neither is scaled by itself: then no scaling is missing. It is asked about data that is far
    from its own, as an ensemble is, to see how sure it is there.
    """
    weights = lines.graph.weights
    forward = [op.line for op in lines.graph.ops if op.line and _has_any(op.inputs, weights)]
    if not forward or not lines.used:
        return False
    new = lines.origins.of_network(next(iter(lines.used.values())), bool)
    given = {last_name(step.node) for step in new.steps[:1]}
    trained = lines.origins.of_network(
        forward[0], lambda name: not is_validation(name) and name not in given
    )
    ours, theirs = (
        {ast.unparse(call.func) for call in way.calls if lines.origins.is_own(call)}
        for way in (trained, new)
    )
    alone = [s for s in (*trained.alone(new), *new.alone(trained)) if not s.is_index]
    scaled = [s for s in alone if _scales(s.node) and not lines.origins.is_in_network(s.node)]
    conditional = _conditional(lines)
    scaled += [s for s in trained.steps if s.node in conditional and _computes_scale(s.node)]
    # What is called on one of both ways alone may scale, whatever its name, or in place.
    named = {
        part.id
        for step in (*trained.steps, *new.steps)
        for part in ast.walk(step.node)
        if isinstance(part, ast.Name)
    }
    changed = any(
        lines.calls(lambda call: last_name(call.func) in IN_PLACE and _receiver(call) in named)
    )
    called = _changes(trained) == _changes(new) and not changed
    return not ours.isdisjoint(theirs) and called and not scaled


def _receiver(node: ast.AST) -> str:
    """Return the variable of which a method is called, also of what another one returned."""
    while not isinstance(node, ast.Name):
        inner = getattr(node, "func", getattr(node, "value", None))
        if not isinstance(inner, ast.AST):
            return ""
        node = inner
    return node.id


def _changes(way: Way) -> set[str]:
    """Return what is called on a way that may give data other values, by its name."""
    neutral = MOVES | CONVERSIONS | DRAWS | FIRST_ALONE | PARTS_OF_ARGUMENTS.keys() | COUNTS
    named = {last_name(call.func) for call, at in way.calls.items() if not at.is_index}
    return named - neutral


def _has_any(tensors: Iterable[Tensor], weights: Collection[int]) -> bool:
    return any(id(tensor) in weights for tensor in tensors)
