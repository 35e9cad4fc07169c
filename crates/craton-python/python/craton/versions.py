"""Versions of results: commits to Icechunk repositories, their history, and whether all of it is there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from craton import _native
from craton.stores import pairs

if TYPE_CHECKING:
    import xarray

    Url = str | os.PathLike[str]

__all__ = ["branch", "diff", "gc", "log", "move", "replay", "reset", "tag", "to_icechunk", "verify"]


def to_icechunk(
    obj: xarray.DataArray | xarray.Dataset | xarray.DataTree,
    repo: Url,
    *,
    branch: str = "main",
    message: str = "craton.to_icechunk",
    amend: bool = False,
    on_conflict: Literal["fail", "ours", "theirs"] | None = None,
    append_dim: str | None = None,
    region: str | Mapping[str, slice | str] | None = None,
    chunks: Mapping[str, int] | None = None,
    shards: Mapping[str, int] | None = None,
    codec: str | None = None,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> None:
    """Commit an xarray object to a branch of an Icechunk repository.

    What is lazy in it, as `craton.open_dataset` gives it, is computed piece by piece while it is written. Nothing shows
    until everything is written; after an error the branch is as it was.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        What becomes the newest state of the branch. An array without a name is called ``value``.
    repo : str or path
        The folder of the repository, which is made where there is none.
    branch : str, default: "main"
        The branch, which must be there in a repository that is.
    message : str
        What the commit says.
    amend : bool, default: False
        Whether the commit takes the place of the branch's newest one in the history.
    on_conflict : {"fail", "ours", "theirs"}, optional
        With ``append_dim`` or ``region``: whose values a chunk has that somebody else changed since this began. What
        others changed elsewhere is kept in any case. "fail" without.
    append_dim : str, optional
        The dimension along which ``obj`` is appended to what is there, instead of taking its place.
    region : "auto" or dict of slices, optional
        Where in what is there ``obj`` goes, by dimension: a slice of indices, or ``"auto"`` to find it by the labels;
        ``"auto"`` alone finds all of them.
    chunks, shards : dict of int, optional
        Lengths of chunks and shards by dimension, -1 for the whole; as for outputs of the program by default.
    codec : str, optional
        The codec, such as ``"zstd:3"``.
    memory, threads
        As for `eval`.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Raises
    ------
    RuntimeError
        If somebody else has committed to the branch meanwhile, and the changes of both cannot be kept.
    KeyError
        If there is no such branch.
    ValueError
        If ``obj`` does not fit what it is appended to or written into, or an option is malformed.
    TypeError
        If ``obj`` holds arrays that another library would have to load.
    OSError
        If reading or writing fails.

    See Also
    --------
    log : The history with its snapshots.

    Examples
    --------
    >>> ds = craton.open_dataset("era5.zarr")  # doctest: +SKIP
    >>> craton.to_icechunk(ds.mean("time"), "results", message="means")  # doctest: +SKIP
    """
    from craton.given import given

    written: _native.Written = {
        "branch": branch,
        "message": message,
        "amend": amend,
        "on_conflict": on_conflict,
        "append_dim": append_dim,
        "region": region_text(region),
        "chunks": lengths_text(chunks),
        "shards": lengths_text(shards),
        "codec": codec,
        "compute": True,
    }
    options = pairs(storage_options)
    _native.write_to_branch(given(obj), os.fspath(repo), written, memory, threads, options)


def log(repo: Url, *, storage_options: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Give the history of a repository, newest first.

    Parameters
    ----------
    repo : str or path
        The repository, and with ``@`` the branch, tag or snapshot to begin at; ``main`` without.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    list of dict
        Of each snapshot ``id``, ``parent``, ``time``, ``message`` and ``properties``, and the ``branches`` and ``tags``
        that point at it.

    Raises
    ------
    KeyError
        If there is no such repository or version.
    """
    return json.loads(_native.log(os.fspath(repo), pairs(storage_options)))


