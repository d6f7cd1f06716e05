"""Folders of the private servers."""

import stat
from pathlib import Path

import pytest

from dev import paths


@pytest.mark.parametrize("home", ["VAR", "elsewhere"])
def test_a_folder_that_another_server_closed_is_opened(tmp_path: Path, monkeypatch, home: str):
    monkeypatch.setattr(paths, "VAR" if home == "VAR" else "_path_elsewhere", _value(home, tmp_path))
    shared = tmp_path / "faults"
    shared.mkdir(mode=0o700)  # by a server that started first, under a strict umask
    (shared / "postgres").mkdir(mode=0o700)

    for folder in (shared / "postgres", shared / "new" / "postgres"):
        paths.make_open_folder(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


def _value(home: str, folder: Path) -> object:
    return folder if home == "VAR" else lambda: folder
