"""A sentence for each kind of error that is no fault of the program, wherever it comes up.

Asked at the boundaries: by the command line's outermost function, for each job of the window's
worker, and for each slot.
"""

from .errors import UserError
from .libraries import import_problem

NO_MEMORY = (
    "There was not enough memory for that. Close other programs, or choose a smaller network, a"
    " smaller batch or a shorter context."
)
REFUSED = ("not enough memory", "can't allocate memory", "out of memory", "bad allocation")
"""What the allocators of CPU, CUDA and MPS say, none of them by a type of its own."""
LONGEST = 200  # characters of a file's name


def problem_of(error: BaseException) -> str:
    """Return a sentence if an error is bad input, or what the machine refuses; else ""."""
    if isinstance(error, UserError):
        return str(error)
    if problem := import_problem(error):
        return problem
    if isinstance(error, MemoryError) or _is_refusal(error):
        return NO_MEMORY
    if isinstance(error, RecursionError):
        return "That is nested too deeply to be read; choose another file."
    if isinstance(error, OSError) and error.strerror:
        name = error.filename
        where = f" ({str(name)[:LONGEST]})" if isinstance(name, str | bytes) else ""
        return f"The system refused a file or a device{where}: {error.strerror}."
    return ""


def _is_refusal(error: BaseException) -> bool:
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in words for said in REFUSED)
