"""Programs of a running shop and the environment they share."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.errors import KeyLost, ServerFailed
from dev.paths import VAR, make_private_file
from dev.processes import children
from dev.processes.ports import LOOPBACK
from dev.processes.readiness import WhenFileExists, WhenHealthy
from dev.processes.supervisor import Program
from shop.messaging import heartbeat
from shop.settings import CONTEXTS

_KEY = VAR / "secret-key"
#: The queue whose worker runs the relay.
RELAY = "messaging"
#: Contexts that no order waits for: their workers get less CPU.
_LOW_PRIORITY = {"notifications", "analytics", "integrations"}
#: Stages of a shutdown: intake ends first, then the scheduler, then the workers finish their tasks.
_WEB, _SCHEDULER, _WORKERS = range(3)


def environment(
    *, database_url: str, broker_url: str, event_bus_url: str = "", admin_url: str = ""
) -> dict[str, str]:
    """Return the environment of the shop's processes, based on our own.

    ``admin_url`` is for migrations alone: web and workers are not given the owner's password.
    """
    return {
        "DJANGO_SECRET_KEY": _secret_key(),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        **os.environ,
        "DATABASE_URL": database_url,
        "SHOP_ADMIN_DATABASE_URL": admin_url,
        "CELERY_BROKER_URL": broker_url,
        "SHOP_EVENT_BUS": event_bus_url,
        "CELERY_SKIP_CHECKS": "1",  # saves each worker a second of Django's checks, which script/check runs
        "PYTHONUNBUFFERED": "1",
    }


def provide_key(data: Path) -> None:
    """Make the secret key of a new shop, before a server has its first data in ``data``.

    Raises KeyLost if there is data already and no key: data outside of the checkout outlives it.
    """
    if data.exists() and not (_KEY.exists() or "DJANGO_SECRET_KEY" in os.environ):
        raise KeyLost(data, _KEY)
    _secret_key()


def _secret_key() -> str:
    if not _KEY.exists():
        make_private_file(_KEY, secrets.token_urlsafe(48))
    return _KEY.read_text()


def run_python(env: Mapping[str, str], *arguments: str | Path, log: Path) -> None:
    """Run Python to its end. Raises ServerFailed, with the end of ``log``, if it fails."""
    log.unlink(missing_ok=True)
    child = children.start_child([sys.executable, *arguments], env=env, log=log)
    try:
        code = child.wait()
    finally:
        children.kill_child(child)
    if code:
        raise ServerFailed(log.stem, f"failed with exit code {code}", log)


def web(env: Mapping[str, str], *, port: int) -> Program:
    """Return the web server on ``port`` of the loopback interface, where simulators send webhooks."""
    address = f"{LOOPBACK}:{port}"
    return Program(
        name="web",
        argv=(sys.executable, "-m", "shop.serving"),
        env={"SHOP_URL": f"http://{address}", **env, "SHOP_BIND": address},
        stage=_WEB,
        readiness=WhenHealthy(port),
    )


def feed(env: Mapping[str, str], *, port: int) -> Program:
    """Return the feed of events on ``port`` of the loopback interface."""
    return Program(
        name="feed",
        argv=(sys.executable, "-m", "integrations.feed.serving"),
        env={**env, "SHOP_FEED_BIND": f"{LOOPBACK}:{port}"},
        stage=_WEB,
        readiness=WhenHealthy(port),
    )


def scheduler(env: Mapping[str, str], name: str = "scheduler", *, home: Path = VAR) -> Program:
    """Return Celery beat, the scheduler of periodic tasks."""
    schedule = str(home / f"celerybeat-schedule-{name}")
    argv = (*_celery("beat"), "--schedule", schedule, "--pidfile=", "-l", "WARNING")
    return Program(name=name, argv=argv, env=env, stage=_SCHEDULER)


def workers(env: Mapping[str, str], *, home: Path = VAR, one_for_all: bool = False) -> list[Program]:
    """Return the relay and a worker for each context, or a single worker for all queues."""
    queues = [RELAY, *CONTEXTS]
    if one_for_all:
        return [worker(env, "all", queues, home=home)]
    return [worker(env, queue, [queue], home=home) for queue in queues]


def worker(
    env: Mapping[str, str], name: str, queues: list[str], *, home: Path = VAR, processes: int = 1
) -> Program:
    """Return a worker for ``queues`` with a pool of ``processes``."""
    ready_file = home / "ready" / name
    heartbeats(home, name).mkdir(parents=True, exist_ok=True)
    names = ("-Q", ",".join(queues), "-n", f"{name}@%h")
    quiet = ("--without-heartbeat", "--without-gossip", "--without-mingle")
    nice = ("nice", "-n", "10") if _LOW_PRIORITY.issuperset(queues) else ()
    return Program(
        name=name,
        argv=(*nice, *_celery("worker"), *names, "-c", str(processes), *quiet, "-l", "WARNING"),
        env={**env, "SHOP_READY_FILE": str(ready_file), heartbeat.FOLDER: str(heartbeats(home, name))},
        stage=_WORKERS,
        readiness=WhenFileExists(ready_file),
    )


def heartbeats(home: Path, name: str) -> Path:
    """Return the folder of a worker's heartbeats."""
    return home / "heartbeats" / name


def _celery(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "shop", command)
