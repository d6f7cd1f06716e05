"""script/test: pytest on a private PostgreSQL and RabbitMQ."""

import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import nginx
from dev.chromium import REMEDY, find_chromium
from dev.console import Stopped, errors, ignore_signals, out, run_command, say
from dev.errors import NoRabbitMQ, ScriptError
from dev.paths import VAR
from dev.processes import children
from dev.servers.infrastructure import Infrastructure, check_broker, private_rabbitmq, private_tansu
from dev.servers.ownership import hold_lock
from dev.temporary import temporary_folder

USAGE = """\
usage: script/test [--long] [PYTEST ARGUMENT ...]

Run pytest on a private PostgreSQL and RabbitMQ; without arguments, run all tests in three processes.

  --long      look deeper: far more random histories and schedules of faults, others each time;
              an hour or more
  -h, --help  show this text; .venv/bin/pytest --help lists pytest's own options

Environment:
  AMQP_URL                a RabbitMQ to use instead of a private one
  ASB_URL                 an Azure Service Bus or its emulator to use instead of a stand-in; it needs the
                          entities that `python -m tests.support.servicebus_config` prints
  CHROMIUM, NGINX         browser and nginx, if they are not on the path
  CI=true                 fail instead of skipping tests for want of RabbitMQ, Chromium or nginx
  SHOP_PROPERTY_EXAMPLES  number of random histories in tests/properties (500 with --long)
  SHOP_TEST_LONG          seed of --long, to repeat the schedules of an earlier run
"""
#: Processes of tests: with a fourth, waits for the shop's own processes outlast their deadlines on two cores.
WHOLE_SUITE = ("-n", "3", "--dist", "loadgroup")
LONG_EXAMPLES = "500"
_FOLDER = "test"
#: Seconds that pytest gets to tidy up when it is interrupted.
_GRACE = 30.0


@dataclass(frozen=True)
class Options:
    """The parsed command line."""

    #: Arguments for pytest.
    pytest: tuple[str, ...]
    long: bool = False
    help: bool = False


def parse(arguments: list[str]) -> Options:
    """Take our own options out of ``arguments``; the rest is pytest's."""
    own = {"--long", "-h", "--help"}
    rest = tuple(argument for argument in arguments if argument not in own)
    return Options(
        pytest=rest or WHOLE_SUITE,
        long="--long" in arguments,
        help=not {"-h", "--help"}.isdisjoint(arguments),
    )


def long_settings(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of ``--long``, with a new seed unless one is given."""
    return {
        "SHOP_TEST_LONG": given.get("SHOP_TEST_LONG") or str(secrets.randbelow(1_000_000)),
        "SHOP_PROPERTY_EXAMPLES": given.get("SHOP_PROPERTY_EXAMPLES") or LONG_EXAMPLES,
    }


def without_rabbitmq(reason: object) -> str:
    """Return the notice for a machine without RabbitMQ."""
    return (
        f"NO RABBITMQ: all tests that need one are SKIPPED. {reason} "
        "Install it with `apt-get install rabbitmq-server`, or set AMQP_URL."
    )


def without_chromium() -> str:
    """Return the notice for a machine without a browser."""
    return f"NO CHROMIUM: all browser tests are SKIPPED. {REMEDY}"


def without_nginx() -> str:
    """Return the notice for a machine without nginx."""
    return f"NO NGINX: the tests of its configuration are SKIPPED. {nginx.REMEDY}"


def report_skipped(notice: str, env: Mapping[str, str]) -> None:
    """Print the notice loudly; in CI it is an error."""
    if env.get("CI", "").lower() in {"1", "true"}:
        raise ScriptError(f"CI must not skip tests. {notice}")
    errors.print(notice, markup=False, soft_wrap=True)


def main(arguments: list[str]) -> int:
    """Start the servers, run pytest and return its exit code."""
    options = parse(arguments)
    if options.help:
        out.print(USAGE, end="", markup=False, soft_wrap=True)
        return 0
    if not find_chromium(os.environ):
        report_skipped(without_chromium(), os.environ)
    if not nginx.find_nginx(os.environ):
        report_skipped(without_nginx(), os.environ)
    with (
        hold_lock(VAR / "test.lock", "script/test"),
        temporary_folder(_FOLDER) as folder,
        _rabbitmq() as amqp_url,
        _tansu() as tansu_url,
        Infrastructure(_FOLDER, throw_away=True) as servers,
    ):
        env = _environment(servers, amqp_url, folder) | {"TANSU_URL": tansu_url}
        return _run_pytest(options, env)


@contextlib.contextmanager
def _rabbitmq() -> Iterator[str | None]:
    """Yield the URL of a given RabbitMQ, else of a private one, else None after a loud notice."""
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
            report_skipped(without_rabbitmq(reason), os.environ)
            url = None
        yield url
    finally:
        ignore_signals()
        node.stop()


@contextlib.contextmanager
def _tansu() -> Iterator[str]:
    """Yield the URL of a private broker of Kafka's protocol."""
    tansu = private_tansu(_FOLDER)
    tansu.start()
    try:
        yield tansu.url()
    finally:
        tansu.stop()


def _environment(servers: Infrastructure, amqp_url: str | None, folder: Path) -> dict[str, str]:
    env = os.environ | {
        "DATABASE_URL": servers.admin_database_url,  # tests create databases
        "SHOP_ADMIN_DATABASE_URL": "",
        "RUNNING_DATABASE_URL": servers.database_url,
        "CELERY_BROKER_URL": servers.broker_url,
        "PGMQ_URL": servers.broker_url,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "TMPDIR": str(folder),
    }
    return env | {"AMQP_URL": amqp_url} if amqp_url else env


def _run_pytest(options: Options, env: dict[str, str]) -> int:
    if options.long:
        env |= (settings := long_settings(env))
        say(f"To repeat this run: {' '.join(f'{k}={v}' for k, v in settings.items())} script/test --long")
    pytest = children.start_child([sys.executable, "-m", "pytest", *options.pytest], env=env, log=None)
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
