"""The shop's web server alone, by each of the programs that may serve it."""

import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from script.support import programs
from script.support.bench.deployment import SKUS, Deployment
from script.support.paths import ROOT, VAR
from script.support.ports import LOOPBACK
from script.support.processes import Program

SERVERS = ("gunicorn-gthread", "gunicorn-sync", "granian")
_GRANIAN_PYTHON = VAR / "bench-peers" / "bin" / "python"


class WebAlone(Deployment):
    """Nothing follows the orders: relay, scheduler and workers do not run."""

    server = SERVERS[0]

    def what_runs(self) -> list[Program]:
        (self.home / "skus.json").write_text(json.dumps(SKUS))
        return [_program(self.server, programs.web(self.env, port=self.port))]


def _program(server: str, gthread: Program) -> Program:
    if server == "granian":
        return replace(gthread, argv=_granian(gthread.env["SHOP_BIND"]), env=_with_our_packages(gthread))
    if server == "gunicorn-sync":
        argv = [*gthread.argv[:-1], "--worker-class", "sync", gthread.argv[-1]]
        return replace(gthread, argv=argv, env={**gthread.env, "WEB_THREADS": "1"})
    return gthread


def _granian(bind: str) -> list[str]:
    port = bind.removeprefix(f"{LOOPBACK}:")
    where = ["--host", LOOPBACK, "--port", port, "--no-ws", "--log-level", "warning"]
    threads = ["--workers", "2", "--blocking-threads", "4"]
    return [
        str(_GRANIAN_PYTHON),
        *("-m", "granian", "--interface", "wsgi"),
        *where,
        *threads,
        "shop.wsgi:application",
    ]


def _with_our_packages(program: Program) -> dict[str, str]:
    """It lives in the peers' environment, and serves what lives in ours."""
    return {**program.env, "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])}


def client_argv(shop: Deployment, answers: Path, *, clients: int, rate: float = 0.0) -> Sequence[str]:
    """The program that orders over HTTP."""
    files = {"tokens": "tokens.json", "skus": "skus.json"}
    return [
        *(sys.executable, "-m", "script.support.bench.intake.client"),
        *("--port", str(shop.port), "--clients", str(clients), "--rate", str(rate)),
        *(part for name, file in files.items() for part in (f"--{name}", str(shop.home / file))),
        *("--answers", str(answers)),
    ]


def direct_argv(shop: Deployment, seed: int) -> Sequence[str]:
    """A program that orders without HTTP."""
    skus = str(shop.home / "skus.json")
    return [sys.executable, "-m", "script.support.bench.intake.direct", skus, str(seed)]
