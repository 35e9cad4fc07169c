"""docs/anomaly.ipynb is run under a hard limit of memory, which its data would break, and gives what is stored in it."""

import base64
import json
import re
import struct

import pytest

for peer in ("resource", "netCDF4", "xarray", "zarr"):
    pytest.importorskip(peer)

from documents import ROOT  # noqa: E402
from notebook_cells import LIMIT, code_cells, run  # noqa: E402

NOTEBOOK = ROOT / "docs" / "anomaly.ipynb"
WHOLE_LOAD = """
parts = []
for file in files:
    with xr.open_dataset(file) as plain:
        parts.append(plain.t2m.load())
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The notebook is run, and after it, in the same session, a load of all its data by xarray."""
    sources = ["".join(cell["source"]) for cell in code_cells(NOTEBOOK)]
    return run([*sources, WHOLE_LOAD], tmp_path_factory.mktemp("notebook"))


def texts(outputs):
    return ["".join(output.get("text") or output["data"]["text/plain"]) for output in outputs]


def pictures(outputs):
    found = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [base64.b64decode(picture) for picture in found]


def test_every_cell_gives_what_is_stored(outcome):
    _, found, complaint = outcome
    cells = code_cells(NOTEBOOK)
    assert len(found) == len(cells), complaint
    for number, (cell, outputs) in enumerate(zip(cells, found, strict=True), 1):
        assert cell["execution_count"] == number
        assert texts(outputs) == texts(cell["outputs"]), f"cell {number}"


def test_its_picture_is_the_stored_one_in_size(outcome):
    (stored,) = pictures(code_cells(NOTEBOOK)[-1]["outputs"])
    (found,) = pictures(outcome[1][-1])
    assert found.startswith(b"\x89PNG")
    assert struct.unpack(">II", found[16:24]) == struct.unpack(">II", stored[16:24])
    assert len(found) == pytest.approx(len(stored), rel=0.02)


def test_the_limit_is_one_that_a_load_of_the_data_breaks(outcome):
    code, _, complaint = outcome
    assert code != 0
    assert re.search(r"MemoryError|NetCDF: HDF error", complaint), complaint
    assert f"cell {len(code_cells(NOTEBOOK)) + 1}" in complaint, "not the load that was added"
    size = 3652 * 121 * 240 * 4
    assert f"Size: {size / 1e6:.0f}MB" in NOTEBOOK.read_text()
    assert size > LIMIT


def test_it_names_no_place_of_a_machine():
    notebook = json.loads(NOTEBOOK.read_text())
    for cell in notebook["cells"]:
        for text in ["".join(cell["source"]), *texts(cell.get("outputs", []))]:
            assert not re.search(r"/(tmp|home|root|work|Users)/", text), text
