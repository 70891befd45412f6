"""A service behind an HTTP API: where it is, and the key that it wants."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.errors import InputError

FIRST_WAIT_S = 1.0
"""The wait before the second try; it is doubled before each further one."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where a service is, how it is asked, and what it bears.

    Attributes:
        name: as people know it, such as ``Mureka``.
        address: the base of its addresses, without a slash at the end.
        address_variable: the environment variable that names another one, such as a region's or a proxy's.
        key_variable: the environment variable that holds the key; the key is never read from anywhere else.
        key_page: where people get a key.
        key_header: the HTTP header that carries it.
        key_prefix: what stands before it there.
        at_once: how many songs it makes at a time for an ordinary account.
        interval_s: the least time between two orders, in seconds.
        poll_s: the time between two questions about a task, in seconds.
        first_wait_s: the wait before anything is tried a second time, in seconds; it doubles before each further try.
    """

    name: str
    address: str
    address_variable: str
    key_variable: str
    key_page: str
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    at_once: int = 1
    interval_s: float = 0.0
    poll_s: float = 3.0
    first_wait_s: float = FIRST_WAIT_S


def address_of(service: Service, setting: str | None = None) -> str:
    """Where the service is asked: the setting, else the environment variable, else its own address.

    Raises:
        InputError: it is no http address.
    """
    address = (setting or os.environ.get(service.address_variable) or service.address).strip().rstrip("/")
    if not re.fullmatch(r"https?://[!-~]+", address):
        raise InputError(
            f"'{address[:80]}' is no address of {service.name}.",
            field="address" if setting else service.address_variable,
            cure=f"It begins with https://; the usual one is {service.address}.",
        )
    return address


def key_state(service: Service) -> Availability:
    """Whether there is a key that can be sent; nothing is asked of the service."""
    key = os.environ.get(service.key_variable, "").strip()
    if not key:
        return unavailable(
            f"{service.name} wants a key, and {service.key_variable} is not set",
            f"export {service.key_variable}=…, with a key from {service.key_page}",
        )
    if not re.fullmatch(r"[!-~]+", key):  # http.client would name it in its error
        return unavailable(
            f"what {service.key_variable} holds has blanks or characters that no key has",
            f"copy the key again from {service.key_page}",
        )
    return READY


def key_of(service: Service) -> str:
    """The key, as it stands in the environment; `key_state` says whether there is one."""
    return os.environ.get(service.key_variable, "").strip()
