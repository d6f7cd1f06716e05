"""Addresses of a running shop for developers: pages, logins and keys, the event bus, ways to read events."""

from shlex import quote

from rich.table import Table

from dev.console import out, say
from dev.paths import LOGS, VAR
from dev.servers.infrastructure import without_password
from dev.stack import Stack

_PAGES = {
    "Storefront": "/",
    "Operations": "/admin/",
    "REST API, browsable": "/api/v1/",
    "REST API, documented": "/api/v1/docs",
    "Events, documented": "/api/v1/asyncapi/docs",
    "OpenAPI": "/api/v1/schema",
    "AsyncAPI": "/api/v1/asyncapi",
}
#: Ways for another program to get the events, by the scheme of the bus's URL.
_READERS = {
    "amqp": 'bind a queue of its own to the topic exchange "shop.events", as in README.md, Events',
    "kafka": 'read the topic "shop.events" in a group of its own, as in docs/transports.md, Kafka',
    "Endpoint=sb": 'read a subscription of its own of the topic "shop.events", as in docs/transports.md',
    "pgmq": "no program but the shop's reads this bus: take webhooks",
}


def show_addresses(stack: Stack) -> None:
    """Print the pages, the logins with their API keys, the event bus, and how to read events."""
    table = Table("page", "address", title="shop is ready", title_justify="left")
    for page, path in _PAGES.items():
        table.add_row(page, f"{stack.url}{path}")
    out.print(table, "Log in as, or send `Authorization: Bearer TOKEN`:", sep="\n")
    for login in stack.logins:
        _line(f"  {login}")
    url, login = stack.infrastructure.management
    if url:
        _line(f"RabbitMQ's own pages: {url} Log in as {login}")
    _show_event_bus(stack.infrastructure.event_bus_url or stack.infrastructure.broker_url)
    say(f"Mails are in {VAR}/mail, logs in {LOGS}.")


def _show_event_bus(url: str) -> None:
    name = next(scheme for scheme in _READERS if url.startswith(scheme))
    masked = url.split("SharedAccessKey=")[0] if name == "Endpoint=sb" else without_password(url)
    environment = quote(str(VAR / "environment"))
    _line(f"Event bus: {masked} (its password is in {environment})")
    _line("Events, from another terminal:")
    _line(f"  source {environment}                          for every manage.py")
    _line("  .venv/bin/python manage.py listen 'orders.*'    prints them; --forward-to URL posts them")
    _line("  docs/webhooks.md                                has them posted to your program, with retries")
    _line(f"  another program at the bus:                     {_READERS[name]}")


def _line(text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)
