"""SER by trained analysers: All-In-One, which papers use, and SongFormer, which makes fewer errors.

Their labels become the tags of lyrics as the lyrics' own parser has it (`songbench.domain.lyrics`): pre-choruses are
verses, solos and breaks are instrumental. All-In-One's ``start`` and ``end`` mark the file's margins before the first
and after the last section, as its training data does; they are no sections, so their time is left out. It has no label
for silence within a song, so ``[silence]`` is not asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from metrics.features.allin1 import ALLIN1, AllInOne, stems_of
from metrics.features.demucs_stems import HTDEMUCS_TORCH
from metrics.features.muq import MUQ
from metrics.features.songformer import MUSICFM, SONGFORMER, SongFormer
from metrics.ser import CITATION, FIELDS, SectionErrorRate
from songbench.domain.tags import tags_of_labels
from songbench.plugin import Field, MetricCard, ModelFamily, Procedure

ALLIN1_TAGS = tags_of_labels(
    {
        "start": None,
        "end": None,
        "intro": "intro",
        "outro": "outro",
        "break": "inst",
        "bridge": "bridge",
        "inst": "inst",
        "solo": "inst",
        "verse": "verse",
        "chorus": "chorus",
    },
    "the table of All-In-One's labels (metrics.ser_reference)",
    absent=("silence",),
)

SONGFORMER_TAGS = tags_of_labels(
    {
        "intro": "intro",
        "verse": "verse",
        "pre-chorus": "verse",
        "chorus": "chorus",
        "bridge": "bridge",
        "inst": "inst",
        "outro": "outro",
        "silence": "silence",
    },
    "the table of SongFormer's labels (metrics.ser_reference)",
)

REFERENCE_FIELDS = (
    *FIELDS,
    Field(
        "boundary_f_half",
        unit="",
        direction="none",
        low=0,
        high=1,
        decimals=2,
        description="The same as boundary_f, but within 0.5 s.",
        headline=False,
        hears=(),
    ),
)


def _in_words(tags: Mapping[str, str | None]) -> str:
    changed = [f"{label} -> {tag or 'left out'}" for label, tag in tags.items() if label != tag]
    return f"Labels: {', '.join(changed)}; the others as they are."


_FORMULA = "cheapest monotone alignment with free durations; 100 x (mislabelled + missing seconds) / seconds"

SER_ALLIN1 = MetricCard(
    compares_lyrics=True,
    name="ser",
    backend="allin1",
    version="1",
    fields=REFERENCE_FIELDS,
    summary="Requested against found sections; found by All-In-One on Demucs' stems, as in papers.",
    limits=(
        f"{_in_words(ALLIN1_TAGS)} [silence] is not asked for, as All-In-One has no such label. Published numbers rest"
        " on the same analyser, but how they treat labels and durations is not published, so compare within this"
        " column. All-In-One was trained on Western pop of 76 to 660 s; it labels 74 % of the time of such songs as"
        " people do, 83 % of Chinese ones (SongFormer's measurement), so that a flawless song does not get 0. Songs of"
        " less than 100 s are filled up inside the network; those of a few seconds get arbitrary labels. Read ser with"
        " ser_chance."
    ),
    citation=f"{CITATION}; sections: Kim and Nam, WASPAA 2023 (arXiv 2307.16425)",
    licence=f"All-In-One: {ALLIN1.licence}; htdemucs-torch: {HTDEMUCS_TORCH.licence}",
    needs=(ALLIN1.name, HTDEMUCS_TORCH.name),
    reference=True,
    hears=("form",),
    mono=True,
    procedure=Procedure(
        model="taejunkim/allinone, harmonix-all (mean logits of 8 folds), on stems of htdemucs without random shift",
        revision="379e5fd010b3fdd0ee8381ff8cbcfa51d70b5c19",
        rate="44.1 kHz, mono per stem, 16 bits, 100 frames a second",
        window="the whole song",
        pooling="boundaries: peaks within 12 s; labels: mean probability between boundaries",
        formula=_FORMULA,
    ),
    models=(ModelFamily("allin1"),),
    verified=(
        "Against allin1 1.1.0 with natten 0.17.5 and madmom 0.17: on random weights spectrograms within 1e-6, logits"
        " within 1e-5, sections equal (tests/metrics/golden); on the released weights, as the project all-in-one-mlx"
        " has converted them, all eight folds and one synthetic song of 98 s with stems of its own, logits within 1e-5,"
        " sections equal. The released files themselves and the whole chain from a mix have not been run yet."
    ),
)

SER_SONGFORMER = MetricCard(
    compares_lyrics=True,
    name="ser",
    backend="songformer",
    version="1",
    fields=REFERENCE_FIELDS,
    summary="Requested against found sections; found by SongFormer, the most accurate public analyser.",
    limits=(
        f"{_in_words(SONGFORMER_TAGS)} By its authors' measurement SongFormer labels 81 % of the time of Western pop as"
        " people do and 89 % of Chinese songs. In songs of more than 7 minutes, pieces of 7 minutes are heard apart."
        " No paper reports SER with it yet. Read ser with ser_chance."
    ),
    citation=f"{CITATION}; sections: Hao et al., SongFormer, arXiv 2510.02797",
    licence=f"SongFormer: {SONGFORMER.licence}; MuQ: {MUQ.licence}; MusicFM: {MUSICFM.licence}",
    needs=(SONGFORMER.name, MUQ.name, MUSICFM.name),
    reference=True,
    hears=("form",),
    mono=True,
    procedure=Procedure(
        model="ASLP-lab/SongFormer on OpenMuQ/MuQ-large-msd-iter and minzwon/MusicFM (MSD)",
        revision="a75880ed1b7375ac71860ec6c4fc9c899cf99515",
        layer="tenth of both music models",
        rate="24 kHz mono, 25 frames a second, thinned to 8.3",
        window="30 s and 420 s, beside each other; no overlap",
        pooling="boundaries: peaks within 12 s; labels: mean probability between boundaries; short ends are joined",
        formula=_FORMULA,
    ),
    models=(ModelFamily("songformer"), ModelFamily("muq", part="one of the two models that SongFormer hears")),
    verified=(
        "Against the authors' code (139b2aa; MusicFM b83ebed) on small random models of the real classes: states and"
        " logits within 1e-4, sections equal (tests/metrics/golden). Not yet run with the released weights."
    ),
)


def ser_allin1() -> SectionErrorRate:
    """The entry point ``ser@allin1``."""
    return SectionErrorRate(
        card=SER_ALLIN1, analyser=AllInOne(), tags=ALLIN1_TAGS, input=stems_of, models=(ALLIN1, HTDEMUCS_TORCH)
    )


def ser_songformer() -> SectionErrorRate:
    """The entry point ``ser@songformer``."""
    return SectionErrorRate(
        card=SER_SONGFORMER, analyser=SongFormer(), tags=SONGFORMER_TAGS, models=(SONGFORMER, MUQ, MUSICFM)
    )
