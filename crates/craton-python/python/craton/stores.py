"""Options of remote stores, in the spelling of fsspec, as the engine takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["pairs", "public_url"]


def pairs(storage_options: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Give options as names and texts.

    ``headers`` and ``client_kwargs`` are taken apart; whether a name is known is for the engine to say.

    Raises
    ------
    TypeError
        If a value is neither text, number, truth value nor such a mapping. The value itself is not told.
    """
    found: list[tuple[str, str]] = []
    for name, value in (storage_options or {}).items():
        if value is None:
            continue
        if name in ("headers", "client_kwargs") and isinstance(value, Mapping):
            prefix = "header." if name == "headers" else ""
            found += pairs({f"{prefix}{key}": inner for key, inner in value.items()})
        elif isinstance(value, bool):
            found.append((name, "true" if value else "false"))
        elif isinstance(value, (str, int, float)):
            found.append((name, str(value)))
        else:
            raise TypeError(f"the option {name!r} of a store is a {type(value).__qualname__}; a text is needed")
    return found


def public_url(url: str) -> str:
    """Give a URL without user, password and parameters, which may be secret."""
    scheme, place, path, _query, _fragment = urlsplit(url)
    # `abfs://container@account` names no user.
    kind = scheme.lower().removeprefix("icechunk+")
    host = place if kind.startswith(("abfs", "wasb")) else place.rpartition("@")[2]
    return urlunsplit((scheme, host, path, "", ""))
