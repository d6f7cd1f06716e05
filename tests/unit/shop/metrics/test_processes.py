"""Processes with and without metrics."""

import os
import socket
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from dev.paths import ROOT
from dev.processes import ports
from shop.metrics import exposition
from shop.metrics.apps import MetricsConfig
from shop.metrics.families import RELAYS
from shop.metrics.sources import Sample
from tests.support.metrics import scraped

IMPORTED = """
import sys, django
django.setup()
print({name for name in sys.modules if name.startswith(("prometheus_client", "shop.metrics"))} or "nothing")
"""


@pytest.mark.parametrize(("address", "imported"), [("", "nothing"), ("127.0.0.1:9464", "shop.metrics")])
def test_nothing_of_prometheus_is_imported_unless_it_is_asked_for(address, imported):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "SHOP_METRICS": address}
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, env=env, capture_output=True, text=True)
    assert imported in done.stdout, done.stderr
    assert "prometheus_client" not in done.stdout  # a process imports it when it serves


def test_a_shop_without_the_client_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("shop.metrics.apps.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"pip install --require-hashes -r requirements-metrics\.txt"):
        MetricsConfig.ready(None)


def test_a_process_whose_address_is_taken_goes_on_and_says_so(settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.SHOP_METRICS = f"127.0.0.1:{taken.getsockname()[1]}"
        exposition.serve(CollectorRegistry())
    assert f"no metrics at SHOP_METRICS={settings.SHOP_METRICS}" in caplog.text
    assert "each process on a machine needs its own" in caplog.text


def test_a_forked_child_does_not_keep_the_port(settings):
    port = ports.pick(24_500)
    settings.SHOP_METRICS = f"127.0.0.1:{port}"
    exposition.serve_samples(lambda: [Sample(RELAYS, 2)])
    assert scraped(settings.SHOP_METRICS)["shop_relays",] == 2
    reading, writing = os.pipe()
    if not (child := os.fork()):
        inherited = [fd for fd in os.listdir("/proc/self/fd") if _listens(int(fd), port)]
        os.write(writing, b"kept" if inherited else b"gone")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 4) == b"gone"
    os.close(reading)
    os.close(writing)


def _listens(descriptor: int, port: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as found:
            is_listener = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            return bool(is_listener) and found.getsockname()[1:2] == (port,)
    except (OSError, TypeError):
        return False
