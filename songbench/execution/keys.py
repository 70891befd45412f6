"""What decides a result, and therefore its key. Same key → never computed twice; any change → a new key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from songbench.contracts import registry
from songbench.contracts.cards import MetricCard
from songbench.contracts.system import Fingerprinted, System
from songbench.domain.hashing import Json, KeyPrefix, content_key, derived_seed
from songbench.domain.prompt import Asset, Prompt, RenderAsset
from songbench.domain.song import Request


def take_seed(seed: int, prompt: Prompt, take: int) -> int:
    """The seed of one take: from the run's seed, the prompt's id and the take's number, in [0, 2**31)."""
    return derived_seed(seed, prompt.id, take)


class SongKeys:
    """The keys of the songs of one system: from its name, version and parameters, the prompt's content, take and seed.

    Args:
        system: who makes the songs.
    """

    def __init__(self, system: System) -> None:
        self._fingerprinted = system if isinstance(system, Fingerprinted) else None
        self._prefix = KeyPrefix(
            "song",
            {"system": system.card.name, "version": system.card.version, "parameters": dict(system.parameters)},
        )

    def of(self, request: Request, prompt_key: str) -> str:
        """The key of a song.

        Args:
            request: what is asked for.
            prompt_key: `Prompt.key` of its prompt, which many requests share.
        """
        outside = self._fingerprinted.fingerprint(request) if self._fingerprinted else None
        neighbour = request.other_prompt
        return self._prefix.key(
            prompt_key,
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


def feature_keys(name: str, identity: Mapping[str, Json]) -> KeyPrefix:
    """What gives the key of a feature from the digest of its audio: the extractor with all that can change it."""
    return KeyPrefix("feature", name, dict(identity))


def feature_key(name: str, identity: Mapping[str, Json], digest: str) -> str:
    """From the extractor with all that can change its result, and the audio's content."""
    return feature_keys(name, identity).key(digest)


def score_keys(card: MetricCard, parameters: Mapping[str, Json]) -> KeyPrefix:
    """What gives the key of a score from the key of its song: the metric with its backend, version and parameters."""
    return KeyPrefix("score", card.identity(), dict(parameters))


def set_score_key(
    card: MetricCard, parameters: Mapping[str, Json], songs: Sequence[str], references: Sequence[str]
) -> str:
    """From the metric and both sets; the order of the songs does not matter."""
    return content_key("set score", card.identity(), dict(parameters), sorted(songs), sorted(references))
