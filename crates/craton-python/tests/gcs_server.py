"""A service on this machine that speaks the XML protocol of Google Cloud Storage, for tests.

It is the one of S3 but for the names of headers, and that versions of an object are told apart by numbers: generations.
"""

from __future__ import annotations

import itertools

from s3_server import S3Handler, S3Server

GENERATION = "x-goog-generation"


class GcsServer(S3Server):
    """A running service with one bucket, ``bucket``; whoever has a token is believed."""

    def __init__(self) -> None:
        self.generations = itertools.count(1_700_000_000_000_000)
        super().__init__()

    def handler(self) -> type[S3Handler]:
        return GcsHandler

    @property
    def options(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "token": "t"}


class GcsHandler(S3Handler):
    """What is answered."""

    own = "x-goog-"
    service: GcsServer

    def begin(self):
        body = super().begin()
        if body is not None and not self.headers.get("Authorization", "").startswith("Bearer "):
            return self.answer(401, b"<Error><Code>AuthenticationRequired</Code></Error>")
        return body

    def may_put(self):
        wanted = self.headers.get("x-goog-if-generation-match")
        # Zero stands for no object.
        there = self.service.notes.get(self.key, {}).get(GENERATION, "0")
        return wanted in (None, there)

    def notes_of_new(self):
        return {GENERATION: str(next(self.service.generations))}

    def do_DELETE(self):
        if self.begin() is not None:
            is_there = self.key in self.service.objects
            self.remove(self.key)
            self.answer(204 if is_there else 404)

    def do_POST(self):
        # Objects are removed one by one.
        if self.begin() is not None:
            self.answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
