"""The shapes of tensors: what each operation makes of them, or a sentence why it can't.

They are known before anything is computed, so that what is too large is never allocated.
"""

import math
from collections.abc import Sequence

from .functions import Shape, ShapeError


def shape_words(shape: Shape) -> str:
    """Return a shape in words: ``a number``, ``27``, ``32×27``."""
    return "×".join(map(str, shape)) if shape else "a number"


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape of an operation element by element.

    Raises:
        ShapeError: a size differs, and neither is 1.
    """
    high = max(len(a), len(b))
    left, right = (1,) * (high - len(a)) + a, (1,) * (high - len(b)) + b
    for place, (x, y) in enumerate(zip(left, right, strict=True)):
        if x != y and 1 not in (x, y):
            last = high - 1 - place
            where = "the last dimension" if not last else f"dimension {place}"
            raise ShapeError(
                f"{shape_words(a)} and {shape_words(b)} don't broadcast: in {where} {x} meets {y};"
                " sizes must be equal, or one of them 1"
            )
    return tuple(y if x == 1 else x for x, y in zip(left, right, strict=True))


def product(a: Shape, b: Shape) -> Shape:
    """Return the shape of ``a @ b``.

    Raises:
        ShapeError: they are no matrices, or their inner sizes differ.
    """
    if len(a) != 2 or len(b) != 2:
        raise ShapeError(
            f"@ is the product of two matrices; these are {shape_words(a)} and {shape_words(b)}."
            " Make a matrix with .view(rows, columns), or write *"
        )
    if a[1] != b[0]:
        hint = " Is one of them to be transposed (.T)?"
        raise ShapeError(
            f"{shape_words(a)} @ {shape_words(b)} don't match: a row on the left has {a[1]}"
            f" numbers, a column on the right {b[0]}.{hint}"
        )
    return (a[0], b[1])


def dimension(shape: Shape, number: int) -> int:
    """Return a dimension counted from the front.

    Raises:
        ShapeError: the tensor has no such dimension.
    """
    if not -len(shape) <= number < len(shape):
        have = len(shape)
        there = f"its dimensions are 0 to {have - 1}" if have else "it has no dimension"
        raise ShapeError(f"there is no dimension {number} in {shape_words(shape)}; {there}")
    return number % len(shape)


def reduced(shape: Shape, dimensions: Sequence[int], keepdim: bool) -> Shape:
    """Return the shape after a sum over dimensions (each from the front); none: over all."""
    over = set(dimensions) or set(range(len(shape)))
    if keepdim:
        return tuple(1 if place in over else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in over)


def viewed(shape: Shape, sizes: Sequence[int]) -> Shape:
    """Return the shape that ``view`` makes; one size may be -1.

    Raises:
        ShapeError: the numbers don't fit.
    """
    count, known = math.prod(shape), math.prod(size for size in sizes if size != -1)
    fits = all(size >= -1 for size in sizes) and sizes.count(-1) <= 1
    if fits and -1 in sizes:
        fits = known > 0 and count % known == 0
        sizes = [count // known if size == -1 else size for size in sizes] if fits else sizes
    if not fits or math.prod(sizes) != count:
        wanted = ", ".join(map(str, sizes))
        raise ShapeError(f"{shape_words(shape)} has {count:,} numbers and can't be ({wanted})")
    return tuple(sizes)


def indexed(shape: Shape, indices: Sequence[Shape]) -> Shape:
    """Return the shape of ``x[i, j]`` for index tensors of these shapes.

    Raises:
        ShapeError: there are too many, or they don't broadcast.
    """
    if not indices or len(indices) > len(shape):
        raise ShapeError(
            f"{shape_words(shape)} takes 1 to {len(shape)} indices, not {len(indices)}"
            if shape
            else "a number has no elements to index"
        )
    common: Shape = ()
    for one in indices:
        common = broadcast(common, one)
    return common + shape[len(indices) :]


def unbroadcast(wanted: Shape, found: Shape) -> str:
    """Return why a result has another shape than its tensor, and what to do, in sentences."""
    want, have = shape_words(wanted), shape_words(found)
    head = f"This is {have}; the gradient must be {want}, the shape of its tensor."
    if found == tuple(size for size in wanted if size != 1) and len(found) < len(wanted):
        lost = [str(place) for place, size in enumerate(wanted) if size == 1]
        return (
            f"{head} The numbers may be right, but dimension {' and '.join(lost)} is lost: write"
            " keepdim=True in the sum."
        )
    if len(wanted) == 2 and found == wanted[::-1]:
        return f"{head} It is transposed: .T, or swap the two sides of @ and their .T."
    try:
        whole = broadcast(wanted, found)
    except ShapeError:
        whole = ()
    if whole == found and found != wanted:
        return f"{head} {_summed(wanted, found)}"
    if whole == wanted:
        return (
            f"{head} It would broadcast to {want}, but here every element needs a number of its"
            " own: multiply by torch.ones_like(...) of the tensor, or look for a factor that has"
            " its shape."
        )
    if math.prod(wanted) == math.prod(found):
        return f"{head} It has the right count of numbers: put them in shape with .view(...)."
    return f"{head} Compare the shapes of the factors with it."


def _summed(wanted: Shape, found: Shape) -> str:
    added = len(found) - len(wanted)
    aligned = (1,) * added + wanted
    over = [place for place, size in enumerate(aligned) if size == 1 and found[place] != 1]
    times = math.prod(found[place] for place in over)
    places = ", ".join(map(str, over))
    dims = places if len(over) == 1 else f"({places})"
    keep = "" if all(place < added for place in over) else ", keepdim=True"
    noun = "dimension" if len(over) == 1 else "dimensions"
    return (
        f"In the forward pass {shape_words(wanted)} is broadcast to {shape_words(found)} over"
        f" {noun} {places}: each element is used {times} times, and so its gradient is the sum of"
        f" {times}. Sum over {noun} {places}: .sum({dims}{keep})."
    )
