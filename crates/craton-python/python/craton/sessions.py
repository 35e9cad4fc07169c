"""Commits that are written in several steps, maybe by several processes."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from craton import _native
from craton.stores import pairs
from craton.versions import lengths_text, region_text

if TYPE_CHECKING:
    import xarray

__all__ = ["Session", "session"]


def session(
    repo: str | os.PathLike[str], *, branch: str = "main", storage_options: Mapping[str, Any] | None = None
) -> Session:
    """Begin a commit to a branch that is written in several steps.

    Parameters
    ----------
    repo : str or path
        The repository, which is made where there is none.
    branch : str, default: "main"
        The branch, which must be there in a repository that is.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`. They travel along with forks, secrets included.

    Returns
    -------
    Session
        What the branch holds now, to be changed.

    Raises
    ------
    KeyError
        If there is no such branch.

    Examples
    --------
    >>> work = craton.session("results")  # doctest: +SKIP
    >>> work.write(ds, compute=False)  # doctest: +SKIP
    >>> forks = [work.fork() for _ in range(2)]  # doctest: +SKIP
    >>> done = client.gather(client.map(write_one, forks))  # doctest: +SKIP
    >>> work.merge(*done)  # doctest: +SKIP
    >>> work.commit("all years")  # doctest: +SKIP
    """
    options = pairs(storage_options)
    return Session(_native.begin_session(os.fspath(repo), branch, options), options, is_fork=False)


class Session:
    """A commit in the making, from `session`, or a fork of one.

    A fork can be pickled and sent to another process, which writes regions to it and sends it back; a session itself
    stays in its process. Nothing shows before `commit`, and nothing is left if there is none.
    """

    def __init__(self, url: str, options: list[tuple[str, str]], *, is_fork: bool) -> None:
        self._url = url
        self._options = options
        self._is_fork = is_fork
        self._end = weakref.finalize(self, _native.discard_session, url)

    @property
    def url(self) -> str:
        """What was written so far, as something to open, in this process."""
        return self._url

    @property
    def is_fork(self) -> bool:
        """Whether this is a fork, which is merged and not committed."""
        return self._is_fork

    def write(
        self,
        obj: xarray.DataArray | xarray.Dataset | xarray.DataTree,
        *,
        append_dim: str | None = None,
        region: str | Mapping[str, slice | str] | None = None,
        chunks: Mapping[str, int] | None = None,
        shards: Mapping[str, int] | None = None,
        codec: str | None = None,
        compute: bool = True,
        memory: int | str | None = None,
        threads: int | None = None,
    ) -> None:
        """Write an xarray object, as `to_icechunk` does it.

        Parameters
        ----------
        obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
            What takes the place of all that is there, or with ``append_dim`` or ``region`` becomes a part of it. Forks
            take regions only.
        append_dim, region, chunks, shards, codec, memory, threads
            As for `to_icechunk`.
        compute : bool, default: True
            Whether values are written. Without, of data only the arrays are made, whose values are missing until regions
            of them are written; coordinates are written in any case.

        Raises
        ------
        RuntimeError
            If the session was forked: what else is to be written goes into a fork.
        KeyError, ValueError, TypeError, OSError
            As for `to_icechunk`.
        """
        from craton.given import given

        if not compute and (append_dim is not None or region is not None):
            raise ValueError("compute=False makes new arrays; a region or what is appended has values")
        if self._is_fork and append_dim is not None:
            raise ValueError("a fork writes regions; append to the session before it is forked")
        written: _native.Written = {
            "branch": None,
            "message": None,
            "amend": False,
            "on_conflict": None,
            "append_dim": append_dim,
            "region": region_text(region),
            "chunks": lengths_text(chunks),
            "shards": lengths_text(shards),
            "codec": codec,
            "compute": compute,
        }
        _native.write_to_branch(given(obj), self._url, written, memory, threads, self._options)

    def fork(self) -> Session:
        """Give a part of this commit to be written elsewhere; from then on only forks are written to.

        Raises
        ------
        NotImplementedError
            If the repository is in the memory of this process.
        """
        return _of_parcel(_native.fork_session(self._url), self._options)

    def merge(self, *forks: Session) -> None:
        """Take what forks wrote into this commit.

        Raises
        ------
        RuntimeError
            If two of them wrote the same chunk, or one changed more than values. Those before it are merged.
        ValueError
            If it is a fork of another session.
        """
        for fork in forks:
            _native.merge_fork(self._url, _native.pack_session(fork._url))

    def commit(
        self,
        message: str,
        *,
        amend: bool = False,
        on_conflict: Literal["fail", "ours", "theirs"] = "fail",
    ) -> str:
        """Make the state the newest of the branch, and end the session.

        Parameters
        ----------
        message : str
            What the commit says.
        amend : bool, default: False
            Whether the commit takes the place of the branch's newest one in the history.
        on_conflict : {"fail", "ours", "theirs"}
            Whose values a chunk has that somebody else changed meanwhile. What others changed elsewhere is kept.

        Returns
        -------
        str
            The id of the snapshot.

        Raises
        ------
        RuntimeError
            If somebody else has committed meanwhile, and the changes of both cannot be kept. The session goes on.
        ValueError
            If this is a fork.
        """
        return _native.commit_session(self._url, message, amend, on_conflict)

    def discard(self) -> None:
        """End the session without a commit."""
        self._end()

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._is_fork:
            raise TypeError("a session stays in its process; send a fork, `session.fork()`")
        return _of_parcel, (_native.pack_session(self._url), self._options)

    def __repr__(self) -> str:
        return f"<craton.Session {'fork ' if self._is_fork else ''}{self._url}>"


def _of_parcel(parcel: bytes, options: list[tuple[str, str]]) -> Session:
    return Session(_native.open_fork(parcel, options), options, is_fork=True)
