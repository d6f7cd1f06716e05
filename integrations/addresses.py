"""Addresses that webhooks may go to: public ones, and networks that the settings name.

A name is resolved when the connection is made, and the connection goes to the address that was looked at. So
a name that resolves otherwise a moment later (DNS rebinding) reaches nothing else.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from integrations.errors import AddressRefused

Address = IPv4Address | IPv6Address

#: Addresses of IPv6 that a gateway translates to those of IPv4 in their last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


def connect(host: str, port: int, *, timeout: float, encrypted: bool) -> socket.socket:
    """Connect to the first address of a host that may be reached and answers.

    Raises:
        AddressRefused: no address of the host may be reached.
        OSError: there is no such host, or it does not answer.
    """
    failure: Exception | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not may_reach(str(address[0]), encrypted=encrypted):
            failure = failure or AddressRefused(f"{host} is {address[0]}, which is no public address")
            continue
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure or OSError(f"{host} has no address")


def may_reach(text: str, *, encrypted: bool) -> bool:
    """Tell whether an address may be connected to; a public one only by TLS."""
    return _is_named(text) or (encrypted and is_public(text))


def is_public(text: str) -> bool:
    """Tell whether an address, and one of IPv4 that it stands for, is of the public Internet."""
    address = _parsed(text)
    return all(one.is_global and not one.is_multicast for one in (address, *_embedded(address)))


def _is_named(text: str) -> bool:
    address = _parsed(text)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(network) for network in settings.SHOP_ENDPOINT_NETWORKS)


def _parsed(text: str) -> Address:
    return ip_address(text.partition("%")[0])


def _embedded(address: Address) -> list[Address]:
    """Return the addresses of IPv4 that one of IPv6 stands for."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one]
