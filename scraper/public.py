"""Which addresses are open to everybody, and sockets that lead to no other."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from scraper.errors import ForbiddenAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Does the address lead to the open internet, and so does the one it may carry inside?"""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    inner = address.ipv4_mapped or address.sixtofour
    if inner:
        return is_public(inner)
    return address.is_global and address in _UNICAST


def public_socket(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
    """A socket for an address as `getaddrinfo` tells of it. Raises ForbiddenAddressError for a private one."""
    family, kind, protocol, _, place = info
    address = ipaddress.ip_address(place[0].partition("%")[0])
    if not is_public(address):
        raise ForbiddenAddressError(
            f"{address}, which is not a public address, so it was not asked. If this list is published in a "
            "network of your own, declare it with private_addresses = true; further hosts or ports of it stand in "
            "options.hosts."
        )
    return socket.socket(family, kind, protocol)
