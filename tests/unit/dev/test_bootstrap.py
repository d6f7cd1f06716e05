"""Messages of the scripts on a machine that lacks something."""

import os
import shutil
import subprocess

import pytest

from dev.paths import ROOT

NEEDED = ("bash", "dirname", "basename", "df", "awk", "cat", "sha256sum", "mkdir", "cp")


@pytest.fixture
def start(tmp_path):
    """Run script/run of a new checkout with only ``programs`` and basic tools on the path."""
    checkout, found = tmp_path / "my shop", tmp_path / "bin"
    shutil.copytree(ROOT / "script", checkout / "script")
    for name in ("requirements.txt", "requirements-run.txt"):
        (checkout / name).write_text("")
    found.mkdir()
    for name in NEEDED:
        (found / name).symlink_to(shutil.which(name))

    def run(**programs: str) -> "subprocess.CompletedProcess[str]":
        for name, text in programs.items():
            (found / name).unlink(missing_ok=True)  # never write through the link to the real one
            (found / name).write_text(f"#!{found}/bash\n{text}\n")
            (found / name).chmod(0o755)
        env = {"PATH": str(found), "HOME": os.environ["HOME"]}
        argv = [found / "bash", checkout / "script" / "run"]
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)

    return run


def test_without_python_it_says_what_to_install(start):
    done = start()

    assert done.returncode == 2
    assert done.stderr == "script/run: there is no Python here: install python3 (3.11 or newer).\n"


def test_an_old_python_is_named_with_the_remedy(start):
    done = start(python3='[ "$1" = --version ] && echo Python 3.9.2 || exit 1')

    assert done.returncode == 2
    assert "script/run: Python 3.9.2 is too old: Python 3.11 or newer is needed." in done.stderr


def test_a_full_disk_is_named_before_anything_is_installed(start):
    full = "echo head; echo /dev/sda1 1000 990 10 99% /"
    venv = '[ "$1" != -m ] || { mkdir -p "${@: -1}/bin"; cp "$0" "${@: -1}/bin/python"; }'
    done = start(df=full, python3=venv)

    assert done.returncode == 2
    assert "10 MB free, and the installation needs" in done.stderr
