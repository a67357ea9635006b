"""Text that is not ours, where Qt would take it for HTML: tooltips, message boxes, rich labels.

Qt guesses from a text whether it is HTML, so that a file's name or a run's note could bring markup
along. Whatever goes to a tooltip or a message box goes through here.
"""

import html


def rich(*paragraphs: str) -> str:
    """Return paragraphs as HTML in which they stand as they are, letter by letter."""
    lines = (html.escape(text, quote=False).replace("\n", "<br>") for text in paragraphs)
    return "".join(f"<p>{line}</p>" for line in lines)
