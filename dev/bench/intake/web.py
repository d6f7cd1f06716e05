"""The shop with its web server, and that server alone, by each of the programs that may serve it."""

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dev.bench.deployment import Deployment
from dev.bench.servers import PEERS_PYTHON
from dev.paths import ROOT
from dev.processes import ports, programs
from dev.processes.supervisor import Program

#: The shop's own first.
SERVERS = ("granian", "gunicorn-gthread", "gunicorn-sync")
_PORT = 19400
_PEER = Path(__file__).with_name("gunicorn_competitor.py")


class WebShop(Deployment):
    """All that script/run starts: a web server and a scheduler besides relay and workers."""

    #: Parcels are tracked as script/run has it, for orders have to come to their end.
    settings: Mapping[str, str] = {}

    def what_runs(self) -> Sequence[Program]:
        return [self._web(), *super().what_runs(), programs.scheduler(self.env, home=self.home)]

    def audit(self) -> None:
        """Prove that all is done and the books balance; :class:`ServerFailed` if not."""
        self.manage("audit", "--idle")

    def _web(self) -> Program:
        self.port = ports.pick(_PORT)
        return programs.web(self.env, port=self.port)


class WebAlone(WebShop):
    """Nothing follows the orders: relay, scheduler and workers do not run."""

    server = SERVERS[0]

    def what_runs(self) -> Sequence[Program]:
        return [_served_by(self.server, self._web())]


def _served_by(server: str, ours: Program) -> Program:
    if server == SERVERS[0]:
        return ours
    kind = server.removeprefix("gunicorn-")
    argv = [
        str(PEERS_PYTHON),
        *("-m", "gunicorn", "-c", str(_PEER), "--worker-class", kind, "--bind", ours.env["SHOP_BIND"]),
        *("--workers", "2", "--threads", "1" if kind == "sync" else "2", "shop.wsgi"),
    ]
    return replace(ours, argv=argv, env=_with_our_packages(ours))


def _with_our_packages(program: Program) -> dict[str, str]:
    """It lives in the peers' environment, and serves what lives in ours."""
    return {**program.env, "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])}


def client_argv(shop: WebShop, answers: Path, *, clients: int, rate: float = 0.0) -> Sequence[str]:
    """The program that orders over HTTP."""
    return [
        *(sys.executable, "-m", "dev.bench.intake.client"),
        *("--port", str(shop.port), "--clients", str(clients), "--rate", str(rate)),
        *("--tokens", str(shop.tokens), "--skus", str(shop.skus), "--answers", str(answers)),
    ]


def direct_argv(shop: Deployment, seed: int) -> Sequence[str]:
    """A program that orders without HTTP."""
    return [sys.executable, "-m", "dev.bench.intake.direct", str(shop.skus), str(seed)]
