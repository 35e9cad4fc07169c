"""CDO: a chain of its operators; one command, or two where a chain cannot read the input twice."""

import os
import pathlib
import shutil

VERSION_COMMAND = ["cdo", "--version"]
CORES = len(os.sched_getaffinity(0))


def is_present() -> bool:
    return shutil.which("cdo") is not None


def commands(workload: str, form: str, store: str, out: str) -> list[list[str]] | None:
    """The commands of a workload, or nothing where CDO cannot do it."""
    if workload == "start":
        return [["cdo", "--version"]]
    if form == "netcdf-1000":
        return [["sh", "-c", f"cdo -s ntime -cat '{store}/*.nc'"]]
    if form != "netcdf":
        return None
    base = ["cdo", "-O", "-s", "-P", str(CORES), "-f", "nc4", "-b", "F32"]
    field = ["-select,name=t2m", f"{store}/*.nc"]
    # Inside a chain the brackets go around the files, not around the operator.
    bracketed = ["-select,name=t2m", "[", f"{store}/*.nc", "]"]
    climatology = f"{out}.climatology.nc"
    table = {
        "mean": [[*base, "timmean", *field, f"{out}.nc"]],
        # Weights are the cells' areas: not quite the cosine of latitude, see the column of errors.
        "area": [[*base, "fldmean", *field, f"{out}.nc"]],
        "anomaly-std": [
            [*base, "ymonmean", *field, climatology],
            [*base, "timstd", "-ymonsub", *bracketed, climatology, f"{out}.nc"],
        ],
        # Written without compression, which suits it best: its own deflate is slower than the peers' Zstandard.
        "anomaly-write": [
            [*base, "ymonmean", *field, climatology],
            [*base, "ymonsub", *bracketed, climatology, f"{out}.nc"],
        ],
        "rolling": [[*base, "runmean,30", *field, f"{out}.nc"]],
        # From a histogram, so not exact; three chains, because it reads its input three times.
        "quantile": [
            [*base, "timmin", *field, f"{out}.min.nc"],
            [*base, "timmax", *field, f"{out}.max.nc"],
            [*base, "timpctl,90", *bracketed, f"{out}.min.nc", f"{out}.max.nc", f"{out}.nc"],
        ],
        "bilinear": [[*base, f"remapbil,{grid(out)}", *field, f"{out}.nc"]],
        "point": [[*base, "selindexbox,201,201,101,101", *field, f"{out}.nc"]],
    }
    return expand(table.get(workload))


def grid(out: str) -> str:
    """The file that describes the grid of the interpolation."""
    # Not named as an answer, which is removed before each round.
    path = str(pathlib.Path(out).parent / "grid.txt")
    with open(path, "w") as file:
        file.write(
            "gridtype = lonlat\nxsize = 360\nysize = 181\nxfirst = 0\nxinc = 1\n"
            f"yvals = {' '.join(str(89.75 - 179.5 * row / 180) for row in range(181))}\n"
        )
    return path


def expand(chains):
    """Globs made lists, because each file is an argument of its own."""
    import glob

    if chains is None:
        return None
    return [[part for word in chain for part in (sorted(glob.glob(word)) if "*" in word else [word])] for chain in chains]
