"""What the pages for readers say, run: the blocks of their code, and how what they show is compared with what happens.

A block is run by the word after its fence:

- `console`: the lines after `$ ` by bash, each with all that it printed compared with the lines below it. It may fail only
  where an error is shown.
- `pycon`: by doctest, with `...` for any text and any white space for any other.
- `sh` and `python`: they must succeed, and what `craton … -o FILE` names must be there afterwards.
- `toml`: as the `craton.toml` of the folder.

In console blocks `…` stands for any text, on a line of its own for any lines. Figures that differ between machines are
compared as if they were all the same, see `MACHINE`. A block below `<!-- not executed: reason -->` is not run.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from program import SCRIPTS

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
PAGES = [README, ROOT / "crates" / "craton-python" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_EXECUTED = re.compile(r"<!-- not executed: (.+) -->")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MACHINE = re.compile(
    r"(?<=^plan of t2m  )[0-9a-f]{12}$"  # the name of a plan: the age of its inputs is in it
    r"|(?<=    )\d+\.\d+ s\b"  # how long a step took
    r"|(?<=done in )\d+\.\d+ s\b"
    r"|less than a second|about \d+ s\b"  # how long it should take
    r"|\d+\.\d+ .B (?=decoded a second)"
    r"|(?<=peak memory )\d+\.\d+ .B"  # the whole process, of which a part differs between builds
    r"|(?<=peak about )\d+ .iB"
    r"|(?<=needs about )\d+.iB"
    r"|(?<=--memory )\d+.iB(?=`)"
    r"|(?<=memory=\")\d+.iB(?=\")",
    re.MULTILINE,
)
"""Seconds, bytes a second, the memory of the whole process, and the names of plans."""


class Block(NamedTuple):
    language: str
    text: str
    line: int
    """In the page, of the first line inside."""
    why_not: str | None
    """Why it is not executed."""


def blocks(page):
    text = page.read_text()
    found = []
    for fence in FENCE.finditer(text):
        above = text[: fence.start()].rstrip("\n").rpartition("\n")[2]
        mark = NOT_EXECUTED.fullmatch(above)
        line = text[: fence.start(2)].count("\n") + 1
        found.append(Block(fence[1], fence[2], line, mark[1] if mark else None))
    return found


def run_block(block, folder, names):
    """Run one block in `folder`; `names` are what the Python prompts of a page share. Fails by an AssertionError."""
    RUN[block.language](block, folder, names)


def bash(command, folder):
    """How it ended, and all that it printed, errors in between."""
    path = os.pathsep.join([SCRIPTS, os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "CRATON_CONFIG": str(folder / "craton.toml")}
    if not (folder / "craton.toml").exists():
        del environment["CRATON_CONFIG"]
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def pattern(shown):
    """A regular expression of what may be printed where `shown` stands."""
    lines = re.sub(r"^ *…\n", "\0", shown, flags=re.MULTILINE)
    return re.escape(lines).replace("\0", "(?:.*\n)*").replace("…", ".*")


def looks_like(shown, printed):
    shown, printed = (MACHINE.sub("[MACHINE]", text.rstrip() + "\n") for text in (shown, printed))
    return re.fullmatch(pattern(shown), printed) is not None


def run_console(block, folder, _):
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, shown = part.split("\n", 1)
        code, printed = bash(command, folder)
        assert looks_like(shown, printed), f"`{command}` printed\n{printed}"
        may_fail = shown.startswith("error: ")
        assert (code != 0) == may_fail, f"`{command}` ended with {code}"


def run_sh(block, folder, _):
    code, printed = bash(block.text, folder)
    assert code == 0, printed
    words = shlex.split(block.text, comments=True)
    outputs = [words[index + 1] for index, word in enumerate(words) if word == "-o"]
    # A commit goes to the branch of a repository in a folder.
    outputs = [folder / output.removeprefix("icechunk+").split("@")[0] for output in outputs]
    assert all(output.exists() for output in outputs), f"not all of {outputs} are there"


def run_pycon(block, folder, names):
    test = doctest.DocTestParser().get_doctest(block.text, names, "block", None, block.line - 1)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    told = []
    before = Path.cwd()
    os.chdir(folder)
    try:
        runner.run(test, out=told.append, clear_globs=False)
    finally:
        os.chdir(before)
    names.update(test.globs)
    assert not runner.failures, "".join(told)


def run_python(block, folder, _):
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def run_toml(block, folder, _):
    tomllib.loads(block.text)
    (folder / "craton.toml").write_text(block.text)
    code, printed = bash("craton info era5.zarr", folder)
    assert code == 0, printed


RUN = {"console": run_console, "sh": run_sh, "pycon": run_pycon, "python": run_python, "toml": run_toml}
