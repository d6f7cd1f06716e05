"""A client's address is the one that it cannot choose."""

from ipaddress import ip_network

import pytest

from shop.accounts.addresses import client_address


@pytest.fixture(autouse=True)
def _proxies(settings):
    settings.SHOP_TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # forged: no proxy of ours
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", "198.51.100.9"),  # forged in front of what the proxy adds
        ("10.0.0.1", "198.51.100.9, 10.0.0.2", "198.51.100.9"),  # two proxies of ours
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.9, junk", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:80", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("fd00::1", "198.51.100.9", "198.51.100.9"),
        ("2001:db8:1:2:ffff::9", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("", "198.51.100.9", ""),
    ],
)
def test_only_named_proxies_say_where_a_request_comes_from(rf, remote, forwarded, address):
    request = rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address
