"""The installed package: its version, what importing it costs, and the command beside it."""

import importlib.metadata
import subprocess
import sys
import sysconfig
from pathlib import Path

import craton
import pytest


def test_versions_agree():
    assert craton.__version__ == importlib.metadata.version("craton")


def test_import_leaves_the_heavy_packages_alone():
    heavy = ("dask", "numpy", "pandas", "xarray", "zarr")
    question = f"import craton, sys; print([name for name in {heavy!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        craton.no_such_name  # noqa: B018


def test_every_public_name_exists():
    for name in craton.__all__:
        assert getattr(craton, name) is not None
    assert set(craton.__all__) <= set(dir(craton))


def test_package_is_typed():
    folder = Path(craton.__file__).parent
    assert (folder / "py.typed").is_file()
    assert (folder / "_native.pyi").is_file()


def test_command_is_the_program_itself_and_has_the_version():
    command = Path(sysconfig.get_path("scripts")) / "craton"
    assert not command.read_bytes().startswith(b"#!"), "the command starts an interpreter"
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["craton", craton.__version__]
