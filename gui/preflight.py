"""Before Qt is touched: does this machine have what a window needs? Knows no Qt itself."""

import ctypes
import os
import platform
import sys

from core import libraries

WINDOW = ("PySide6", "pyqtgraph", "numpy", "PIL")
"""Without these there is no window; what else is missing, the page that needs it says."""
NEEDED = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
"""System libraries that Qt loads on Linux, and Debian's packages of them."""
NEEDED_BY_X11 = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def has_display() -> bool:
    """Whether a window could be seen by anyone."""
    if platform.system() != "Linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("WAYLAND_DISPLAY") or (os.environ.get("DISPLAY") and _answers()))


def _answers() -> bool:
    """Whether the X server that DISPLAY names can be reached; Qt would abort where it can't."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # it is not known; what is missing is another function's affair
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    reached = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return reached


def problem() -> str:
    """Return a sentence on what is missing, with the command that installs it; "" if nothing is."""
    if sys.version_info < (3, 11):  # noqa: UP036, an older Python is what it is about
        return "Glassbox needs Python 3.11 or newer; install it, for example from python.org."
    if absent := libraries.missing(WINDOW):
        return absent
    if platform.system() != "Linux":
        return ""
    wanted = dict(NEEDED)
    if os.environ.get("DISPLAY") and not os.environ.get("QT_QPA_PLATFORM"):
        wanted |= NEEDED_BY_X11
    missing = [library for library in wanted if not _loads(library)]
    if not missing:
        return ""
    packages = " ".join(wanted[library] for library in missing)
    return f"Qt needs {', '.join(missing)}; install with: sudo apt-get install {packages}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
