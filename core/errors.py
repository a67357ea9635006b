"""The one error that is meant for a person."""


class UserError(Exception):
    """Bad input, said in one sentence: what is wrong, and what to do about it.

    The command line prints it and exits with status 2; the window shows it where the input was.
    """
