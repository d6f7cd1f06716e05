"""script/test: pytest, on a private PostgreSQL and RabbitMQ that nobody else uses."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator

from dev.console import Stopped, errors, ignore_signals, run_command
from dev.errors import NoRabbitMQ, ScriptError
from dev.paths import VAR
from dev.processes import children
from dev.servers.infrastructure import Infrastructure, check_broker, private_rabbitmq
from dev.servers.ownership import hold_lock

_FOLDER = "test"
#: All tests run in two processes: the longest only wait for the shop's own.
_ALL_AT_ONCE = ["-n", "2", "--dist", "loadgroup"]
#: Seconds that pytest gets to tidy up when it is interrupted.
_GRACE = 30.0


def main(arguments: list[str]) -> int:
    """Start the servers, run pytest with ``arguments`` and return its exit code."""
    with (
        hold_lock(VAR / "test.lock", "script/test"),
        _rabbitmq() as amqp_url,
        Infrastructure(_FOLDER, throw_away=True) as servers,
    ):
        return _run_pytest(arguments, _environment(servers, amqp_url))


@contextlib.contextmanager
def _rabbitmq() -> Iterator[str | None]:
    """The URL of a RabbitMQ: one that is given, else a private one, else None with a loud line."""
    if given := os.environ.get("AMQP_URL"):
        check_broker(given)
        yield given
        return
    node = private_rabbitmq(_FOLDER)
    try:
        try:
            node.erase()
            node.start()
            url: str | None = node.url()
        except NoRabbitMQ as reason:
            _mourn(reason)
            url = None
        yield url
    finally:
        ignore_signals()
        node.stop()


def _mourn(reason: NoRabbitMQ) -> None:
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        raise ScriptError(f"CI has to test on RabbitMQ. {reason}")
    errors.print(f"NO RABBITMQ: all tests that need one are SKIPPED. {reason}", markup=False, soft_wrap=True)


def _environment(servers: Infrastructure, amqp_url: str | None) -> dict[str, str]:
    env = os.environ | {
        "DATABASE_URL": servers.database_url,
        "CELERY_BROKER_URL": servers.broker_url,
        "PGMQ_URL": servers.broker_url,
        "DJANGO_SECRET_KEY": "tests-need-one-too",
    }
    return env | {"AMQP_URL": amqp_url} if amqp_url else env


def _run_pytest(arguments: list[str], env: dict[str, str]) -> int:
    arguments = arguments or _ALL_AT_ONCE
    pytest = children.start_child([sys.executable, "-m", "pytest", *arguments], env=env, log=None)
    try:
        while not children.has_ended(pytest):
            time.sleep(0.05)
    except Stopped:
        ignore_signals()
        children.stop_children([pytest], by=signal.SIGINT, grace=_GRACE)
        raise
    return children.kill_child(pytest)


if __name__ == "__main__":
    run_command("test", main)
