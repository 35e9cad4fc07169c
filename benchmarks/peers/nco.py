"""NCO: one operator a workload, for those that one operator does."""

import shutil

from peers.cdo import expand

VERSION_COMMAND = ["ncra", "--version"]


def is_present() -> bool:
    return shutil.which("ncra") is not None


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    """The commands of a workload, or nothing where NCO has no operator for it."""
    if workload == "start":
        return [["ncks", "--version"]]
    if form != "netcdf":
        return None
    table = {
        "mean": [["ncra", "-O", "-h", "-v", "t2m", f"{store}/*.nc", f"{out}.nc"]],
        "point": [["ncrcat", "-O", "-h", "-v", "t2m", "-d", "lat,100", "-d", "lon,200", f"{store}/*.nc", f"{out}.nc"]],
    }
    return expand(table.get(workload))
