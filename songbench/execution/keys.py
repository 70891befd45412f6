"""What decides a result, and therefore its key. Same key → never computed twice; any change → a new key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from songbench.contracts import registry
from songbench.contracts.cards import MetricCard
from songbench.contracts.system import Fingerprinted, System
from songbench.domain.hashing import Json, content_key, derived_seed
from songbench.domain.prompt import Asset, Prompt, RenderAsset
from songbench.domain.song import Request


def take_seed(seed: int, prompt: Prompt, take: int) -> int:
    """The seed of one take: from the run's seed, the prompt's id and the take's number, in [0, 2**31)."""
    return derived_seed(seed, prompt.id, take)


def song_key(system: System, request: Request) -> str:
    """From the system's name, version and parameters, the prompt's content, take and seed."""
    outside = system.fingerprint(request) if isinstance(system, Fingerprinted) else None
    neighbour = request.other_prompt
    return content_key(
        "song",
        {"system": system.card.name, "version": system.card.version, "parameters": dict(system.parameters)},
        request.prompt.key(),
        {"take": request.take, "seed": request.seed},
        outside,
        *([] if neighbour is None else [{"other reference": reference_key(neighbour)}]),
    )


def reference_key(prompt: Prompt) -> str:
    """What identifies the reference of a prompt, be it a file, rendered or cut."""
    assert prompt.reference is not None
    return asset_key(prompt.reference, prompt, renderer_of(prompt.reference, prompt))


def renderer_of(asset: Asset, prompt: Prompt) -> System | None:
    """The system that renders audio of a prompt, or what it is cut from; None for files.

    Raises:
        InputError: when the suite names an unknown system.
    """
    origin = prompt.origin(asset)
    return registry.build_system(origin.system, origin.parameters) if isinstance(origin, RenderAsset) else None


def asset_key(asset: Asset, prompt: Prompt, renderer: System | None = None) -> str:
    """From what the audio depends on; for rendered audio that includes the renderer's version."""
    made_by: Json = None
    if renderer and isinstance(prompt.origin(asset), RenderAsset):
        made_by = {
            "system": renderer.card.name,
            "version": renderer.card.version,
            "parameters": dict(renderer.parameters),
        }
    return content_key("asset", asset.identity(prompt), made_by)


def feature_key(name: str, identity: Mapping[str, Json], digest: str) -> str:
    """From the extractor with all that can change its result, and the audio's content."""
    return content_key("feature", name, dict(identity), digest)


def score_key(card: MetricCard, parameters: Mapping[str, Json], song: str) -> str:
    """From the metric with its backend, version and parameters, and the song."""
    return content_key("score", card.identity(), dict(parameters), song)


def set_score_key(
    card: MetricCard, parameters: Mapping[str, Json], songs: Sequence[str], references: Sequence[str]
) -> str:
    """From the metric and both sets; the order of the songs does not matter."""
    return content_key("set score", card.identity(), dict(parameters), sorted(songs), sorted(references))
