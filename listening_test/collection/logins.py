"""How often an address may try the password of the administration."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from songbench.domain.errors import InputError

SHORTEST_PASSWORD = 12
"""Characters: at the pace that is allowed here nobody guesses so many, even if they are no random ones."""
FREE_TRIES = 5
FIRST_WAIT = 2.0
LONGEST_WAIT = 900.0
"""Seconds: the first wait after `FREE_TRIES` wrong passwords doubles with each further one, up to this."""
_FORGET = 3600.0
_MOST_ADDRESSES = 10_000

log = logging.getLogger(__name__)


def check_length(password: str) -> None:
    """Make sure that a password is no short one.

    Raises:
        InputError: for fewer characters than `SHORTEST_PASSWORD`.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(
            f"The password of the administration has {len(password)} characters, and {SHORTEST_PASSWORD} are needed.",
            field="--admin-password",
            cure="Choose a longer one, or leave it out: then one is made and printed.",
        )


def equal_texts(first: str, second: str) -> bool:
    """Whether two texts are equal; takes as long for a near miss as for a far one."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (first, second)]
    return hmac.compare_digest(*digests)


@dataclass
class _Record:
    wrong: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next try."""
        beyond = self.wrong - FREE_TRIES
        return self.last + min(FIRST_WAIT * 2.0 ** min(beyond, 30), LONGEST_WAIT) - now if beyond >= 0 else 0.0


class LoginLimit:
    """Counts wrong passwords by address, and logs them.

    A try counts as wrong until it turns out right, so that many at once gain nothing.

    Args:
        clock: in seconds, never set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody has tried yet."""
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._turn = threading.Lock()

    def begin(self, address: str) -> float:
        """A try from an address: 0, and it counts, or the seconds after which it would be let through."""
        now, group = self._clock(), _group(address)
        with self._turn:
            record = self._records.pop(group, _Record())
            if now - record.last > _FORGET:
                record = _Record()
            self._records[group] = record
            wait = record.wait(now)
            if wait <= 0:
                record.wrong += 1
                record.last = now
            while len(self._records) > _MOST_ADDRESSES:
                self._records.popitem(last=False)
        if wait > 0:
            log.warning("A log-in to the administration from %s was turned away for %d s more.", group, math.ceil(wait))
        return max(wait, 0.0)

    def end(self, address: str, *, right: bool) -> None:
        """How a try that was let through turned out."""
        group = _group(address)
        with self._turn:
            wrong = self._records[group].wrong if group in self._records else 1
            if right:
                self._records.pop(group, None)
        if right:
            log.info("Someone logged in to the administration from %s.", group)
        else:
            log.warning("A wrong password for the administration from %s, the %s in a row.", group, wrong)


def _group(address: str) -> str:
    """What counts as one address: of IPv6 the network that one household has, of anything odd a short piece."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ascii(address)[:40]
    if isinstance(number, ipaddress.IPv6Address):
        mapped = number.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((number, 64), strict=False))
    return str(number)
