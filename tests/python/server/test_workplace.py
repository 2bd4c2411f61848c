"""The folder that a server serves, and what it does where nothing can be written."""

import logging
from types import SimpleNamespace

from medlab.scans import find_home
from medlab.server._routes import add_routes
from medlab.server._workplace import Workplace


def _web_app(root):
    settings = {"server_root_dir": str(root), "base_url": "/"}
    return SimpleNamespace(settings=settings, add_handlers=lambda *_: None)


def test_kernels_below_the_root_find_the_servers_home(tmp_path):
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)

    add_routes(_web_app(tmp_path), logging.getLogger("test"))

    assert find_home(tmp_path / "notebooks/deep") == Workplace.at(str(tmp_path)).home


def test_a_root_that_takes_no_folder_is_said_in_the_log(tmp_path, caplog):
    # Stands for a read-only root, which a test run by root cannot make.
    (tmp_path / ".medlab").write_text("in the way")

    add_routes(_web_app(tmp_path), logging.getLogger("test"))

    assert caplog.messages == [
        "medlab: the root must be writable for labels and runs to be kept, got one "
        "that is not. Scans are listed and shown, and their list is kept in your own "
        "data folder; set MEDLAB_HOME to a folder of yours to keep the rest."
    ]
    assert str(tmp_path) not in caplog.text


def test_a_named_home_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / "elsewhere" / ".medlab"))

    home = Workplace.at(str(tmp_path)).home

    assert home.folder == (tmp_path / "elsewhere" / ".medlab").resolve()
