"""An S3 service on this machine, for tests: objects in memory, written, read in ranges, listed and removed."""

from __future__ import annotations

import datetime
import hashlib
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape


# The first of January 2024.
OLD = 1_704_067_200.0


class S3Server:
    """A running service with one bucket, ``bucket``; whatever is signed is believed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        # When they were written; what tests put there has an old date.
        self.times: dict[str, float] = {}
        # Method, key and status of each request.
        self.log: list[tuple[str, str, int]] = []
        # Two writers of one object at once are told apart.
        self.writing = threading.Lock()
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def options(self) -> dict[str, str]:
        """How to reach it, as `storage_options`."""
        endpoint = f"http://127.0.0.1:{self._server.server_port}"
        return {"endpoint_url": endpoint, "key": "k", "secret": "s", "region": "us-east-1"}

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: S3Server

    def log_message(self, *_):
        pass

    @property
    def key(self):
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").lstrip("/")

    def answer(self, status, body=b"", **headers):
        self.service.log.append((self.command, self.key, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            return self.list(query)
        body = self.service.objects.get(self.key)
        if body is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        modified = formatdate(self.service.times.get(self.key, OLD), usegmt=True)
        headers = {"ETag": etag(body), "Last_Modified": modified}
        if self.headers.get("If-None-Match") == etag(body):
            return self.answer(304, **headers)
        if self.headers.get("If-Match", etag(body)) != etag(body):
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
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.service.writing:
            there = self.service.objects.get(self.key)
            is_kept = there is not None and self.headers.get("If-None-Match") == "*"
            wanted = self.headers.get("If-Match")
            if is_kept or (wanted is not None and (there is None or wanted != etag(there))):
                return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            self.service.objects[self.key] = body
            self.service.times[self.key] = time.time()
        return self.answer(200, ETag=etag(body))

    def do_DELETE(self):
        self.service.objects.pop(self.key, None)
        return self.answer(204)

    def do_POST(self):
        # Several objects removed at once.
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        keys = [part.split("</Key>")[0] for part in body.split("<Key>")[1:]]
        for key in keys:
            self.service.objects.pop(unescape(key), None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return self.answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode(), Content_Type="application/xml")

    def written(self, key):
        moment = datetime.datetime.fromtimestamp(self.service.times.get(key, OLD), datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def list(self, query):
        prefix = query.get("prefix", [""])[0]
        folders, keys = set(), []
        for key, body in sorted(self.service.objects.items()):
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if "delimiter" in query and "/" in rest:
                folders.add(prefix + rest.split("/")[0] + "/")
            else:
                keys.append((key, body))
        entries = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>{escape(etag(body))}</ETag>"
            f"<LastModified>{self.written(key)}</LastModified></Contents>"
            for key, body in keys
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(entries)}</ListBucketResult>"
        return self.answer(200, body.encode(), Content_Type="application/xml")
