"""The floor: see `../floor`. Not a peer, but what the peers are measured by."""

import os
import pathlib
import shutil

VERSION_COMMAND = None
FOLDER = pathlib.Path(__file__).parent.parent / "floor"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", FOLDER / "target"))
PROGRAM = os.environ.get("CRATON_FLOOR", str(TARGET / "release" / "craton-floor"))
MODES = {
    "mean": "sum",
    "area": "area",
    # Two decodes are what a bounded memory needs if the climatology comes first. One pass can do it by sums of squares.
    "anomaly-std": "decode-twice",
    "anomaly-write": "decode-twice-encode",
    "point": "point=100,200",
    "read": "read",
    "write": "write",
}
HAS_ANSWER = {"mean", "area", "point", "read"}


def is_present() -> bool:
    return shutil.which(PROGRAM) is not None


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    """The floor's mode for a workload, with zlib chunks inflated by the fastest library.

    A repository has the same chunks as the store that it was made from, which is read in its place.
    """
    if workload not in MODES:
        return None
    answer = ["--out", f"{out}.bin"] if workload in HAS_ANSWER else []
    if workload == "write":
        answer = ["--out", out]
    store = store if form != "icechunk" else str(pathlib.Path(store).parent / "zarr-v3-zstd")
    return [[PROGRAM, MODES[workload], store, "t2m", *answer]]
