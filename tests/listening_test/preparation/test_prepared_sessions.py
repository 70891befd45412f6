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
def preparation(request, tmp_path_factory):
    """A test of each form, with every kind of page."""
    protocol = small_protocol(
        request.param,
        checks={"anchors": ANCHORS, "traps": 2, "repeats": 0.3, "headphone_check": 1},
        show={"lyrics": True, "style": True},
        languages=["en", "zh"] if request.param == "acr" else ["en"],
    )
    material = small_material(SYSTEMS, 5, references=True)
    return prepare(material, protocol, tmp_path_factory.mktemp(request.param))


def keyed_steps(preparation, seat):
    """The steps of a seat with what is known of their trials."""
    return [(step, preparation.key.trials[step.trial]) for step in preparation.test.seats[seat].steps]


def test_what_was_written_is_whole_and_says_nothing_to_raters(preparation):
    test = load_test(preparation.test.folder)
    check_audio(test)
    assert load_key(test) == preparation.key
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


def test_every_seat_has_the_pages_it_should(preparation):
    continuous = preparation.test.protocol.continuous
    for seat in range(4):
        kinds = Counter(key.kind for _, key in keyed_steps(preparation, seat))
        assert kinds["test"] == preparation.design.pages and kinds["trap"] == 2
        assert kinds["anchor"] == (0 if continuous else len(ANCHORS))
        assert kinds["repeat"] == max(1, round(0.3 * preparation.design.pages))
        practice = [preparation.key.trials[step.trial] for step in preparation.test.seats[seat].practice]
        assert [key.kind for key in practice] == ["practice"] * 2
        assert {key.prompt for key in practice}.isdisjoint(key.prompt for _, key in keyed_steps(preparation, seat))


def test_stimuli_are_what_the_form_asks_for(preparation):
    form = preparation.test.protocol.form
    names = {name: (key.anchor or key.system or key.role) for name, key in preparation.key.stimuli.items()}
    for step, key in keyed_steps(preparation, 0):
        sounds = Counter(names[stimulus] for stimulus in step.order)
        assert sorted(step.order) == sorted(preparation.test.trials[step.trial].stimuli)
        if key.kind == "test" and preparation.test.protocol.continuous:
            assert sounds == Counter([*SYSTEMS, *ANCHORS, *(["reference"] if form == "mushra" else [])])
        elif key.kind in ("test", "repeat") and form == "acr":
            assert len(sounds) == 1 and set(sounds) <= set(SYSTEMS)
        elif key.kind == "anchor":
            assert len(sounds) == (2 if preparation.test.protocol.pairwise else 1) and set(sounds) & set(ANCHORS)
        if form == "mushra":
            reference = preparation.test.trials[step.trial].reference
            assert names[reference] == "reference"
            hidden = [stimulus for stimulus in step.order if preparation.key.stimuli[stimulus].role == "reference"]
            assert len(hidden) == 1 and reference not in hidden
            assert len({heard_as(preparation, stimulus) for stimulus in (*hidden, reference)}) == 1


def test_anchors_are_made_from_what_they_should_be(preparation):
    anchors = {name: key for name, key in preparation.key.stimuli.items() if key.anchor and key.role == "anchor"}
    for key in anchors.values():
        assert "made from" in key.notes
        if key.anchor == "other-words":
            sung = key.notes.rpartition(" for ")[2]
            assert sung != key.prompt and sung[:2] == key.prompt[:2]
        elif key.anchor == "reference-song" or not preparation.test.protocol.pairwise:
            assert key.system is None
    if preparation.test.protocol.pairwise:
        for trial, key in preparation.key.trials.items():
            first, second = (preparation.key.stimuli[name] for name in preparation.test.trials[trial].stimuli)
            low = first if first.anchor else second
            if key.kind == "anchor" and low.anchor in ("lowpass-3500", "lowpass-7000"):
                assert first.system == second.system  # a song beside its own worse version
        uses = Counter(key.system for key in anchors.values() if key.anchor == "lowpass-3500")
        assert max(uses.values()) - min(uses.values()) <= 1


def heard_as(preparation, name):
    """What a stimulus is to the ear; as data every one is its own."""
    key = preparation.key.stimuli[name]
    return key.system or "", key.anchor, key.prompt, key.take, key.excerpt, key.start


