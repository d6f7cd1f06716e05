"""The shop with its web server, and the web server alone, on each of the server programs."""

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dev.bench.deployment import Deployment
from dev.bench.servers import COMPETITORS_PYTHON
from dev.paths import ROOT
from dev.processes import ports, programs
from dev.processes.supervisor import Program

#: Server programs; the first is the shop's own.
SERVERS = ("granian", "gunicorn-gthread", "gunicorn-sync")
_PORT = 19400
_GUNICORN_SETTINGS = Path(__file__).with_name("gunicorn_competitor.py")


class WebShop(Deployment):
    """A complete shop as in script/run: web server, scheduler, relay and workers."""

    #: Tracking as in script/run: the orders have to come to an end.
    settings: Mapping[str, str] = {}

    def programs_to_run(self) -> Sequence[Program]:
        return [self._web(), *super().programs_to_run(), programs.scheduler(self.env, home=self.home)]

    def audit(self) -> None:
        """Audit the idle shop. Raises ServerFailed if the audit does not hold."""
        self.manage("audit", "--idle")

    def _web(self) -> Program:
        self.port = ports.pick(_PORT)
        return programs.web(self.env, port=self.port)


class WebAlone(WebShop):
    """The web server alone, without relay, scheduler and workers."""

    server = SERVERS[0]

    def programs_to_run(self) -> Sequence[Program]:
        return [_served_by(self.server, self._web())]


def _served_by(server: str, own: Program) -> Program:
    if server == SERVERS[0]:
        return own
    kind = server.removeprefix("gunicorn-")
    argv = [
        str(COMPETITORS_PYTHON),
        *(
            "-m",
            "gunicorn",
            "-c",
            str(_GUNICORN_SETTINGS),
            "--worker-class",
            kind,
            "--bind",
            own.env["SHOP_BIND"],
        ),
        *("--workers", "2", "--threads", "1" if kind == "sync" else "2", "shop.wsgi"),
    ]
    return replace(own, argv=argv, env=_with_our_packages(own))


def _with_our_packages(program: Program) -> dict[str, str]:
    """Add the shop's packages to the path of the competitors' Python."""
    return {**program.env, "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])}


def client_argv(
    shop: WebShop, answers: Path, *, clients: int, rate: float = 0.0, limit: int = 0
) -> Sequence[str]:
    """Return the command of the customers."""
    return [
        *(sys.executable, "-m", "dev.bench.intake.client"),
        *("--port", str(shop.port), "--clients", str(clients), "--rate", str(rate)),
        *("--limit", str(limit)),
        *("--tokens", str(shop.tokens), "--skus", str(shop.skus), "--answers", str(answers)),
    ]


def direct_argv(shop: Deployment, seed: int) -> Sequence[str]:
    """Return the command of a process that orders without HTTP."""
    return [sys.executable, "-m", "dev.bench.intake.direct", str(shop.skus), str(seed)]
