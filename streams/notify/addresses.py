"""Where a message may go: an address that a file names must not reach what only this machine can see."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet; also for those that only wrap another one."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in (ip, *_inside(ip)))


def _inside(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return []
    teredo = ip.teredo or ()
    nat64 = [IPv4Address(int(ip) & 0xFFFFFFFF)] if ip in _NAT64 else []
    return [each for each in (ip.ipv4_mapped, ip.sixtofour, *teredo, *nat64) if each is not None]


class PublicResolver(AbstractResolver):
    """Names to addresses, without those that are not of the internet. What is connected to is what was checked."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises `OSError` if none may be reached."""
        found = [each for each in await self._resolver.resolve(host, port, family) if is_public(each["host"])]
        if not found:
            raise OSError(f"{host} is a private address; `allow_private = true` permits it for this target")
        return found

    async def close(self) -> None:
        """Nothing is kept."""
        await self._resolver.close()