def test_repetitions_are_copies_that_come_late(preparation):
    for seat in range(4):
        steps = keyed_steps(preparation, seat)
        places = {step.trial: number for number, (step, _) in enumerate(steps)}
        for number, (step, key) in enumerate(steps):
            if key.kind != "repeat":
                continue
            first = preparation.test.seats[seat].steps[places[key.repeats]]
            assert number - places[key.repeats] > preparation.test.protocol.checks.repeat_distance
            assert set(step.order).isdisjoint(first.order)
            sounds = [[heard_as(preparation, stimulus) for stimulus in which.order] for which in (first, step)]
            assert sorted(sounds[0]) == sorted(sounds[1])
            if preparation.test.protocol.pairwise:
                assert sounds[0] == sounds[1][::-1]


def test_traps_ask_for_an_answer_that_can_be_given(preparation):
    test, form = preparation.test, preparation.test.protocol.form
    expected_answers = []
    for seat in range(4):
        traps = [(step, key) for step, key in keyed_steps(preparation, seat) if key.kind == "trap"]
        assert len({key.expected for _, key in traps}) == 2
        for step, key in traps:
            trial = test.trials[step.trial]
            assert set(trial.spoken) == set(test.protocol.languages)
            expected_answers.append(key.expected)
            if test.protocol.continuous:
                assert key.expected in ("0", "100") and key.expected_of in step.order
                assert all(set(voices) == {key.expected_of} for voices in trial.spoken.values())
            else:
                assert all(set(voices) == set(trial.stimuli) for voices in trial.spoken.values())
            for replaced in trial.spoken.values():
                for model, spoken in replaced.items():
                    assert test.stimuli[model].seconds == test.stimuli[spoken].seconds
                    assert "a voice says: " in preparation.key.stimuli[spoken].notes
    assert {"acr": "3", "ccr": "0", "preference": "tie"}.get(form, "50") not in expected_answers


def test_no_lyric_comes_twice_in_a_row_where_that_can_be(preparation):
    beside = sum(
        key.prompt == next_key.prompt
        for seat in range(4)
        for (_, key), (_, next_key) in pairwise(keyed_steps(preparation, seat))
    )
    assert beside == 0


def test_slots_are_balanced(preparation):
    if preparation.test.protocol.continuous:
        counts = Counter(
            (preparation.key.stimuli[stimulus].system, slot)
            for seat in range(4)
            for step, key in keyed_steps(preparation, seat)
            if key.kind == "test"
            for slot, stimulus in enumerate(step.order)
            if preparation.key.stimuli[stimulus].role == "system"
        )
        pages = 4 * preparation.design.pages
        slots = len(preparation.test.seats[0].steps[0].order)
        assert max(counts.values()) <= pages / slots + 3


