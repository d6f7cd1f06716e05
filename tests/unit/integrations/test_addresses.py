"""Addresses that webhooks may go to."""

import socket

import pytest

from integrations import addresses
from integrations.errors import AddressRefused
from integrations.http_client import Connection

PRIVATE = [
    "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "64:ff9b::7f00:1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_networks(settings, quick):
    settings.SHOP_ENDPOINT_NETWORKS = []


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address):
    assert not addresses.may_reach(address, encrypted=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_reached_by_tls_alone(address):
    assert addresses.may_reach(address, encrypted=True)
    assert not addresses.may_reach(address, encrypted=False)


def test_a_named_network_is_reached_and_its_neighbour_is_not(settings):
    settings.SHOP_ENDPOINT_NETWORKS = ["10.1.0.0/16", "fd00::/64"]
    assert addresses.may_reach("10.1.2.3", encrypted=False)
    assert addresses.may_reach("::ffff:10.1.2.3", encrypted=False)
    assert addresses.may_reach("fd00::7", encrypted=False)
    assert not addresses.may_reach("10.2.0.1", encrypted=True)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have a name resolve to other addresses each time; return the names that were asked for."""
    asked, left = [], list(answers)

    def resolve(host: str, port: int, **kwargs: object) -> list[tuple]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(receiver, monkeypatch):
    resolving(monkeypatch, ["127.0.0.1"])
    link = Connection(receiver.url("/a").replace("127.0.0.1", "hooks.example.com"))
    with pytest.raises(AddressRefused, match=r"hooks\.example\.com is 127\.0\.0\.1"):
        link.post(b"{}", {}, timeout=5)
    assert not receiver.inboxes["/a"].forged


def test_the_address_that_was_checked_is_the_one_connected_to(receiver, monkeypatch, settings):
    """A name that resolves otherwise a moment later (DNS rebinding) is not asked for again."""
    settings.SHOP_ENDPOINT_NETWORKS = ["127.0.0.1/32"]
    asked = resolving(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    link = Connection(receiver.url("/a").replace("127.0.0.1", "hooks.example.com"))
    assert link.post(b"{}", {}, timeout=5).status == 400  # it is not signed
    assert asked == ["hooks.example.com"]
    link.discard()


def test_a_refused_address_is_passed_over_for_another_one(receiver, monkeypatch, settings):
    settings.SHOP_ENDPOINT_NETWORKS = ["127.0.0.1/32"]
    resolving(monkeypatch, ["10.0.0.1", "127.0.0.1"])
    link = Connection(receiver.url("/a").replace("127.0.0.1", "hooks.example.com"))
    assert link.post(b"{}", {}, timeout=5).status == 400
    link.discard()
