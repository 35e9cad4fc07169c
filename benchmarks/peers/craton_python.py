"""Craton's Python package, where it is installed for the interpreter named by `CRATON_PYTHON`: start-up alone."""

import os
import subprocess
import sys

PROGRAM = os.environ.get("CRATON_PYTHON", sys.executable)
VERSION_COMMAND = [PROGRAM, "-c", "import craton; print('craton', craton.__version__)"]


def is_present() -> bool:
    return subprocess.run([PROGRAM, "-c", "import craton"], capture_output=True).returncode == 0


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    """Importing, and nothing else: its operations are those of the command line."""
    return [[PROGRAM, "-c", "import craton"]] if workload == "start" else None
