"""The source of other people's programs, at the one commit that an adapter was written for.

A `Checkout` is declared next to the adapter that needs it, set up by ``songbench setup NAME``, and only ever read.
"""

from songbench.resources.checkouts.checkout import (
    Checkout,
    availability,
    checkouts_folder,
    fetch_commands,
    folder_of,
    identity_of,
    is_changed,
    note_of,
    noted_folder,
    override_of,
    override_variable,
    path_of,
)
from songbench.resources.checkouts.content import commit_at
from songbench.resources.checkouts.fetching import setup_checkout

__all__ = [
    "Checkout",
    "availability",
    "checkouts_folder",
    "commit_at",
    "fetch_commands",
    "folder_of",
    "identity_of",
    "is_changed",
    "note_of",
    "noted_folder",
    "override_of",
    "override_variable",
    "path_of",
    "setup_checkout",
]
