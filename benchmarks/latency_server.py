"""A folder as an S3 bucket on this machine, every answer late: `Served(folder, seconds)` has a `url` while it is open.

Knows what readers ask for: objects with and without ranges, their heads, and listings (version 2). Counts requests.
"""

import http.server
import pathlib
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

BUCKET = "bench"


def listing(root: pathlib.Path, prefix: str, delimiter: str) -> tuple[list[pathlib.Path], list[str]]:
    """Objects under a prefix, and the prefixes that a delimiter cuts off."""
    folder = root / prefix.rpartition("/")[0]
    if not folder.is_dir():
        return [], []
    found = folder.iterdir() if delimiter else folder.rglob("*")
    inside = [path for path in sorted(found) if path.relative_to(root).as_posix().startswith(prefix)]
    files = [path for path in inside if path.is_file()]
    folders = [path.relative_to(root).as_posix() + "/" for path in inside if path.is_dir()] if delimiter else []
    return files, folders


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """First and end byte of a `Range` header."""
    if header is None:
        return None
    first, _, last = header.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        time.sleep(self.server.latency)
        self.server.requests += 1
        url = urllib.parse.urlsplit(self.path)
        key = urllib.parse.unquote(url.path).removeprefix(f"/{BUCKET}").lstrip("/")
        query = dict(urllib.parse.parse_qsl(url.query))
        if not key:
            self.answer(200, self.list(query), {"Content-Type": "application/xml"})
            return
        path = self.server.root / key
        if not path.is_file():
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {"Content-Type": "application/xml"})
            return
        size = path.stat().st_size
        headers = {"ETag": f'"{size}"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Accept-Ranges": "bytes"}
        part = span(self.headers.get("Range"), size)
        first, end = part or (0, size)
        with open(path, "rb") as file:
            file.seek(first)
            body = file.read(end - first)
        if part:
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        self.answer(206 if part else 200, body, headers)

    def list(self, query: dict) -> bytes:
        prefix = query.get("prefix", "")
        files, folders = listing(self.server.root, prefix, query.get("delimiter", ""))
        contents = "".join(
            f"<Contents><Key>{escape(path.relative_to(self.server.root).as_posix())}</Key><Size>{path.stat().st_size}</Size>"
            f'<ETag>"{path.stat().st_size}"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>'
            for path in files
        )
        prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        head = f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(files) + len(folders)}</KeyCount>"
        text = f"<ListBucketResult>{head}<IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"
        return text.encode()

    def answer(self, status: int, body: bytes, headers: dict) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words):
        """Nothing is printed: the requests are counted."""


class Served:
    """The folder's server while the `with` block runs."""

    def __init__(self, folder, latency: float):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.root, self.server.latency, self.server.requests = pathlib.Path(folder), latency, 0
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"s3://{BUCKET}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