def branch(
    repo: Url,
    name: str | None = None,
    *,
    delete: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Give the branches of a repository, after making or deleting one if that is asked for.

    Parameters
    ----------
    repo : str or path
        The repository, and with ``@`` the version that a new branch points at; ``main`` without.
    name : str, optional
        The branch to make.
    delete : str, optional
        The branch to delete. Its snapshots stay until garbage is collected.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    dict
        The snapshots that the branches point at, by name.

    Raises
    ------
    RuntimeError
        If there is a branch or tag of this name already.
    KeyError
        If there is no such repository, version or branch.
    """
    return _native.branch(os.fspath(repo), name, delete, pairs(storage_options))


def tag(
    repo: Url,
    name: str | None = None,
    *,
    delete: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Give the tags of a repository, after making or deleting one if that is asked for.

    Parameters
    ----------
    repo, name, delete, storage_options
        As for `branch`. The name of a tag that was deleted is never given again.

    Returns
    -------
    dict
        The snapshots that the tags point at, by name.

    Raises
    ------
    RuntimeError, KeyError
        As for `branch`.
    """
    return _native.tag(os.fspath(repo), name, delete, pairs(storage_options))


def reset(
    repo: Url, branch: str, to: str, *, storage_options: Mapping[str, Any] | None = None
) -> tuple[str, str]:
    """Point a branch at another version, if nobody else moves it meanwhile.

    Parameters
    ----------
    repo : str or path
        The repository.
    branch : str
        The branch that moves.
    to : str
        The branch, tag or snapshot that it points at from now on.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    tuple of str
        The snapshots that it pointed at before and points at now.

    Raises
    ------
    RuntimeError
        If somebody else moved the branch meanwhile.
    KeyError
        If there is no such repository, branch or version.
    """
    return _native.reset(os.fspath(repo), branch, to, pairs(storage_options))


def gc(
    repo: Url,
    *,
    expire_before: str | None = None,
    written_before: str = "1d",
    dry_run: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Tell what no branch or tag leads to any more, and remove it if ``dry_run`` is false.

    Parameters
    ----------
    repo : str or path
        The repository.
    expire_before : str, optional
        Snapshots committed before this leave the history first, but for those that a branch or tag points at: an age such
        as ``"30d"``, or a date.
    written_before : str, default: "1d"
        What was written after this stays: it may belong to a commit in the making.
    dry_run : bool, default: True
        Only tell.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    dict
        The snapshots that leave the history as ``expired``, and the numbers of ``snapshots``, ``manifests``, ``chunks``,
        ``transaction_logs`` and ``bytes``.

    Raises
    ------
    KeyError
        If there is no such repository.
    OSError
        If something cannot be deleted.
    """
    return json.loads(_native.gc(os.fspath(repo), expire_before, written_before, dry_run, pairs(storage_options)))


def move(
    repo: Url,
    source: str,
    target: str,
    *,
    message: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Give an array or a group of a repository another path, as one commit; no chunk is touched.

    Parameters
    ----------
    repo : str or path
        The repository, and with ``@`` the branch; ``main`` without.
    source, target : str
        The path as it is and as it becomes, such as ``"/surface/t2m"``. The group that holds ``target`` must be there.
    message : str, optional
        What the commit says.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    str
        The id of the snapshot.

    Raises
    ------
    KeyError
        If there is no such repository, branch, array or group.
    RuntimeError
        If something is at ``target``, or somebody else has committed meanwhile.
    NotImplementedError
        If the repository has version 1 of the format.
    """
    return _native.relocate(os.fspath(repo), source, target, message, pairs(storage_options))


def diff(
    a: Url,
    b: Url,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignore_attributes: Iterable[str] = (),
    raw: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Compare two stores, files or versions: metadata first, then values. Values missing in both are equal.

    Parameters
    ----------
    a, b : str or path
        What to compare, of any formats; ``FILE!/path`` for a group or an array, ``icechunk+REPO@VERSION`` for a version.
    rtol, atol : float
        Values may differ by this part of that of ``b``, and by this much.
    ignore_attributes : iterable of str
        Attributes of these names are not compared.
    raw : bool, default: False
        Compare stored values as they are, without CF decoding.
    memory, threads
        As for `eval`.
    storage_options : dict, optional
        How to reach stores behind URLs, as for `open_dataset`.

    Returns
    -------
    dict
        Whether they are ``equal``, and of each of the ``groups`` how ``metadata`` and ``values`` differ. Of two versions of
        one repository also ``stored``: for each array how many ``chunks`` were added, removed or changed, and what was
        ``moved``; arrays without such chunks are not read.

    Raises
    ------
    KeyError, ValueError, NotImplementedError, OSError
        As for `open_dataset`.
    """
    urls = (os.fspath(a), os.fspath(b))
    options = pairs(storage_options)
    return json.loads(_native.diff(*urls, rtol, atol, list(ignore_attributes), raw, memory, threads, options))


def verify(
    url: Url,
    *,
    sample: int | None = None,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Read and decode every chunk of a store, file or repository, with the checksums that it has.

    Parameters
    ----------
    url : str or path
        What to look at; or a group or array in it, ``FILE!/group/array``.
    sample : int, optional
        Look for so many chunks of each array only.
    memory, threads
        As for `eval`.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    dict
        ``is_whole``, and of each of the ``arrays`` how many chunks were looked for, and the ``failures``.

    Raises
    ------
    KeyError, ValueError, NotImplementedError, OSError
        As for `open_dataset`. A damaged chunk is part of the answer.
    """
    return json.loads(_native.verify(os.fspath(url), sample, memory, threads, pairs(storage_options)))


def replay(
    url: Url,
    *,
    memory: int | str | None = None,
    threads: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Compute a result again by the recipe that it carries, and compare every value; nothing is written.

    Parameters
    ----------
    url : str or path
        What the program wrote: a store, a file or a repository.
    memory, threads
        As for `eval`.
    storage_options : dict, optional
        How to reach a store behind a URL, as for `open_dataset`.

    Returns
    -------
    dict
        The ``verdict``, which is ``"identical"``, ``"input changed"`` or ``"different"``; the inputs that are ``changed``;
        and the differences of each of the ``groups``.

    Raises
    ------
    KeyError
        If there is no recipe, or an input is not there any more.
    NotImplementedError
        If the store was changed after it was made, or made from an object that a program gave.
    """
    return json.loads(_native.replay(os.fspath(url), memory, threads, pairs(storage_options)))


def region_text(region: str | Mapping[str, slice | str] | None) -> str | None:
    """Give a region as the program's options say it."""
    if region is None or isinstance(region, str):
        return region
    parts = []
    for dim, part in region.items():
        if isinstance(part, slice):
            if part.start is None or part.stop is None or part.step not in (None, 1):
                raise ValueError(f"the region of `{dim}` is {part}; a slice with start and stop is needed, without step")
            part = f"{part.start}:{part.stop}"
        parts.append(f"{dim}={part}")
    return ",".join(parts)


def lengths_text(lengths: Mapping[str, int] | None) -> str | None:
    """Give lengths by dimension as the program's options say them."""
    return None if lengths is None else ",".join(f"{dim}={length}" for dim, length in lengths.items())
