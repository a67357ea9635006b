"""Downloads: whole and checked, or not there at all. A server on this machine plays the world."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.download import Source, fetch
from core.errors import UserError
from core.interruption import CancelledError

CONTENT = bytes(range(256)) * 2000


class Handler(BaseHTTPRequestHandler):
    """Serves the file, half of it, or a wrong one."""

    def do_GET(self):
        body = {"/half": CONTENT[: len(CONTENT) // 2], "/wrong": CONTENT[::-1]}.get(
            self.path, CONTENT
        )
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    """The address of a server on this machine."""
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()
    thread.join()


def source(*urls):
    """The file as a source with these addresses."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Source("file.bin", urls, digest, len(CONTENT), len(CONTENT))


def test_a_file_comes_whole_with_progress(server, tmp_path):
    """It lies there, and the progress rose to one."""
    shares = []
    fetch([source(server + "/good")], tmp_path, lambda w, s: shares.append(s), lambda: False)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_another_mirror_helps(server, tmp_path):
    """The first address that has the right file is enough."""
    urls = [server + path for path in ("/gone", "/wrong", "/half", "/good")]
    fetch([source(*urls)], tmp_path, lambda w, s: None, lambda: False)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/wrong", "/half", "/gone"])
def test_a_bad_file_is_refused_and_nothing_is_left(server, tmp_path, path):
    """A wrong, broken or missing file ends in a sentence and an empty folder."""
    with pytest.raises(UserError, match=r"can't be downloaded"):
        fetch([source(server + path)], tmp_path, lambda w, s: None, lambda: False)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_said_plainly(tmp_path):
    """Nobody listens there: the sentence says what works without."""
    with pytest.raises(
        UserError, match=r"downloaded: Connection refused\. .* data works without it"
    ):
        fetch([source("http://127.0.0.1:9/x")], tmp_path, lambda w, s: None, lambda: False)


def test_cancelling_leaves_nothing(server, tmp_path):
    """Given up in the middle, no part of it stays."""
    with pytest.raises(CancelledError):
        fetch([source(server + "/good")], tmp_path, lambda w, s: None, lambda: True)
    assert list(tmp_path.iterdir()) == []
