"""Packages of npm that tests need, in the cache folder."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def installed(name):
    """Node, and the folder of the packages that `NAME.json` asks for, installed at the first call."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("there is no Node")
    asked = Path(__file__).with_name(f"{name}.json")
    version = json.loads(asked.read_text())["dependencies"][name]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "craton"
    folder = cache / f"{name}-{version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        shutil.copy(asked, made / "package.json")
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            shutil.rmtree(made)
            pytest.skip(f"npm does not install {name}: {done.stderr[-300:]}")
        try:
            # Whole or not at all: another test run may be at it, too.
            made.rename(folder)
        except OSError:
            shutil.rmtree(made)
    return node, folder / "node_modules"
