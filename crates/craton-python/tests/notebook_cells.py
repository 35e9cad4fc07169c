"""Runs the code cells of a notebook as a plain Python session, under a hard limit of memory, without Jupyter.

`python notebook_cells.py NOTEBOOK --write` runs it and stores what came out in the notebook.
"""

import ast
import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from program import SCRIPTS

LIMIT = 320 << 20
"""Bytes of memory that the session may take beside what Python and the imported packages have taken before its first cell."""


def code_cells(path):
    return [cell for cell in json.loads(Path(path).read_text())["cells"] if cell["cell_type"] == "code"]


def run(sources, folder):
    """Run the sources one after the other in a new Python; give how it ended, the outputs of each, and what it complained about.

    The outputs are those of nbformat: what was printed, and the value of a last expression as text and perhaps as PNG.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([SCRIPTS, os.environ["PATH"]]),
        "TMPDIR": str(folder),
        # Each thread of a linear algebra package takes memory before it is used.
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, __file__, "--session"],
        input=json.dumps(sources),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, outputs, done.stderr


def session():
    """Take sources from the standard input; print the outputs of each as a line of JSON as soon as it is done."""
    limit_memory()
    names = {"__name__": "__main__"}
    for number, source in enumerate(json.load(sys.stdin), 1):
        print(json.dumps(run_cell(source, number, names)), flush=True)


def limit_memory():
    import resource

    import craton  # noqa: F401
    import netCDF4  # noqa: F401
    import pandas  # noqa: F401
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    # Threads take memory each, so that the limit would mean less on a machine of many cores.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    lines = Path("/proc/self/status").read_text().splitlines()
    taken = next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (taken + LIMIT, taken + LIMIT))


def run_cell(source, number, names):
    body = ast.parse(source)
    last = ast.Expression(body.body.pop().value) if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, f"cell {number}", "exec"), names)  # noqa: S102
        value = None if last is None else eval(compile(last, f"cell {number}", "eval"), names)  # noqa: S307
    outputs = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_png_"):
            data["image/png"] = base64.b64encode(value._repr_png_()).decode()
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def write(path):
    """Store what came out in the notebook itself."""
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with tempfile.TemporaryDirectory() as folder:
        code, outputs, complaint = run(["".join(cell["source"]) for cell in cells], Path(folder))
    if code != 0:
        sys.exit(complaint)
    for number, (cell, found) in enumerate(zip(cells, outputs, strict=True), 1):
        cell["execution_count"], cell["outputs"] = number, found
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--session"]:
        session()
    else:
        write(Path(sys.argv[1]))
