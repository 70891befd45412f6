"""What systems and metrics need: weights, environments and the source of other people's programs, found by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TypeAlias

from songbench.contracts import registry
from songbench.contracts.cards import READY, Availability, unavailable
from songbench.contracts.metric import Metric
from songbench.contracts.system import System
from songbench.domain.errors import InputError, one_line
from songbench.resources import checkouts, environments, weights
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import Weights

Need: TypeAlias = Weights | Environment | Checkout
"""Each can be set up by its name. One of each kind may bear the same name, which then stands for all of them."""

NEEDS = (registry.ENVIRONMENTS, registry.CHECKOUTS, registry.WEIGHTS)


def asked_for(name: str) -> list[Need]:
    """What a name given to ``songbench setup`` stands for.

    Args:
        name: of weights, of an environment or of a checkout; of a system (``NAME`` or ``NAME:VARIANT``) or a metric
            (``name@backend``, or ``name`` for all backends), which stands for what its card says it needs. What several
            of them are called stands for all of these.

    Raises:
        InputError: for an unknown name or variant.
        PluginError: when a plug-in is broken.
    """
    selected = declared(name)
    is_plugin = False
    if registry.SystemSpec.parse(name).name in registry.names(registry.SYSTEMS):
        selected, is_plugin = [*selected, *of_card(registry.build_system(name).card.needs)], True
    metrics = registry.names(registry.METRICS)
    if name in metrics or name in {identifier.partition("@")[0] for identifier in metrics}:
        selected, is_plugin = [*selected, *of_metrics(registry.metric_ids(name))], True
    if selected or is_plugin:
        return once(selected)
    allowed = [one for group in (*NEEDS, registry.SYSTEMS, registry.METRICS) for one in registry.names(group)]
    raise InputError(f"There is nothing to set up called '{name}'.", value=name, allowed=allowed)


def of_metrics(identifiers: Iterable[str]) -> list[Need]:
    """What metrics need, each once."""
    cards = [registry.build_metric(identifier).card for identifier in identifiers]
    return once(need for card in cards for need in of_card(card.needs))


def once(needs: Iterable[Need]) -> list[Need]:
    """The needs in order, each once."""
    return list({(type(need), need.name): need for need in needs}.values())


def of_card(names: Iterable[str]) -> list[Need]:
    """What can be set up among the needs of a card; what is an ordinary package is left out."""
    return [need for name in names for need in declared(name)]


def declared(name: str) -> list[Need]:
    """What is registered under a name, of each kind."""
    return [registry.load(group, name) for group in NEEDS if name in registry.names(group)]


@dataclass(frozen=True, kw_only=True)
class NeedFacts:
    """What people should know of a need before it is fetched.

    Attributes:
        name: for ``songbench setup``.
        kind: ``weights``, ``environment`` or ``source``.
        size: in words, "" where nobody has estimated it.
        bytes: the same as a number, 0 where unknown.
        revision: which state of it.
        licence: of the weights, of the packages, or of the code.
        restricted: the licence forbids some uses.
        present: it is here already.
        unfixed: what it is taken to be is decided by what arrives first.
    """

    name: str
    kind: str
    size: str
    bytes: int
    revision: str
    licence: str
    restricted: bool
    present: bool
    unfixed: bool = False


def kind_of(need: Need) -> str:
    """``weights``, ``environment`` or ``source``."""
    return "weights" if isinstance(need, Weights) else "source" if isinstance(need, Checkout) else "environment"


def facts(need: Need) -> NeedFacts:
    """What is known of it, without asking any source."""
    present = is_here(need)
    if isinstance(need, Weights):
        recorded = weights.as_recorded(need)
        size, revision = recorded.size_text, weights.revision_of(need)
        unfixed = bool(weights.trusted_on_first_use(need))
        return NeedFacts(
            name=need.name,
            kind=kind_of(need),
            size=size,
            bytes=recorded.size,
            revision=revision,
            licence=need.licence,
            restricted=need.restricted,
            present=present,
            unfixed=unfixed,
        )
    is_users = _is_users(need)
    key = need.commit if isinstance(need, Checkout) else need.key
    size = f"about {weights.in_words(need.about)}" if need.about else ""
    revision = "of your own" if is_users else key
    return NeedFacts(
        name=need.name,
        kind=kind_of(need),
        size=size,
        bytes=need.about,
        revision=revision,
        licence=need.licence,
        restricted=need.restricted,
        present=present,
    )


def offline_commands(needs: Iterable[Need]) -> list[str]:
    """How to collect missing source and the wheels of missing environments for a machine without a network."""
    rows: list[str] = []
    for need in needs:
        if isinstance(need, Environment) and not is_here(need):
            rows += [
                f"# wheels of '{need.name}' for songbench setup --from FOLDER:",
                *environments.wheel_commands(need),
            ]
        if isinstance(need, Checkout) and not is_here(need):
            rows += [f"# source '{need.name}' for songbench setup --from FOLDER:", *checkouts.fetch_commands(need)]
    return rows


def is_here(need: Need) -> bool:
    """Whether it need not be fetched."""
    if isinstance(need, Weights):
        return weights.path(need) is not None
    if isinstance(need, Checkout):
        return checkouts.path_of(need) is not None
    return environments.python_of(need) is not None


def availability(need: Need) -> Availability:
    """Ready, or what is missing and the command that gets it."""
    if isinstance(need, Weights):
        return weights.availability(need)
    if isinstance(need, Checkout):
        return checkouts.availability(need)
    return environments.availability(need)


def availability_together(required: Sequence[Need], name: str) -> Availability:
    """Ready when everything is here, else how much is not, and the one command that gets all of it.

    Args:
        required: what a system needs.
        name: of the system, for ``songbench setup``.

    Returns:
        What is said of a single thing that is missing; so too where the user names a place of their own for it.
    """
    lacking = [(need, state) for need in required if not (state := availability(need)).ready]
    if not lacking:
        return READY
    for need, state in lacking:
        if len(lacking) == 1 or _is_users(need):
            return state
    parts = [facts(need) for need, _ in lacking]
    size = sum(part.bytes for part in parts)
    kinds = Counter(part.kind for part in parts)
    listed = ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in kinds.items())
    restricted = any(part.restricted for part in parts)
    return unavailable(
        f"{listed} are not here (about {weights.in_words(size)}"
        + (", some of it under restricted licences)" if restricted else ")"),
        f"songbench setup {name}" + (" --accept-licence" if restricted else ""),
    )


def _is_users(need: Need) -> bool:
    if isinstance(need, Checkout):
        return bool(checkouts.override_of(need) or checkouts.noted_folder(need))
    return isinstance(need, Environment) and bool(environments.override_of(need))


def availability_of_all(names: Iterable[str]) -> Availability:
    """Ready when everything is here, else what is said of the first that is not.

    Args:
        names: the needs of a card: weights, environments and checkouts, and packages as the package index calls them.
    """
    for name in names:
        states = [availability(need) for need in declared(name)] or [_package(name)]
        for state in states:
            if not state.ready:
                return state
    return READY


def _package(name: str) -> Availability:
    try:
        distribution(name)
    except PackageNotFoundError:
        return unavailable(f"the package '{name}' is not installed", f"pip install {name}")
    return READY


def of_plugin(group: str, name: str, plugin: System | Metric) -> Availability:
    """What a system or metric says of itself; one that breaks on being asked is not available.

    Raises:
        InputError: what the user gave it, such as a checkpoint of one's own, cannot be used.
    """
    try:
        state: object = plugin.availability()
    except InputError:
        raise
    except Exception as error:
        state = f"{type(error).__name__}: {error}"
    if isinstance(state, Availability):
        return state
    package = registry.package_of(group, name)
    return unavailable(f"it cannot say whether it can run ({one_line(str(state))})", f"mend or uninstall {package}")


def of_metric(identifier: str, metric: Metric) -> Availability:
    """The availability of a metric, naming everything that is missing and one command that gets all of it.

    A metric itself says what it meets first.
    """
    state = of_plugin(registry.METRICS, identifier, metric)
    missing = [] if state.ready else [one for one in of_card(metric.card.needs) if not is_here(one)]
    if len(missing) < 2:
        return state
    lacking = [facts(one) for one in missing]
    accept = " --accept-licence" if any(one.restricted for one in lacking) else ""
    listed = ", ".join(f"{one.kind} '{one.name}' ({one.size}, {one.licence})" for one in lacking)
    return unavailable(f"{listed} are not here", f"songbench setup {identifier}{accept}")


def require_licences(needs: Sequence[Need], *, accepted: bool, names: str) -> None:
    """Stop unless the restricted licences among those of missing needs are accepted.

    Args:
        needs: what is to be fetched; what is here already is not asked about again.
        accepted: the user has accepted.
        names: what the user has to give ``songbench setup`` again.

    Raises:
        InputError: when a licence has to be accepted first.
    """
    weights.require_licences([need for need in needs if isinstance(need, Weights)], accepted=accepted, names=names)
    for need in needs:
        if not isinstance(need, Weights) and need.restricted and not accepted and not is_here(need):
            raise InputError(
                f"The {kind_of(need)} '{need.name}' is under a restricted licence: {need.licence}.",
                cure=f"If your use is allowed: songbench setup {names} --accept-licence",
            )


def set_up(
    need: Need,
    *,
    accept_licence: bool = False,
    mirror: Path | None = None,
    upstream: Path | None = None,
    say: Callable[[str], None] = print,
    progress: weights.Progress | None = None,
) -> Path:
    """Fetch weights or source, or make an environment, unless it is here.

    Args:
        need: which.
        accept_licence: the user has accepted a restricted licence.
        mirror: a folder to look in before any other place.
        upstream: for source: a clone of the user's own.
        say: called with one line per step.
        progress: of weights: told how many bytes are here, of how many.

    Raises:
        SongbenchError: as `weights.setup`, `environments.setup_environment` and `checkouts.setup_checkout`.
    """
    if isinstance(need, Weights):
        return weights.setup(need, accept_licence=accept_licence, mirror=mirror, say=say, progress=progress)
    require_licences([need], accepted=accept_licence, names=need.name)
    if isinstance(need, Checkout):
        return checkouts.setup_checkout(need, say=say, mirror=mirror, upstream=upstream)
    return environments.setup_environment(need, say=say, mirror=mirror)
