"""The shop's web server alone, on the servers of script/test, with views for tests where they are given."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.processes import children, ports, programs
from tests.support import forks
from tests.support.waiting import eventually

_PROGRAM = """
from shop import serving, urls
from django.urls import path
{views}
urls.urlpatterns += [path(name, view) for name, view in globals().get("VIEWS", {{}}).items()]
serving.serve()
"""


@dataclass(frozen=True)
class WebServer:
    """A running web server."""

    port: int
    log: Path
    process: children.Child


@contextmanager
def web_server(folder: Path, views: str = "", **settings: str) -> Iterator[WebServer]:
    """Serve until the end of the block. ``views`` is Python code that sets VIEWS, views by path."""
    port, log = ports.pick(random.randrange(24_000, 28_000)), folder / "web.log"
    env = programs.environment(database_url=os.environ["DATABASE_URL"], broker_url="memory://")
    env |= {"SHOP_BIND": f"127.0.0.1:{port}", **settings}
    argv = [sys.executable, "-c", _PROGRAM.format(views=views)]
    process = forks.start_child(argv, env=env, log=log)
    try:
        eventually(lambda: ports.is_listening(port) or children.has_ended(process), within=60)
        yield WebServer(port, log, process)
    finally:
        children.stop_children([process])
        print(log.read_text()[-5000:])  # pytest shows it if the test fails
