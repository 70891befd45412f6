"""Undoing ``songbench setup``: what of an environment, source or weights can go, and what still needs it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from songbench.contracts import registry
from songbench.contracts.parameters import variants_of
from songbench.domain.errors import SongbenchError, StoreWriteError
from songbench.resources import checkouts, environments, needs, weights
from songbench.resources.checkouts import Checkout
from songbench.resources.locking import locked
from songbench.resources.needs import Need
from songbench.resources.sources import HubSource
from songbench.resources.weights import Weights

_NAMED = 3
"""How many plug-ins that need something are named."""

_SCRATCH = ".removed"
"""What a folder is called while it is removed, so that it is never half there under its own name."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What becomes of a need.

    Attributes:
        need: the environment, checkout or weights.
        paths: what songbench has put on the disk for it; whatever it does not have here is left out.
        size: of all of it, in bytes.
        obstacle: why it stays, such as a metric that needs it, too; "" when it goes.
        note: what else people should know; "" when nothing.
    """

    need: Need
    paths: tuple[Path, ...]
    size: int
    obstacle: str = ""
    note: str = ""


def removals(names: Sequence[str], say: Callable[[str], None]) -> list[Removal]:
    """What of the things that names stand for would go and what would stay.

    A system's name without a variant stands for all its variants. What another installed system or metric needs stays,
    unless it was named itself.

    Args:
        names: as for `needs.asked_for`.
        say: called with a line for each plug-in that cannot be loaded, so that nobody knows what it needs.

    Raises:
        InputError: for an unknown name or variant.
        PluginError: one of the names is a broken plug-in.
    """
    selected = [_removal(need) for need in needs.once(need for name in names for need in _of_name(name))]
    shared = [entry for entry in selected if entry.paths and not _is_named(entry.need, names)]
    users = dict(_other_users(names, say)) if shared else {}  # to ask all others takes a moment
    return [replace(entry, obstacle=_obstacle(entry.need, users)) if entry in shared else entry for entry in selected]


def remove(removal: Removal, say: Callable[[str], None]) -> None:
    """Remove what can go, waiting for a setup that is at work on it.

    What is cut short can be taken up again: from the first file on, the need counts as not here.

    Raises:
        StoreWriteError: something cannot be removed.
    """
    folder, variable = _place(removal.need)
    is_locked = not isinstance(removal.need, Weights)  # those are put in place at once
    with locked(folder, variable, say) if is_locked else nullcontext():
        for path in removal.paths:
            try:
                _remove(path)
            except OSError as error:
                raise StoreWriteError(f"{path} cannot be removed: {error.strerror}.") from error


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    scratch = path if path.name.endswith(_SCRATCH) else path.rename(path.with_name(f".{path.name}{_SCRATCH}"))
    shutil.rmtree(scratch)


def _of_name(name: str) -> list[Need]:
    """What a name stands for; of a system, with all its variants."""
    selected = needs.asked_for(name)
    if name in registry.names(registry.SYSTEMS):
        for spec in _specs(name):
            selected += needs.of_card(registry.build_system(spec).card.needs)
    return selected


def _specs(system: str) -> list[str]:
    """A system's name, and with each variant that its factory names."""
    factory = registry.load(registry.SYSTEMS, system)
    return [system, *(f"{system}:{variant}" for variant in variants_of(factory))]


def _other_users(names: Sequence[str], say: Callable[[str], None]) -> Iterator[tuple[str, list[Need]]]:
    """Every installed system, with each variant, and metric that is not among the names, with what it needs."""
    cards = {registry.build_system(name).card.name for name in names if _is_system(name)}
    for system in registry.names(registry.SYSTEMS):
        if system not in names:
            yield from _needs_of(f"the system {system}", partial(_of_variants, system, cards), say)
    for metric in registry.names(registry.METRICS):
        if metric not in names and metric.partition("@")[0] not in names:
            yield from _needs_of(f"the metric {metric}", partial(needs.of_metrics, [metric]), say)


def _of_variants(system: str, cards: Set[str]) -> list[Need]:
    """What a system and its variants need, but for those whose cards have the names given."""
    variants = [registry.build_system(spec).card for spec in _specs(system)]
    return [need for card in variants if card.name not in cards for need in needs.of_card(card.needs)]


def _is_system(name: str) -> bool:
    return registry.SystemSpec.parse(name).name in registry.names(registry.SYSTEMS)


def _needs_of(
    user: str, find: Callable[[], list[Need]], say: Callable[[str], None]
) -> Iterator[tuple[str, list[Need]]]:
    try:
        yield user, find()
    except SongbenchError as error:
        say(f"note: nobody knows what {user} needs: {error}")


def _is_named(need: Need, names: Sequence[str]) -> bool:
    """Whether it was named itself, and not only as what a system of its name needs."""
    return need.name in names and not _is_system(need.name)


def _obstacle(need: Need, users: dict[str, list[Need]]) -> str:
    """Which others need it."""
    plugins = [user for user, their_needs in users.items() if need in their_needs]
    more = f" and {len(plugins) - _NAMED} more" if len(plugins) > _NAMED else ""
    return f"needed by {', '.join(plugins[:_NAMED])}{more}" if plugins else ""


def _removal(need: Need) -> Removal:
    folder, _ = _place(need)
    # Pieces of a setup that was killed count, too; lock files hold nothing, and somebody may be waiting at one.
    candidates = [folder.with_name(f".{folder.name}{_SCRATCH}"), folder]
    note = ""
    if isinstance(need, Weights):
        candidates += _unfinished(need)
    elif isinstance(need, Checkout):
        candidates += [folder.with_name(f".{folder.name}.part"), checkouts.note_of(need)]
        users_own = checkouts.override_of(need) or checkouts.noted_folder(need)
        note = f"your own, {users_own}, is left alone" if users_own else ""
    else:
        candidates.append(folder.with_name(f"{folder.name}.log"))
        override = environments.override_of(need)
        note = f"your own, {override}, is left alone" if override else ""
    paths = tuple(path for path in candidates if path.exists())
    return Removal(need=need, paths=paths, size=sum(map(_size, paths)), note=note)


def _unfinished(entry: Weights) -> list[Path]:
    """What a download that was interrupted has left, but for beginnings that may belong to other weights."""
    cache = weights.cache_folder()
    scratch = re.compile(rf"{re.escape(entry.name)}-[a-z0-9_]{{8}}")
    folders = [path for path in cache.glob(f"{entry.name}-*") if scratch.fullmatch(path.name)]
    sources = [source for other in _all_weights() if other.name != entry.name for source in other.sources]
    repositories = {source.repo for source in sources if isinstance(source, HubSource)}
    for source in entry.sources:
        if isinstance(source, HubSource) and source.repo not in repositories:
            folders.append(source.downloads_folder(cache / weights.DOWNLOADS))
    return folders


def _all_weights() -> Iterator[Weights]:
    """All that are registered, but for those of broken plug-ins."""
    for name in registry.names(registry.WEIGHTS):
        with suppress(registry.PluginError):
            yield registry.load(registry.WEIGHTS, name)


def _place(need: Need) -> tuple[Path, str]:
    """Where a need lies, and the variable that puts its kind elsewhere."""
    if isinstance(need, Weights):
        return weights.folder_of(need), "SONGBENCH_WEIGHTS"
    if isinstance(need, Checkout):
        return checkouts.folder_of(need), "SONGBENCH_CHECKOUTS"
    return environments.folder_of(need), "SONGBENCH_ENVIRONMENTS"


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir() or file.is_symlink())
