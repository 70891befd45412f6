"""What prepared songs are like, for people and for the training that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from songbench.domain.hashing import Json
from systems.songbloom.training.data.records import SPLITS, PreparationBasis, SongEntry
from systems.songbloom.training.data.shards import ShardSums
from systems.songbloom.training.tokenizer.clusters import entropy_bits


def dataset_statistics(
    songs: Sequence[SongEntry], sums: ShardSums, basis: PreparationBasis, lyrics_length: int
) -> dict[str, Json]:
    """Hours, songs, tokens, the use of codes, the distribution of latents.

    Args:
        songs: all of the folder, at least one.
        sums: over all their frames.
        basis: what they were made with.
        lyrics_length: symbols of lyrics that the checkpoint's model reads.

    Returns:
        JSON; ``latents`` are mean and standard deviation over all channels, ``channels`` those of each.
    """
    frames = sum(song.frames for song in songs)
    means = sums.latents / frames
    variances = (sums.squares / frames - means.square()).clamp(min=0)
    counted = int((sums.codes > 0).sum())
    whole_mean = float(means.mean())
    whole_variance = float((sums.squares / frames).mean()) - whole_mean**2
    symbols = [sum(len(section.symbols) for section in song.sections) + len(song.sections) - 1 for song in songs]
    return {
        "songs": len(songs),
        "hours": sum(song.seconds for song in songs) / 3600,
        "splits": {
            split: {
                "songs": sum(song.split == split for song in songs),
                "hours": sum(song.seconds for song in songs if song.split == split) / 3600,
            }
            for split in SPLITS
        },
        "languages": dict(Counter(song.language for song in songs).most_common()),
        "times": dict(Counter(song.times for song in songs).most_common()),
        "tags": dict(Counter(section.tag for song in songs for section in song.sections).most_common()),
        "seconds": {"shortest": min(song.seconds for song in songs), "longest": max(song.seconds for song in songs)},
        "frames": frames,
        "symbols": {
            "shortest": min(symbols),
            "longest": max(symbols),
            "songs with more than the model reads": sum(count > lyrics_length for count in symbols),
        },
        "codes": {
            "used": counted,
            "share": counted / basis.sketch_vocabulary,
            "entropy bits": entropy_bits(sums.codes),
            "commonest": float(sums.codes.max()) / frames,
        },
        "latents": {"mean": whole_mean, "deviation": max(0.0, whole_variance) ** 0.5},
        "channels": {"mean": means.tolist(), "deviation": variances.sqrt().tolist()},
    }


def statistics_lines(statistics: Mapping[str, Any]) -> list[str]:
    """The statistics in words, a line each.

    Args:
        statistics: from `dataset_statistics`.
    """
    splits, codes, latents, seconds = (statistics[name] for name in ("splits", "codes", "latents", "seconds"))
    listing = ", ".join(f"{split} {of['songs']} ({_length(of['hours'])})" for split, of in splits.items())
    return [
        f"{statistics['songs']} songs, {_length(statistics['hours'])} ({listing}), {seconds['shortest']:.1f} to"
        f" {seconds['longest']:.1f} s each",
        "languages: " + ", ".join(f"{name or '?'} {count}" for name, count in statistics["languages"].items()),
        "times of sections: " + ", ".join(f"{name} {count}" for name, count in statistics["times"].items()),
        f"{statistics['frames']} sketch tokens: {codes['used']:.0f} codes used ({codes['share']:.0%}),"
        f" {codes['entropy bits']:.2f} bits, the commonest {codes['commonest']:.1%}",
        f"latents: mean {latents['mean']:.3f}, deviation {latents['deviation']:.3f}",
    ]


def _length(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