def test_a_perfect_rater_passes_every_check_and_every_answer_is_collected(preparation):
    test = preparation.test
    page_of = lambda seat, index: public_page(test, seat, index, "en", lambda slot, _: slot)  # noqa: E731
    entries = []
    for index, page in enumerate(session_pages(test, 1)[:-1]):
        answer = good_answer(page_of(1, index))
        key = preparation.key.trials[page.step.trial] if page.step else None
        if page.kind == "headphones":
            answer = {"choices": list(preparation.key.headphone_answers)}
        if key and key.kind == "trap":
            answer = good_answer(page_of(1, index), value=key.expected)
        entries.append(Entry(index, accept(test, 1, index, "en", answer), 10.0 * index, 10.0 * index + 5))
    data = collect(
        test,
        preparation.key,
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


def test_what_the_experimenter_is_told(preparation):
    table, page = write_reports(preparation)
    rows = stimulus_table(preparation).splitlines()
    assert table.read_text(encoding="utf-8").splitlines() == rows and len(rows) == 1 + len(preparation.test.stimuli)
    text = page.read_text(encoding="utf-8")
    for phrase in (
        preparation.test.digest(),
        preparation.test.protocol.digest(),
        "% power at 95 %",
        "votes per",
        "LUFS integrated",
        *SYSTEMS,
    ):
        assert phrase in text
    finding = "no difference" if preparation.test.protocol.form == "preference" else "you can resolve"
    assert power_statement(preparation).startswith(f"With 4 raters of {preparation.design.pages} pages each {finding}")
    assert preparation.minutes[0] == pytest.approx(session_minutes(preparation.test, 0))


@pytest.mark.parametrize("form", ["acr", "preference"])
def test_a_difference_larger_than_the_scale_is_not_promised(form):
    protocol = quick_protocol() if form == "acr" else load_protocol("preference")
    text = statement(protocol, raters=2, items=2, pages=1, systems=4)
    assert "you can resolve" not in text and "no difference that the scale has room for" in text
    assert text.startswith("With 2 raters of 1 page each")


def test_sessions_fit_into_the_minutes(tmp_path):
    protocol = quick_protocol(raters={"minutes": 5, "planned": 3})
    preparation = prepare(small_material(SYSTEMS, 4), protocol, tmp_path)
    assert 3.5 < max(preparation.minutes) <= 5 and preparation.design.pages % 3 == 0


def test_the_style_sample_is_asked_about_where_it_was_used(tmp_path):
    display = {"lyrics": True, "prompt_audio": True}
    base = small_protocol().scales[0].model_dump(mode="json")
    scales = [base, {**base, "id": "CST", "not_applicable": True, "only_with": "prompt_audio"}]
    protocol = quick_protocol(scales=scales, show=display)
    preparation = prepare(small_material(prompts=3, samples=True), protocol, tmp_path)
    questions = {
        (preparation.key.stimuli[trial.stimuli[0]].system, trial.scales)
        for name, trial in preparation.test.trials.items()
        if preparation.key.trials[name].kind == "test"
    }
    assert questions == {("alphasinger", ("OVL", "CST")), ("betasinger", ("OVL",))}
    assert all(item.prompt_audio in preparation.test.stimuli for item in preparation.test.items.values())
    assert {preparation.key.stimuli[item.prompt_audio].role for item in preparation.test.items.values()} == {"prompt"}


def test_songs_that_were_not_made_are_counted(tmp_path):
    material = small_material(prompts=6, failed={("alphasinger", 0), ("alphasinger", 1)})
    preparation = prepare(material, quick_protocol(), tmp_path)
    assert preparation.key.song_counts == {"alphasinger": 6, "betasinger": 6} and preparation.key.failed == {
        "alphasinger": 2,
        "betasinger": 0,
    }
    assert "alphasinger: 2 of 6 songs were not made" in preparation.notes
    assert "| alphasinger | 6 | 2 |" in (write_reports(preparation)[1]).read_text(encoding="utf-8")


def test_takes_and_excerpts_are_items_of_their_own(tmp_path):
    protocol = quick_protocol(
        items={"takes": [0, 1]},
        excerpts=[{"rule": "whole", "seconds": 2}, {"rule": "section", "tag": "chorus", "seconds": 2}],
        raters={"planned": 8, "minutes": 60},
    )
    preparation = prepare(small_material(prompts=3, takes=2), protocol, tmp_path)
    facts = {(k.prompt, k.take, k.excerpt) for k in preparation.key.trials.values() if k.kind == "test"}
    assert len(facts) == 3 * 2 * 2 and preparation.design.pages == 6  # each lyric once with each of two systems
    estimated = [k for k in preparation.key.stimuli.values() if k.excerpt == 1 and k.role == "system"]
    assert estimated and all("section estimated" in k.notes and k.start > 0 for k in estimated)


def test_without_spare_prompts_practice_plays_extremes(tmp_path):
    preparation = prepare(small_material(prompts=3), quick_protocol(checks={"training": 2}), tmp_path)
    assert not preparation.selection.practice and any("too few prompts" in note for note in preparation.notes)
    keys = [preparation.key.stimuli[stimulus] for step in preparation.test.seats[0].practice for stimulus in step.order]
    assert [key.role for key in keys] == ["practice"] * 2 and {key.anchor for key in keys} == {
        "mp3-64k",
        "lowpass-3500",
    }


@pytest.mark.parametrize(
    ("form", "overrides", "message"),
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
def test_what_cannot_be_is_refused_with_a_cure(tmp_path, form, overrides, message):
    with pytest.raises(InputError, match=message):
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
    def stop(activity, count, total):
        if activity == "preparing audio" and count:
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
    preparation = prepare(material, quick_protocol(items={"max_prompts": 4}, checks={"training": 1}), tmp_path)
    facts = [(prompt[:2], material.prompts[prompt].tags["genre"]) for prompt in preparation.selection.prompts]
    assert sorted(facts) == [("en", "folk"), ("en", "rock"), ("zh", "folk"), ("zh", "rock")]
    assert (
        len(preparation.selection.practice) == 1
        and preparation.selection.practice[0] not in preparation.selection.prompts
    )
