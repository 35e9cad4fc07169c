"""An S3 service on this machine, for tests: objects in memory, written, read in ranges, copied, listed and removed.

It can be told to fail, by [`S3Server.fault`]: busy, slow to answer, cut off, with another clock, gone.
"""

from __future__ import annotations

import datetime
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape


# The first of January 2024.
OLD = 1_704_067_200.0


# What may happen to a request beside an answer with a status: the connection is closed before anything is done
# ("reset"); in the middle of the body, its own or the answer's ("cut"); or after it was done, unanswered ("lost").
Fault = int | str | None

# What S3 says with a status.
CODES = {403: "ExpiredToken", 412: "PreconditionFailed", 429: "TooManyRequests", 500: "InternalError", 503: "SlowDown"}


class S3Server:
    """A running service with one bucket, ``bucket``; whatever is signed is believed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        # When they were written; what tests put there has an old date.
        self.times: dict[str, float] = {}
        # What writers noted with them.
        self.notes: dict[str, dict[str, str]] = {}
        # Method, key and status of each request; a fault stands for the status.
        self.log: list[tuple[str, str, int | str]] = []
        # What happens to a request, by its method and key; most often nothing. One that is slow may sleep first.
        self.fault: Callable[[str, str], Fault] = lambda _method, _key: None
        # Names that a list gives at once, as many as S3 does.
        self.page = 1000
        # Seconds that its clock is ahead.
        self.ahead = 0.0
        # Two writers of one object at once are told apart.
        self.writing = threading.Lock()
        self._connections: set[socket.socket] = set()
        handler = type("Handler", (self.handler(),), {"service": self})
        self._server = _Listening(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Who answers."""
        return S3Handler

    @property
    def endpoint(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def options(self) -> dict[str, str]:
        """How to reach it, as `storage_options`."""
        return {"endpoint_url": self.endpoint, "key": "k", "secret": "s", "region": "us-east-1"}

    @property
    def command_options(self) -> list[str]:
        """How to reach it, as options of the program."""
        return [word for name, value in self.options.items() for word in ("--store", f"{name}={value}")]

    def now(self) -> float:
        """The time by its clock."""
        return time.time() + self.ahead

    def copy_of(self) -> tuple[dict, dict, dict]:
        """All that is stored, to be put back by [`S3Server.put_back`]."""
        with self.writing:
            return dict(self.objects), dict(self.times), dict(self.notes)

    def put_back(self, stored: tuple[dict, dict, dict]) -> None:
        """Store again what was stored then, and nothing else."""
        with self.writing:
            self.objects, self.times, self.notes = (dict(part) for part in stored)

    def close(self) -> None:
        """Stop, connections included."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            _cut_off(connection)


class _Listening(ThreadingHTTPServer):
    # Many clients may come at the same moment.
    request_queue_size = 128

    def handle_error(self, _request, _address):
        # Clients that are gone are what some tests are about.
        pass


def _cut_off(connection: socket.socket) -> None:
    # Gone already, where that fails.
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def _is_of(wanted: str, body: bytes) -> bool:
    """Whether a header names the tag of `body`; some clients leave its quotes out."""
    return wanted.strip('"') == etag(body).strip('"')


class S3Handler(BaseHTTPRequestHandler):
    """What is answered."""

    # What the service's own headers begin with.
    own = "x-amz-"
    protocol_version = "HTTP/1.1"
    # Headers and body leave together: else each answer would wait for what the client's system acknowledges late.
    wbufsize = -1
    disable_nagle_algorithm = True
    service: S3Server

    def setup(self):
        super().setup()
        self.service._connections.add(self.connection)

    def finish(self):
        self.service._connections.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(self.service.now() if timestamp is None else timestamp, usegmt=True)

    @property
    def key(self):
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").lstrip("/")

    def begin(self):
        """The body of the request; nothing if it fails and is answered already."""
        self.fault = self.service.fault(self.command, self.key)
        size = int(self.headers.get("Content-Length", 0))
        if self.fault == "cut" and size:
            self.rfile.read(size // 2)
        if self.fault == "reset" or (self.fault == "cut" and size):
            return self.leave()
        body = self.rfile.read(size)
        if len(body) < size:
            # The client is gone, and what it began is no object.
            return self.leave()
        if isinstance(self.fault, int):
            code = CODES.get(self.fault, "Other")
            return self.answer(self.fault, f"<Error><Code>{code}</Code><Message>told to</Message></Error>".encode())
        return body

    def leave(self):
        self.service.log.append((self.command, self.key, self.fault or "gone"))
        self.close_connection = True
        _cut_off(self.connection)

    def answer(self, status, body=b"", **headers):
        if self.fault == "lost":
            return self.leave()
        # Only what was asked for is long enough to be cut off in the middle.
        is_cut = self.fault == "cut" and status < 400 and self.command != "HEAD"
        self.service.log.append((self.command, self.key, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
        if is_cut:
            self.wfile.flush()
            self.close_connection = True
            _cut_off(self.connection)
        return None

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.begin() is None:
            return None
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            return self.list(query)
        with self.service.writing:
            body = self.service.objects.get(self.key)
            written = self.service.times.get(self.key, OLD)
            notes = self.service.notes.get(self.key, {})
        if body is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        headers = {"ETag": etag(body), "Last_Modified": formatdate(written, usegmt=True), **notes}
        if _is_of(self.headers.get("If-None-Match", ""), body):
            return self.answer(304, **headers)
        if not _is_of(self.headers.get("If-Match", etag(body)), body):
            return self.answer(412)
        asked = self.headers.get("Range")
        size = len(body)
        if self.command == "HEAD":
            return self.answer(200, Content_Length=str(size), **headers)
        if asked is None:
            return self.answer(200, body, **headers)
        first, last = asked.removeprefix("bytes=").split("-")
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last) + 1, size) if first and last else size
        if start >= size:
            return self.answer(416, b"<Error><Code>InvalidRange</Code></Error>", Content_Range=f"bytes */{size}")
        return self.answer(206, body[start:end], Content_Range=f"bytes {start}-{end - 1}/{size}", **headers)

    def do_PUT(self):
        body = self.begin()
        if body is None:
            return None
        names = {name.lower(): value for name, value in self.headers.items()}
        notes = {name: value for name, value in names.items() if name.startswith(f"{self.own}meta-")}
        source = self.headers.get(f"{self.own}copy-source")
        with self.service.writing:
            if source is not None:
                # A copy that the service makes itself.
                from_key = unquote(source).lstrip("/").removeprefix("bucket/")
                body = self.service.objects.get(from_key)
                if body is None:
                    return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                notes = self.service.notes.get(from_key, {})
                if not _is_of(self.headers.get(f"{self.own}copy-source-if-match", etag(body)), body):
                    return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            if not self.may_put():
                return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            new = self.notes_of_new()
            self.service.objects[self.key] = body
            self.service.times[self.key] = self.service.now()
            self.service.notes[self.key] = notes | new
        if source is not None:
            told = f"<CopyObjectResult><ETag>{escape(etag(body))}</ETag></CopyObjectResult>".encode()
            return self.answer(200, told, Content_Type="application/xml", **new)
        return self.answer(200, ETag=etag(body), **new)

    def may_put(self):
        """Whether what is there now is what the writer takes to be there."""
        there = self.service.objects.get(self.key)
        if there is not None and self.headers.get("If-None-Match") == "*":
            return False
        wanted = self.headers.get("If-Match")
        return wanted is None or (there is not None and _is_of(wanted, there))

    def notes_of_new(self):
        """What the service itself notes with an object that is written."""
        return {}

    def do_DELETE(self):
        if self.begin() is not None:
            self.remove(self.key)
            self.answer(204)

    def do_POST(self):
        # Several objects removed at once.
        body = self.begin()
        if body is None:
            return None
        keys = [part.split("</Key>")[0] for part in body.decode().split("<Key>")[1:]]
        for key in keys:
            self.remove(unescape(key))
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return self.answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode(), Content_Type="application/xml")

    def remove(self, key):
        with self.service.writing:
            for held in (self.service.objects, self.service.times, self.service.notes):
                held.pop(key, None)

    def written(self, key):
        moment = datetime.datetime.fromtimestamp(self.service.times.get(key, OLD), datetime.UTC)
        # Finer than S3 tells it: in whole seconds, what was written just now could not be known to be old.
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def list(self, query):
        prefix = query.get("prefix", [""])[0]
        folders, keys = set(), []
        with self.service.writing:
            stored = sorted(self.service.objects.items())
        for key, body in stored:
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if "delimiter" in query and "/" in rest:
                folders.add(prefix + rest.split("/")[0] + "/")
            else:
                keys.append((key, body))
        entries = {
            key: f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>{escape(etag(body))}</ETag>"
            f"<LastModified>{self.written(key)}</LastModified></Contents>"
            for key, body in keys
        }
        entries |= {folder: f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders}
        # A page goes on where the last one ended; the first may begin behind a name, too.
        last = query.get("continuation-token") or query.get("start-after") or [""]
        names = sorted(name for name in entries if name > last[0])
        page, is_cut = names[: self.service.page], len(names) > self.service.page
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_cut else ""
        told = f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{token}{''.join(entries[name] for name in page)}"
        body = f"<ListBucketResult>{told}</ListBucketResult>"
        return self.answer(200, body.encode(), Content_Type="application/xml")
