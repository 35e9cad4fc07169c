"""The crate icechunk alone: see `icechunk/`, a program that `run.py --setup` builds. What writers through it cannot be much faster than."""

import os
import pathlib
import shutil

VERSION_COMMAND = None
FOLDER = pathlib.Path(__file__).parent / "icechunk"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", FOLDER / "target"))
PROGRAM = os.environ.get("CRATON_PEER_ICECHUNK", str(TARGET / "release" / "craton-peer-icechunk"))


def is_present() -> bool:
    return shutil.which(PROGRAM) is not None


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    return [[PROGRAM, store, out]] if workload == "commit" else None
