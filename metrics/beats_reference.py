"""Beat and downbeat agreement by the tracker that stands for the state of the art: Beat This!"""

from __future__ import annotations

from metrics.beats import FIELDS, BeatAgreement
from metrics.features.beat_this import BEAT_THIS, BeatThisBeats
from metrics.song_parts import percentage
from songbench.plugin import MetricCard, Procedure

BEATS_BEAT_THIS = MetricCard(
    name="beats",
    backend="beat-this",
    version="1",
    fields=(
        *FIELDS,
        percentage("downbeat_f1_ref", "F1 of downbeats within 70 ms of those of the true accompaniment."),
        percentage("downbeat_f1_ref_chance", "downbeat_f1_ref of the same ones shifted in a circle.", direction="none"),
        percentage("downbeat_f1_vocal", "F1 of downbeats within 70 ms of those found in the vocal alone."),
        percentage(
            "downbeat_f1_vocal_chance", "downbeat_f1_vocal of the same ones shifted in a circle.", direction="none"
        ),
    ),
    summary="Whether beats and bars of the accompaniment lie where those of the true one, and of the vocal, lie.",
    limits=(
        "Beats are found, not known, by a model that was trained on annotated recordings of many styles; how well it"
        " does on a vocal alone has not been measured, so take the fields of the vocal for weak evidence. No tempo is"
        " assumed, so what is found may have gaps. A bar that is counted from another beat has no downbeat right though"
        " all its beats are. Fewer than two beats, or downbeats, in truth or vocal are nothing to compare with. Read"
        " each field with its chance, and never beside one of beats@librosa."
    ),
    citation=(
        "Foscarin, Schlüter and Widmer, Beat This!, ISMIR 2024 (arXiv 2407.21658); F1 as in mir_eval, of all beats"
    ),
    licence=f"{BEAT_THIS.licence} (code and weights)",
    needs=(BEAT_THIS.name,),
    reference=True,
    tracks=("v2a",),
    hears=("timing",),
    mono=True,
    procedure=Procedure(
        model="Beat This! final0 (package beat_this 1.1.0), no DBN",
        revision=f"sha256 {BEAT_THIS.files[0].sha256}",
        rate="22.05 kHz mono, by soxr; 50 frames a second",
        window="30 s, overlap 0.24 s, the earlier one counts",
        pooling="peaks within 60 ms whose logit is above 0; downbeats moved to the nearest beat",
        formula="F1 at 70 ms; chance: mean over 20 shifts in a circle of 5 to 25 s",
    ),
    verified=(
        "Against beat_this 1.1.0 itself, its Audio2Beats, on random weights in the layout of the released file: beats"
        " and downbeats are the same (small size, 1 to 31 s at 8 to 48 kHz: tests/metrics/test_beats_reference.py; full"
        " size, 70 s: by hand, on a CPU). F1 equal to mir_eval 0.8.2. Not run with the released weights, so how well it"
        " tracks has not been measured here; size and checksum of the file are as several public projects record them."
    ),
)


def beats_beat_this() -> BeatAgreement:
    """The entry point ``beats@beat-this``."""
    return BeatAgreement(
        card=BEATS_BEAT_THIS,
        tracker=BeatThisBeats(),
        downbeats=True,
        package=("beat_this", "beats"),
        models=(BEAT_THIS,),
    )
