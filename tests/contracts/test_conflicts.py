"""Which systems a metric cannot judge fairly, from what the cards of both say."""

import yaml

from songbench.contracts import conflicts, registry
from songbench.contracts.cards import Dependence, Field, MetricCard, ModelFamily, SystemCard
from songbench.contracts.conflicts import Conflict, conflicts_among, conflicts_of, dependences_of

MUQ = "its sketch tokens come from MuQ"
SONGBLOOM = ("songbloom", "songbloom_upstream")
LADABAND = ("ladaband", "ladaband_upstream")
HEARERS = {
    **dict.fromkeys(SONGBLOOM, MUQ),
    "muse": "its codec hears through MuQ",
    **dict.fromkeys(LADABAND, "its tokens are those of a codec that hears through MuQ"),
}
ENCODER = "conditioned on this very encoder"
ASLP = "from the same laboratory; a third of the rated songs are its own"
MERT = {
    ("acestep", "aligned to MERT's representations in training"),
    ("songgen", "trained with its features of reference voices"),
    ("fastsag", ENCODER),
    *((name, "its style clip is heard through this very encoder") for name in LADABAND),
}
CLAMP3 = {(name, "its text and its style clip are heard through this very encoder") for name in LADABAND}
MCC = {
    *((name, ENCODER) for name in ("diffrhythm", "diffrhythm2", "jam")),
    *((name, f"{why}, the encoder inside") for name, why in HEARERS.items()),
    ("heartmula", "tuned by DPO on MuQ similarity"),
}
SONGEVAL = {
    ("heartmula", "tuned by DPO on these ratings"),
    *((name, "its training songs were chosen by this very scorer") for name in LADABAND),
    *((name, ASLP) for name in ("diffrhythm", "diffrhythm2")),
    *((name, f"{why}, the encoder that SongEval hears") for name, why in HEARERS.items()),
}
KNOWN = {
    "clamp3@clamp3-saas": CLAMP3,
    "clamp3@clamp3-saas-text": CLAMP3,
    "mcc@muq-mulan": MCC,
    "mcc@muq-mulan-text": MCC,
    "ser@allin1": {
        *(
            (name, "learnt its section tags from this analyser's labels; its authors chose it for SER")
            for name in SONGBLOOM
        ),
    },
    "ser@songformer": {
        *((name, f"{why}, one of the two models that SongFormer hears") for name, why in HEARERS.items()),
        *((name, "from the laboratory that made SongFormer") for name in ("diffrhythm", "diffrhythm2")),
    },
    "songeval@songeval": SONGEVAL,
    "songeval@songeval-mix": SONGEVAL,
    "tencent_songbench@tencent": {
        ("levo", "from the group that made this scorer"),
        *((name, f"{why}, the encoder that Tencent's SongBench hears") for name, why in HEARERS.items()),
    },
    "muq_eval@a1": {(name, f"{why}, the encoder that MuQ-Eval hears") for name, why in HEARERS.items()},
    "tunejury@clap-mert": {(name, f"{why}, one of the two models that TuneJury hears") for name, why in MERT},
    "aesthetics@audiobox": {("heartmula", "tuned by DPO on these ratings")},
    "aesthetics@audiobox-mix": {("heartmula", "tuned by DPO on these ratings")},
    "fad@mert-v1-95m": MERT,
    "fad@fadtk-mert-v1-95m": MERT,
    "kad@mert-v1-95m": MERT,
}


def metric(*models):
    return MetricCard(name="m", backend="b", version="1", fields=(Field("m"),), summary="Made up.", models=models)


def system(name, *dependences):
    return SystemCard(name=name, version="1", summary="Made up.", licence="CC0-1.0", depends_on=dependences)


def pairs(card):
    return {(name, conflict.why) for conflict in conflicts_of(card) for name in conflict.systems}


def test_every_metric_of_ours_has_the_conflicts_that_are_known():
    cards = [registry.build_metric(name).card for name in registry.names(registry.METRICS)]
    assert {card.id: pairs(card) for card in cards if conflicts_of(card)} == KNOWN


def test_systems_of_one_reason_stand_together_in_the_order_of_the_models():
    card = metric(ModelFamily("muq", part="the encoder inside"), ModelFamily("muq-mulan"))
    assert conflicts_of(card) == (
        Conflict(("muse",), f"{HEARERS['muse']}, the encoder inside"),
        Conflict(LADABAND, f"{HEARERS['ladaband']}, the encoder inside"),
        Conflict(SONGBLOOM, f"{MUQ}, the encoder inside"),
        Conflict(("heartmula",), "tuned by DPO on MuQ similarity"),
        Conflict(("diffrhythm", "diffrhythm2", "jam"), ENCODER),
    )
    assert str(conflicts_of(card)[4]) == f"diffrhythm, diffrhythm2, jam ({ENCODER})"
    assert conflicts_of(metric()) == () == conflicts_of(metric(ModelFamily("nobody-depends-on-it")))


def test_a_variant_and_imported_songs_depend_on_what_their_system_depends_on():
    card = metric(ModelFamily("muq-mulan"), ModelFamily("muq"))
    assert conflicts_among(card, ["songbloom:240s", system("diffrhythm"), "suno"]) == (
        Conflict(("diffrhythm",), ENCODER),
        Conflict(("songbloom:240s",), MUQ),
    )


def test_what_a_card_says_itself_counts_and_not_what_is_said_of_its_name():
    diffrhythm = system("diffrhythm", Dependence("mert", "tuned to it"))
    assert conflicts_among(metric(ModelFamily("muq-mulan")), [diffrhythm]) == ()
    assert conflicts_among(metric(ModelFamily("mert")), [diffrhythm]) == (Conflict(("diffrhythm",), "tuned to it"),)


def test_a_system_that_cannot_be_built_does_not_spoil_a_leaderboard(monkeypatch):
    def broken(name):
        raise registry.PluginError("It is broken.")

    monkeypatch.setattr(registry, "build_system", broken)
    conflicts._declared.cache_clear()
    assert dependences_of("songbloom") == ()
    conflicts._declared.cache_clear()


def test_the_table_names_families_that_a_metric_names_and_no_registered_system():
    table = yaml.safe_load(conflicts.RELEASED_SYSTEMS.read_text(encoding="utf-8"))
    cards = [registry.build_metric(name).card for name in registry.names(registry.METRICS)]
    families = {model.family for card in cards for model in card.models}
    registered = registry.names(registry.SYSTEMS)
    assert not set(table) & set(registered)
    declared = {dependence.family for name in registered for dependence in dependences_of(name)}
    assert declared | {family for row in table.values() for family in row} == families
