"""The pages for readers are true: all that they show is run, in a folder with the data that they make."""

import functools
import re
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import documents
import pytest
from documents import PAGES, README, ROOT, Block, blocks, looks_like, run_block, run_console

if sys.version_info < (3, 12):
    pytest.skip("pages show what the peers of the main lane print", allow_module_level=True)
pytest.importorskip("xarray")
pytest.importorskip("zarr")

SERVER = "http://localhost:8000"
"""What pages call the server that the reader starts in the folder; here it gets a port that is free."""
WITHOUT_CODE = {"from-cdo.md"}
"""Pages whose content is compared elsewhere: the operators of CDO in `test_cdo.py`."""


@pytest.fixture(scope="module")
def example_data(tmp_path_factory):
    """The folder that the first block of the examples of the README makes."""
    folder = tmp_path_factory.mktemp("example")
    making = next(block for block in blocks(README) if block.language == "python")
    run_block(making, folder, {})
    assert (folder / "era5.zarr").is_dir()
    return folder


@pytest.fixture
def folder(request, tmp_path, example_data):
    """Where the blocks of a page are run: with the example data, but where the page makes them; with data beside the page."""
    page = request.getfixturevalue("page")
    folder = tmp_path / "page"
    if page == README:
        folder.mkdir()
    else:
        shutil.copytree(example_data, folder)
    beside = page.with_suffix("")
    for data in beside.glob("*.nc"):
        shutil.copy(data, folder)
    return folder


@pytest.fixture
def server(folder, monkeypatch):
    """The folder, as `python -m http.server` serves it."""
    monkeypatch.setenv("NO_PROXY", "localhost")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("localhost", 0), functools.partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_happens(page, folder, server):
    names, failed = {}, []
    for block in blocks(page):
        if block.why_not is not None:
            continue
        try:
            run_block(block._replace(text=block.text.replace(SERVER, server)), folder, names)
        except AssertionError as error:
            failed.append(f"{page.name}:{block.line}: {error}")
    assert not failed, "\n\n".join(failed)


def test_what_is_not_executed_is_known():
    marked = {str(page.relative_to(ROOT)): [block for block in blocks(page) if block.why_not] for page in PAGES}
    assert {page: len(found) for page, found in marked.items() if found} == {"README.md": 2}
    # A mark that stands above no block would say nothing.
    for page in PAGES:
        assert len(documents.NOT_EXECUTED.findall(page.read_text())) == sum(1 for block in blocks(page) if block.why_not)


def test_every_block_is_of_a_known_kind_and_every_page_has_some():
    for page in PAGES:
        assert {block.language for block in blocks(page)} <= set(documents.RUN), page
        assert page.read_text().count("```") == 2 * len(blocks(page)), f"{page}: a fence that is not seen"
        assert (page.name in WITHOUT_CODE) == (not blocks(page)), page


def test_a_refused_budget_is_allowed_as_its_hint_says(example_data, tmp_path):
    shutil.copytree(example_data, tmp_path / "data")
    refused = [part for block in blocks(README) for part in block.text.split("$ ") if "allow it with" in part]
    assert refused, "the README shows no refused budget"
    for part in refused:
        command = part.split("\n", 1)[0]
        hint = re.search(r"allow it with `--memory (\d+)MiB`", documents.bash(command + " || true", tmp_path / "data")[1])
        # The process itself is measured anew by every run, so there is one more.
        allowed = re.sub(r"--memory \w+", f"--memory {int(hint[1]) + 1}MiB", command)
        assert documents.bash(allowed, tmp_path / "data") == (0, "")


def test_only_figures_of_the_machine_may_differ():
    shown = "a\n    0.96 s, read 380.7 MB, wrote 2.3 MB, peak memory 177.8 MB of 536.9 MB\n"
    assert looks_like(shown, shown.replace("0.96", "12.34").replace("177.8", "99.9"))
    assert not looks_like(shown, shown.replace("380.7", "380.8"))
    assert not looks_like(shown, shown.replace("536.9", "536.8"))
    assert looks_like("a\n  …\nd", "a\nb\nc\nd\n")
    assert looks_like("a\n…\nd", "a\nd\n")
    assert looks_like("a … c", "a b c")
    assert not looks_like("a … c", "a b\nc")
    assert not looks_like("a\n…\nd", "a\nb\nc\n")


def test_a_console_that_shows_something_else_fails(tmp_path):
    run_console(Block("console", "$ echo 1\n1\n$ echo 2\n2\n", 1, None), tmp_path, {})
    for wrong in ("$ echo 1\n2\n", "$ echo 1\n", "$ false\n", "$ echo error: x\nerror: x\n", "$ echo 1; exit 3\n1\n"):
        with pytest.raises(AssertionError):
            run_console(Block("console", wrong, 1, None), tmp_path, {})
