"""Programs that are killed at a chosen event of the file system, or find the disk full, by `file_events.c`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("file_events.c")


class FileEvents:
    """What is loaded into programs, built in a folder."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "file_events.so"
        self._report = folder / "file_events.txt"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE, "-ldl"]
        subprocess.run(command, check=True)

    @staticmethod
    def can_be_built() -> bool:
        """Whether this is Linux, with a compiler."""
        return sys.platform == "linux" and shutil.which("cc") is not None

    def environment(self, stop_at: int | None = None, full_after: int | None = None) -> dict[str, str]:
        """The environment of a program that is killed at its event `stop_at`, or has room for `full_after` bytes."""
        added = {"LD_PRELOAD": str(self._library), "FILE_EVENTS_REPORT": str(self._report)}
        if stop_at is not None:
            added["FILE_EVENTS_STOP_AT"] = str(stop_at)
        if full_after is not None:
            added["FILE_EVENTS_FULL_AFTER"] = str(full_after)
        return os.environ | added

    def counted(self) -> tuple[int, int]:
        """Events, and bytes written, of the last program that came to its end."""
        events, written = self._report.read_text().split()
        return int(events), int(written)
