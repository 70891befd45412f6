"""What was ordered and not delivered yet, on disk: a run that is killed picks up what is paid for."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from songbench.domain.checking import Schema, Whole, checked
from songbench.domain.errors import InputError
from songbench.resources.files import write_atomically


def orders_folder() -> Path:
    """Where orders are kept: ``SONGBENCH_HOSTED``, else the user's state folder."""
    import platformdirs

    return Path(os.environ.get("SONGBENCH_HOSTED") or Path(platformdirs.user_state_dir("songbench")) / "hosted")


class Order(Schema):
    """A song that was ordered.

    Attributes:
        prompt: the id of the prompt.
        take: which take of it.
        sent: when, in UTC.
        task: the service's name for it; "" while its answer to the order is awaited.
        returned: how many songs it made, once it has; 0 before.
        notes: what it said of them.
    """

    prompt: str
    take: Whole
    sent: str
    task: str = ""
    returned: Whole = 0
    notes: tuple[str, ...] = ()


class OrderBook:
    """The orders of one system, each under the content key of its song.

    Args:
        folder: for these files alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Order | None:
        """The order of a song, or None.

        Raises:
            InputError: the file is none of these.
        """
        path = self.path(key)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return checked(Order, json.loads(text), file=str(path))
        except ValueError:
            raise InputError("This is no order.", file=str(path), cure="Remove it: the song is ordered anew.") from None

    def save(self, key: str, order: Order) -> None:
        """Write an order down, before anything else is done about it.

        Raises:
            OSError: it cannot be written; then nothing may be ordered.
        """
        write_atomically(self.path(key), order.model_dump_json().encode(), mode=0o600)

    def remove(self, key: str) -> None:
        """Forget an order, and the song that came of it."""
        self.path(key).unlink(missing_ok=True)
        self.audio(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """The file of an order."""
        return self._folder / f"{key}.json"

    def audio(self, key: str) -> Path:
        """Where the song of an order lies between its download and its delivery."""
        return self._folder / f"{key}.audio"

    def open_orders(self) -> int:
        """How many songs were ordered and not delivered."""
        return len(list(self._folder.glob("*.json"))) if self._folder.is_dir() else 0


def now() -> str:
    """This moment, in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
