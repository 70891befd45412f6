"""Names for the segments of a song by rules: who sings, what comes back, how loud it is and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LABELS = ("intro", "verse", "chorus", "bridge", "inst", "outro", "silence")
"""What `label_segments` calls segments: tags of lyrics."""

SAME_PASSAGE = 0.36
"""From this similarity on, two sung passages count as the same music."""

UNLIKE_PASSAGE = 0.28
"""Below this similarity, a sung passage has nothing of another."""

_SAME_LIFT_DB = 1.5
_DB_PER_SEMITONE = 0.7
_FAR_SEMITONES = 9.0
_SIMILARITY_DB = 4.0
_OPENING_DB = 3.0
_LEAST_LIFT_DB = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Segment:
    """A stretch of a song between two boundaries.

    Attributes:
        start: seconds.
        end: seconds.
        kind: ``vocal``, ``instrumental`` or ``silence``.
        level: mean level in dB, on any common scale.
        pitch: median pitch of the voice in MIDI numbers.
        harmony: unit vectors of pitch classes over time, shape (n, 12), n >= 1.
    """

    start: float
    end: float
    kind: str
    level: float
    pitch: float
    harmony: npt.NDArray[np.floating]


def label_segments(segments: Sequence[Segment]) -> list[str]:
    """A section tag for each segment.

    ========================= ======================================================================================
    silence                   silent segments
    intro, outro              instrumental before the first and after the last sung segment
    inst                      instrumental in between, or all of a song without singing
    chorus                    the group of sung segments with the same music that stands out: louder, sung higher,
                              coming back; the group that opens the song has a malus, as songs seldom open with the
                              chorus, and where nothing comes back it cannot be
    bridge                    of the sung segments between the first verse and the last chorus, the one least like
                              any verse, if it has little of them
    verse                     all other sung segments
    ========================= ======================================================================================
    """
    sung = [i for i, segment in enumerate(segments) if segment.kind == "vocal"]
    vocal = dict(zip(sung, _label_sung([segments[i] for i in sung]), strict=True))
    labels = []
    for i, segment in enumerate(segments):
        if segment.kind == "silence":
            labels.append("silence")
        elif segment.kind == "instrumental":
            labels.append("inst" if not sung or sung[0] < i < sung[-1] else "intro" if i < sung[0] else "outro")
        else:
            labels.append(vocal[i])
    return labels


def _label_sung(segments: Sequence[Segment]) -> list[str]:
    alike = _alike([segment.harmony for segment in segments])
    chorus = _chorus(segments, alike, _groups(alike))
    labels = ["chorus" if i in chorus else "verse" for i in range(len(segments))]
    likest = {
        i: max(alike[i, j] for j in range(len(segments)) if j != i and labels[j] == "verse")
        for i in range(len(segments))
        if labels[i] == "verse" and "verse" in labels[:i] and "chorus" in labels[i + 1 :]
    }
    loner = min(likest, key=lambda i: likest[i], default=None)
    if loner is not None and likest[loner] < UNLIKE_PASSAGE:
        labels[loner] = "bridge"
    return labels


def _alike(passages: Sequence[npt.NDArray[np.floating]]) -> npt.NDArray[np.float64]:
    """How well each passage repeats each other, shape (n, n), 1 on the diagonal."""
    import numpy as np

    from metrics.features.novelty import best_diagonal

    alike = np.eye(len(passages))
    for i in range(len(passages)):
        for j in range(i):
            alike[i, j] = alike[j, i] = best_diagonal(passages[i], passages[j])
    return alike


def _groups(alike: npt.NDArray[np.float64]) -> list[list[int]]:
    """Passages with the same music together: on average, each is like the others of its group.

    Args:
        alike: how well each repeats each other, shape (n, n).
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(alike) < 2:
        return [[i] for i in range(len(alike))]
    tree = linkage(squareform(1 - alike, checks=False), "average")
    numbers = fcluster(tree, 1 - SAME_PASSAGE, "distance")
    return [[i for i, number in enumerate(numbers) if number == group] for group in dict.fromkeys(numbers)]


def _chorus(
    segments: Sequence[Segment], alike: npt.NDArray[np.float64], groups: Sequence[Sequence[int]]
) -> Sequence[int]:
    """Which sung segments are the chorus; none where nothing comes back and nothing rises above the first.

    Args:
        segments: the n sung ones.
        alike: how well each repeats each other, shape (n, n).
        groups: numbers of those with the same music.
    """
    import numpy as np

    def standing(group: Sequence[int]) -> float:
        pairs = alike[np.ix_(group, group)][~np.eye(len(group), dtype=bool)]
        back = float(pairs.mean()) if len(group) > 1 else 0.0
        return float(lift[group].mean()) + _SIMILARITY_DB * back - _OPENING_DB * (0 in group)

    if len(groups) < 2:
        return []
    lift = _lift(segments)
    best = max(groups, key=standing)
    comes_back = max(best) - min(best) >= len(best)
    if not comes_back and lift[best].mean() < lift[0] + _LEAST_LIFT_DB:
        return []
    # What goes on from a chorus without coming down is still the chorus.
    ahead = max(best) + 1
    goes_on = ahead < len(segments) and segments[ahead].start == segments[ahead - 1].end
    if goes_on and abs(lift[ahead] - lift[ahead - 1]) <= _SAME_LIFT_DB:
        return [*best, ahead]
    return best


def _lift(segments: Sequence[Segment]) -> npt.NDArray[np.float64]:
    """How much each passage lifts its voice, shape (n,), dB: its level, and its pitch weighed by `_DB_PER_SEMITONE`.

    A pitch far from the median is taken an octave nearer, as estimates of pitch err by octaves.
    """
    import numpy as np

    pitches = np.array([segment.pitch for segment in segments])
    above = pitches - np.median(pitches)
    above -= 12 * np.sign(above) * (abs(above) > _FAR_SEMITONES)
    lift: npt.NDArray[np.float64] = np.array([segment.level for segment in segments]) + _DB_PER_SEMITONE * above
    return lift
