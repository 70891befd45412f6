"""Cards that differ from another one in what is heard: at a loudness of one's own, or together with the vocal."""

from __future__ import annotations

from dataclasses import replace

from songbench.domain.mixing import LOUDNESS_LUFS, MIX_RULE
from songbench.plugin import MetricCard


def at_loudness(card: MetricCard, loudness: float | None) -> MetricCard:
    """The card of the same metric on audio that is brought to a loudness first.

    Args:
        card: with a procedure.
        loudness: in LUFS; None: as the card has it.
    """
    assert card.procedure is not None
    return card if loudness is None else replace(card, procedure=replace(card.procedure, loudness=f"{loudness:g} LUFS"))


def of_mixes(card: MetricCard, *, backend: str, summary: str, limits: str) -> MetricCard:
    """The card of the same metric on accompaniments of track ``v2a`` together with their vocals.

    Args:
        card: of the accompaniment alone, with a procedure.
        backend: of the new one.
        summary: of the new one.
        limits: what else limits it; those of every mix come first.
    """
    assert card.procedure is not None
    return replace(
        card,
        backend=backend,
        summary=summary,
        limits=(
            f"Vocal and accompaniment are mixed by one rule ({MIX_RULE}: both at {LOUDNESS_LUFS:g} LUFS), so the"
            " balance that a system chose is not judged. The same vocal is in the mixes of all systems and pulls their"
            " ratings together; with a silent accompaniment it is rated alone. Nobody has shown that it hears whether"
            f" the two fit: read it between the rows oracle and shuffled_band. Not to be compared with {card.id}, nor"
            f" with papers, which do not say what they rate. {limits}"
        ),
        tracks=("v2a",),
        procedure=replace(card.procedure, rate=f"the mix by {MIX_RULE}; {card.procedure.rate}"),
    )
