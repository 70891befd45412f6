"""What raters meet: pages of every form with anchors, traps, repetitions and practice, and what is known of them."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from made_up import good_answer
from small_material import PRESETS, quick_protocol, small_material, small_protocol

from listening_test.answer_sheets import AnswerSheet, Entry
from listening_test.answers import accept
from listening_test.collected import collect
from listening_test.pages import public_page, session_minutes, session_pages
from listening_test.preparation.build import prepare
from listening_test.preparation.folder import claim
from listening_test.preparation.planning import statement
from listening_test.preparation.report import power_statement, stimulus_table, write_reports
from listening_test.prepared import check_audio, load_key, load_test
from listening_test.protocol import load_protocol
from songbench.domain.errors import InputError

SYSTEMS = ("alphasinger", "betasinger", "gammasinger")
ANCHORS = ["lowpass-3500", "lowpass-7000", "other-words", "reference-song"]


@pytest.fixture(scope="module", params=PRESETS)
def made(request, tmp_path_factory):
    """A test of each form, with every kind of page."""
    protocol = small_protocol(
        request.param,
        checks={"anchors": ANCHORS, "traps": 2, "repeats": 0.3, "headphone_check": 1},
        show={"lyrics": True, "style": True},
        languages=["en", "zh"] if request.param == "acr" else ["en"],
    )
    material = small_material(SYSTEMS, 5, references=True)
    return prepare(material, protocol, tmp_path_factory.mktemp(request.param))


def told(made, seat):
    """The steps of a seat with what is known of their trials."""
    return [(step, made.key.trials[step.trial]) for step in made.test.seats[seat].steps]


def test_what_was_written_is_whole_and_says_nothing_to_raters(made):
    test = load_test(made.test.folder)
    check_audio(test)
    assert load_key(test) == made.key
    public = (test.folder / "test.json").read_text(encoding="utf-8")
    assert not [
        word
        for word in (*SYSTEMS, "secretrunname", "songkey", "prompt-", 'lowpass-3500"}', 'reference":"')
        if word in public.replace('"anchors"', "")
    ]
    for seat in range(len(test.seats)):
        for index in range(len(session_pages(test, seat))):
            page = json.dumps(public_page(test, seat, index, "en", lambda slot, _: slot), ensure_ascii=False)
            assert not [word for word in (*SYSTEMS, "anchor", "trap", "prompt-") if word in page]


def test_every_seat_has_the_pages_it_should(made):
    continuous = made.test.protocol.continuous
    for seat in range(4):
        kinds = Counter(key.kind for _, key in told(made, seat))
        assert kinds["test"] == made.design.pages and kinds["trap"] == 2
        assert kinds["anchor"] == (0 if continuous else len(ANCHORS))
        assert kinds["repeat"] == max(1, round(0.3 * made.design.pages))
        practice = [made.key.trials[step.trial] for step in made.test.seats[seat].practice]
        assert [key.kind for key in practice] == ["practice"] * 2
        assert {key.prompt for key in practice}.isdisjoint(key.prompt for _, key in told(made, seat))


def test_stimuli_are_what_the_form_asks_for(made):
    form = made.test.protocol.form
    names = {name: (key.anchor or key.system or key.role) for name, key in made.key.stimuli.items()}
    for step, key in told(made, 0):
        heard = Counter(names[one] for one in step.order)
        assert sorted(step.order) == sorted(made.test.trials[step.trial].stimuli)
        if key.kind == "test" and made.test.protocol.continuous:
            assert heard == Counter([*SYSTEMS, *ANCHORS, *(["reference"] if form == "mushra" else [])])
        elif key.kind in ("test", "repeat") and form == "acr":
            assert len(heard) == 1 and set(heard) <= set(SYSTEMS)
        elif key.kind == "anchor":
            assert len(heard) == (2 if made.test.protocol.pairwise else 1) and set(heard) & set(ANCHORS)
        if form == "mushra":
            assert names[made.test.trials[step.trial].reference] == "reference"
            hidden = [one for one in step.order if made.key.stimuli[one].role == "reference"]
            assert len(hidden) == 1 and made.test.trials[step.trial].reference not in hidden
            assert len({heard_as(made, one) for one in (*hidden, made.test.trials[step.trial].reference)}) == 1


def test_anchors_are_made_from_what_they_should_be(made):
    anchors = {name: key for name, key in made.key.stimuli.items() if key.anchor and key.role == "anchor"}
    for key in anchors.values():
        assert "made from" in key.notes
        if key.anchor == "other-words":
            sung = key.notes.rpartition(" for ")[2]
            assert sung != key.prompt and sung[:2] == key.prompt[:2]
        elif key.anchor == "reference-song" or not made.test.protocol.pairwise:
            assert key.system is None
    if made.test.protocol.pairwise:
        for trial, key in made.key.trials.items():
            one, two = (made.key.stimuli[name] for name in made.test.trials[trial].stimuli)
            low = one if one.anchor else two
            if key.kind == "anchor" and low.anchor in ("lowpass-3500", "lowpass-7000"):
                assert one.system == two.system  # a song beside its own worse version
        used = Counter(key.system for key in anchors.values() if key.anchor == "lowpass-3500")
        assert max(used.values()) - min(used.values()) <= 1


def heard_as(made, name):
    """What a stimulus is to the ear; as data every one is its own."""
    key = made.key.stimuli[name]
    return key.system or "", key.anchor, key.prompt, key.take, key.excerpt, key.start


def test_repetitions_are_copies_that_come_late(made):
    for seat in range(4):
        steps = told(made, seat)
        places = {step.trial: number for number, (step, _) in enumerate(steps)}
        for number, (step, key) in enumerate(steps):
            if key.kind != "repeat":
                continue
            first = made.test.seats[seat].steps[places[key.repeats]]
            assert number - places[key.repeats] > made.test.protocol.checks.repeat_distance
            assert set(step.order).isdisjoint(first.order)
            heard = [[heard_as(made, one) for one in which.order] for which in (first, step)]
            assert sorted(heard[0]) == sorted(heard[1])
            if made.test.protocol.pairwise:
                assert heard[0] == heard[1][::-1]


def test_traps_ask_for_an_answer_that_can_be_given(made):
    test, form = made.test, made.test.protocol.form
    asked = []
    for seat in range(4):
        here = [(step, key) for step, key in told(made, seat) if key.kind == "trap"]
        assert len({key.expected for _, key in here}) == 2
        for step, key in here:
            trial = test.trials[step.trial]
            assert set(trial.spoken) == set(test.protocol.languages)
            asked.append(key.expected)
            if test.protocol.continuous:
                assert key.expected in ("0", "100") and key.expected_of in step.order
                assert all(set(one) == {key.expected_of} for one in trial.spoken.values())
            else:
                assert all(set(one) == set(trial.stimuli) for one in trial.spoken.values())
            for replaced in trial.spoken.values():
                for model, spoken in replaced.items():
                    assert test.stimuli[model].seconds == test.stimuli[spoken].seconds
                    assert "a voice says: " in made.key.stimuli[spoken].notes
    assert {"acr": "3", "ccr": "0", "preference": "tie"}.get(form, "50") not in asked


def test_no_lyric_comes_twice_in_a_row_where_that_can_be(made):
    beside = sum(one.prompt == two.prompt for seat in range(4) for (_, one), (_, two) in pairwise(told(made, seat)))
    assert beside == 0


def test_slots_are_balanced(made):
    if made.test.protocol.continuous:
        counts = Counter(
            (made.key.stimuli[one].system, slot)
            for seat in range(4)
            for step, key in told(made, seat)
            if key.kind == "test"
            for slot, one in enumerate(step.order)
            if made.key.stimuli[one].role == "system"
        )
        pages = 4 * made.design.pages
        slots = len(made.test.seats[0].steps[0].order)
        assert max(counts.values()) <= pages / slots + 3


def test_a_perfect_rater_passes_every_check_and_every_answer_is_collected(made):
    test = made.test
    page_of = lambda seat, index: public_page(test, seat, index, "en", lambda slot, _: slot)  # noqa: E731
    entries = []
    for index, page in enumerate(session_pages(test, 1)[:-1]):
        answer = good_answer(page_of(1, index))
        key = made.key.trials[page.step.trial] if page.step else None
        if page.kind == "headphones":
            answer = {"choices": list(made.key.headphone_answers)}
        if key and key.kind == "trap":
            answer = good_answer(page_of(1, index), value=key.expected)
        entries.append(Entry(index, accept(test, 1, index, "en", answer), 10.0 * index, 10.0 * index + 5))
    data = collect(
        test,
        made.key,
        [
            AnswerSheet(
                test=test.digest(), rater="r", seat=1, language="en", started=0.0, finished=1e4, entries=tuple(entries)
            )
        ],
    )
    assert data.checks["correct"].all() and set(data.checks["check"]) == {"trap", "headphones"}
    table = data.pairs if test.protocol.pairwise else data.ratings
    assert set(table["kind"]) == {"test", "repeat"} | (set() if test.protocol.continuous else {"anchor"})
    assert set(table["tag_genre"]) == {"folk", "rock"}


def test_what_the_experimenter_is_told(made):
    table, page = write_reports(made)
    rows = stimulus_table(made).splitlines()
    assert table.read_text(encoding="utf-8").splitlines() == rows and len(rows) == 1 + len(made.test.stimuli)
    text = page.read_text(encoding="utf-8")
    for said in (
        made.test.digest(),
        made.test.protocol.digest(),
        "% power at 95%",
        "votes per",
        "LUFS integrated",
        *SYSTEMS,
    ):
        assert said in text
    found = "no difference" if made.test.protocol.form == "preference" else "you can resolve"
    assert power_statement(made).startswith(f"With 4 raters of {made.design.pages} pages each {found}")
    assert made.minutes[0] == pytest.approx(session_minutes(made.test, 0))


@pytest.mark.parametrize("form", ["acr", "preference"])
def test_a_difference_larger_than_the_scale_is_not_promised(form):
    protocol = quick_protocol() if form == "acr" else load_protocol("preference")
    told = statement(protocol, raters=2, items=2, pages=1, systems=4)
    assert "you can resolve" not in told and "no difference that the scale has room for" in told
    assert told.startswith("With 2 raters of 1 page each")


def test_sessions_fit_into_the_minutes(tmp_path):
    protocol = quick_protocol(raters={"minutes": 5, "planned": 3})
    made = prepare(small_material(SYSTEMS, 4), protocol, tmp_path)
    assert 3.5 < max(made.minutes) <= 5 and made.design.pages % 3 == 0


def test_the_style_sample_is_asked_about_where_it_was_used(tmp_path):
    shown = {"lyrics": True, "prompt_audio": True}
    base = small_protocol().scales[0].model_dump(mode="json")
    scales = [base, {**base, "id": "CST", "not_applicable": True, "only_with": "prompt_audio"}]
    protocol = quick_protocol(scales=scales, show=shown)
    made = prepare(small_material(prompts=3, samples=True), protocol, tmp_path)
    asked = {
        (made.key.stimuli[trial.stimuli[0]].system, trial.scales)
        for name, trial in made.test.trials.items()
        if made.key.trials[name].kind == "test"
    }
    assert asked == {("alphasinger", ("OVL", "CST")), ("betasinger", ("OVL",))}
    assert all(item.prompt_audio in made.test.stimuli for item in made.test.items.values())
    assert {made.key.stimuli[item.prompt_audio].role for item in made.test.items.values()} == {"prompt"}


def test_songs_that_were_not_made_are_counted(tmp_path):
    material = small_material(prompts=6, failed={("alphasinger", 0), ("alphasinger", 1)})
    made = prepare(material, quick_protocol(), tmp_path)
    assert made.key.song_counts == {"alphasinger": 6, "betasinger": 6} and made.key.failed == {
        "alphasinger": 2,
        "betasinger": 0,
    }
    assert "alphasinger: 2 of 6 songs were not made" in made.notes
    assert "| alphasinger | 6 | 2 |" in (write_reports(made)[1]).read_text(encoding="utf-8")


def test_takes_and_excerpts_are_items_of_their_own(tmp_path):
    protocol = quick_protocol(
        items={"takes": [0, 1]},
        excerpts=[{"rule": "whole", "seconds": 2}, {"rule": "section", "tag": "chorus", "seconds": 2}],
        raters={"planned": 8, "minutes": 60},
    )
    made = prepare(small_material(prompts=3, takes=2), protocol, tmp_path)
    facts = {(k.prompt, k.take, k.excerpt) for k in made.key.trials.values() if k.kind == "test"}
    assert len(facts) == 3 * 2 * 2 and made.design.pages == 6  # each lyric once with each of two systems
    estimated = [k for k in made.key.stimuli.values() if k.excerpt == 1 and k.role == "system"]
    assert estimated and all("section estimated" in k.notes and k.start > 0 for k in estimated)


def test_without_spare_prompts_practice_plays_extremes(tmp_path):
    made = prepare(small_material(prompts=3), quick_protocol(checks={"training": 2}), tmp_path)
    assert not made.selection.practice and any("too few prompts" in note for note in made.notes)
    keys = [made.key.stimuli[one] for step in made.test.seats[0].practice for one in step.order]
    assert [key.role for key in keys] == ["practice"] * 2 and {key.anchor for key in keys} == {
        "mp3-64k",
        "lowpass-3500",
    }


@pytest.mark.parametrize(
    ("form", "overrides", "said"),
    [
        ("acr", {"items": {"systems": ["alfasinger"]}}, r"no system 'alfasinger'.*Did you mean 'alphasinger'"),
        ("acr", {"items": {"prompts": ["en-prompt-9"]}}, r"no prompt 'en-prompt-9'"),
        ("acr", {"items": {"takes": [3]}}, r"no take 3"),
        (
            "preference",
            {"items": {"systems": ["alphasinger"]}},
            r"compares systems, and only one takes part.*preset of the form acr",
        ),
        ("mushra", {}, r"no prompt of the run has a reference song.*multistimulus"),
        ("acr", {"checks": {"anchors": ["reference-song"]}}, r"'reference-song' cannot be made: no prompt"),
        ("acr", {"checks": {"anchors": ["other-words"]}, "show": {"lyrics": False}}, r"lyrics are not shown"),
        ("acr", {"excerpts": [{"rule": "section", "tag": "bridge"}]}, r"lyrics have no \[bridge\]"),
        ("acr", {"raters": {"pages": 99}}, r"field 'raters.pages'.*cannot have 99 pages: there are 8"),
        ("acr", {"excerpts": [{"rule": "window", "seconds": 1.5}]}, r"1.5 s is too short for a trap"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(tmp_path, form, overrides, said):
    with pytest.raises(InputError, match=said):
        prepare(small_material(prompts=4), small_protocol(form, **overrides), tmp_path)
    assert not (tmp_path / "test.json").exists()


def test_a_run_that_has_not_finished_is_refused(tmp_path):
    material = small_material(prompts=4)
    pending = tuple(material.songs)[:2]
    with pytest.raises(InputError, match=r"has not finished: 2 songs.*alphasinger"):
        prepare(replace(material, pending=pending), small_protocol(), tmp_path)


def test_a_page_without_a_question_is_refused(tmp_path):
    base = small_protocol().scales[0].model_dump(mode="json")
    protocol = quick_protocol(
        scales=[{**base, "only_with": "prompt_audio"}], show={"lyrics": True, "prompt_audio": True}
    )
    with pytest.raises(InputError, match="nothing to ask of betasinger"):
        prepare(small_material(prompts=2, samples=True), protocol, tmp_path)


def test_what_is_interrupted_is_not_taken_for_whole(tmp_path):
    def stop(what, done, total):
        if what == "preparing audio" and done:
            raise KeyboardInterrupt

    material, protocol = small_material(prompts=4), quick_protocol()
    with pytest.raises(KeyboardInterrupt):
        prepare(material, protocol, tmp_path, stop)
    with pytest.raises(InputError, match="no prepared listening test"):
        load_test(tmp_path)
    assert claim(tmp_path) is None and not (tmp_path / "audio").exists()
    check_audio(prepare(material, protocol, tmp_path).test)
    with pytest.raises(InputError, match="may hold ratings"):
        claim(tmp_path)


def test_prompts_are_spread_over_languages_and_genres(tmp_path):
    material = small_material(prompts=16)
    made = prepare(material, quick_protocol(items={"max_prompts": 4}, checks={"training": 1}), tmp_path)
    facts = [(one[:2], material.prompts[one].tags["genre"]) for one in made.selection.prompts]
    assert sorted(facts) == [("en", "folk"), ("en", "rock"), ("zh", "folk"), ("zh", "rock")]
    assert len(made.selection.practice) == 1 and made.selection.practice[0] not in made.selection.prompts
