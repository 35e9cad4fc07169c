"""The crate zarrs: see `zarrs/`, a program that `run.py --setup` builds."""

import os
import pathlib
import shutil

VERSION_COMMAND = None
FOLDER = pathlib.Path(__file__).parent / "zarrs"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", FOLDER / "target"))
PROGRAM = os.environ.get("CRATON_PEER_ZARRS", str(TARGET / "release" / "craton-peer-zarrs"))


def is_present() -> bool:
    return shutil.which(PROGRAM) is not None


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    can = workload in ("read", "write") and form != "icechunk"
    return [[PROGRAM, workload, store, out]] if can else None
