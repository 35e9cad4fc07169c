"""The `craton` program, and others that it is compared with."""

import json
import os
import shutil
import subprocess
import sysconfig

SCRIPTS = sysconfig.get_path("scripts")


def run_craton(*arguments):
    """Run the program that stands beside this Python, or on the path."""
    program = shutil.which("craton", path=os.pathsep.join([SCRIPTS, os.environ["PATH"]]))
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def craton(*arguments, code=0):
    """Run the program; give what it printed. Any code is right if `None`."""
    answer = run_craton(*arguments)
    assert code in (None, answer.returncode), answer.stdout + answer.stderr
    return answer.stdout if code in (None, 0, 1) else answer.stderr


def craton_json(*arguments, code=0):
    return json.loads(craton(*arguments, "--json", code=code))


def other(name, *arguments):
    """Run another program; give what it printed. The test is skipped where it is not installed."""
    import pytest

    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    answer = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    return answer.stdout + answer.stderr
