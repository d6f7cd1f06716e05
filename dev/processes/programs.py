"""Which programs make up a running shop, and the environment they share."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.errors import ServerFailed
from dev.paths import VAR, make_private_file
from dev.processes import children
from dev.processes.ports import LOOPBACK
from dev.processes.readiness import WhenFileExists, WhenHealthy
from dev.processes.supervisor import Program
from shop.settings import CONTEXTS

#: The queue whose worker runs the relay.
RELAY = "messaging"
#: Who tells and counts lets go first those on whom an order waits.
_ASIDE = {"notifications", "analytics"}
#: Intake ends first, then what time starts, then the workers finish what they have in hand.
_WEB, _SCHEDULER, _WORKERS = range(3)


def environment(*, database_url: str, broker_url: str) -> dict[str, str]:
    """What every process of the shop has to know, on top of our own environment."""
    return {
        "DJANGO_SECRET_KEY": _secret_key(),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        **os.environ,
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "CELERY_SKIP_CHECKS": "1",  # Django's own checks, a second for each worker; script/check runs them
        "PYTHONUNBUFFERED": "1",
    }


def _secret_key() -> str:
    path = VAR / "secret-key"
    if not path.exists():
        make_private_file(path, secrets.token_urlsafe(48))
    return path.read_text()


def run_python(env: Mapping[str, str], *arguments: str | Path, log: Path) -> None:
    """Run Python with ``arguments`` to its end; fail with the end of its ``log`` if it fails."""
    log.unlink(missing_ok=True)
    child = children.start_child([sys.executable, *arguments], env=env, log=log)
    try:
        code = child.wait()
    finally:
        children.kill_child(child)
    if code:
        raise ServerFailed(log.stem, f"failed with exit code {code}", log)


def web(env: Mapping[str, str], *, port: int) -> Program:
    """The web server, on ``port`` of the loopback interface."""
    return Program(
        name="web",
        argv=(sys.executable, "-m", "shop.serving"),
        env={**env, "SHOP_BIND": f"{LOOPBACK}:{port}"},
        stage=_WEB,
        readiness=WhenHealthy(port),
    )


def scheduler(env: Mapping[str, str], name: str = "scheduler", *, home: Path = VAR) -> Program:
    """Celery's clock, which starts what is due at fixed times."""
    schedule = str(home / f"celerybeat-schedule-{name}")
    argv = (*_celery("beat"), "--schedule", schedule, "--pidfile=", "-l", "WARNING")
    return Program(name=name, argv=argv, env=env, stage=_SCHEDULER)


def workers(env: Mapping[str, str], *, home: Path = VAR, one_for_all: bool = False) -> list[Program]:
    """The relay and one worker for each context, or a single worker that does everything."""
    queues = [RELAY, *CONTEXTS]
    if one_for_all:
        return [worker(env, "all", queues, home=home)]
    return [worker(env, queue, [queue], home=home) for queue in queues]


def worker(
    env: Mapping[str, str], name: str, queues: list[str], *, home: Path = VAR, processes: int = 1
) -> Program:
    """A worker that serves ``queues``, with so many processes for tasks."""
    ready_file = home / "ready" / name
    names = ("-Q", ",".join(queues), "-n", f"{name}@%h")
    quiet = ("--without-heartbeat", "--without-gossip", "--without-mingle")
    nice = ("nice", "-n", "10") if _ASIDE.issuperset(queues) else ()
    return Program(
        name=name,
        argv=(*nice, *_celery("worker"), *names, "-c", str(processes), *quiet, "-l", "WARNING"),
        env={**env, "SHOP_READY_FILE": str(ready_file)},
        stage=_WORKERS,
        readiness=WhenFileExists(ready_file),
    )


def _celery(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "shop", command)
