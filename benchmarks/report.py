"""Measurements to Markdown."""

NOTES = """- Every cell is a median over rounds in which the sides took turns; every measurement is a process of its own, on a warm page cache.
- `x floor` and `x Craton` are times divided by theirs, less is better: first without a Python peer's imports, then of the whole process.
  CDO, NCO, Craton and the floor are always whole processes. `import` is the seconds that importing took.
- `CPU x floor` says the same of CPU seconds, without and with imports, and holds better than time on a machine that was not quiet.
- `spread` is the slowest round less the fastest, of the median. `CPU` is user and system time of the whole process, `peak` its largest resident memory.
- `error` is the largest absolute difference from the float64 answer.
- `load` is the machine's load average before and after: well above 0 before means that something else ran too.
"""


def ratio(row: dict, base: dict | None, keys: tuple[str, str] = ("seconds", "wall")) -> str:
    if base is None or "error" in base:
        return "-"
    return " / ".join(f"{row[key] / base[key]:.2f}" if base[key] else "-" for key in keys)


def difference(row: dict) -> str:
    text = row.get("difference")
    if text is None:
        return "-"
    try:
        return f"{float(text):.1e}"
    except ValueError:
        return text


def line(name: str, row: dict, floor: dict | None, craton: dict | None) -> str:
    if "error" in row:
        return f"| {name} | fails: {row['error'].replace('|', '/')} | | | | | | | |"
    cells = [
        name,
        f"{row['seconds']:.2f}",
        ratio(row, floor),
        ratio(row, craton),
        f"{row['import']:.2f}",
        f"{row['cpu']:.2f}",
        ratio(row, floor, ("own_cpu", "cpu")),
        f"{row['peak_mib']:.0f}",
        f"{100 * row['spread']:.0f} %",
        difference(row),
    ]
    return "| " + " | ".join(cells) + " |"


def process_line(name: str, row: dict, craton: dict | None) -> str:
    """Of start-up, CPU time of the whole process is what counts."""
    if "error" in row:
        return f"| {name} | fails: {row['error'].replace('|', '/')} | | | |"
    against = f"{row['cpu'] / craton['cpu']:.1f}" if craton and craton.get("cpu") else "-"
    return f"| {name} | {1000 * row['cpu']:.0f} | {against} | {1000 * row['wall']:.0f} | {row['peak_mib']:.0f} |"


def table(entry: dict, workload) -> str:
    sides = entry["sides"]
    before, after = entry["load"]
    head = f"## {workload.title}: {entry['form']}\n\n{entry['rounds']} rounds, load {before:.1f} to {after:.1f}\n\n"
    if workload.is_whole_process:
        head += "| side | CPU ms | x Craton | wall ms | peak MiB |\n|---|---|---|---|---|\n"
        return head + "\n".join(process_line(name, row, sides.get("craton")) for name, row in sides.items())
    head += "| side | s | x floor | x Craton | import s | CPU s | CPU x floor | peak MiB | spread | error |\n"
    head += "|---|---|---|---|---|---|---|---|---|---|\n"
    # Where the program has no part, the package has.
    craton = next((sides[name] for name in ("craton", "zarr_craton", "xarray_craton") if name in sides), None)
    return head + "\n".join(line(name, row, sides.get("floor"), craton) for name, row in sides.items())


def render(results: dict, workloads) -> str:
    """The whole document."""
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    versions = "; ".join(f"{peer} {version}" for peer, version in results["versions"].items())
    decoded = results["steps"] * 361 * 720 * 4 / 1e9
    parts = [
        f"# Results\n\nMade by `run.py`. Machine: {machine}.\n\nVersions: {versions}.\n\n"
        f"Data: {results['steps']} daily steps of 361 x 720 float32, {decoded:.1f} GB decoded a variable, one read.\n\n{NOTES}"
    ]
    for workload in workloads:
        for form in workload.formats:
            if entry := results["tables"].get(f"{workload.name}/{form}"):
                parts.append(table(entry, workload))
    return "\n\n".join(parts) + "\n"
