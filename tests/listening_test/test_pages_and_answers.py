"""What a rater is sent, what may come back, and what it becomes."""

import json
import math

import pytest
from made_up import SYSTEMS, good_answer, made_up_test

from listening_test.answer_sheets import AnswerSheet, Entry, read_sheets
from listening_test.answers import RefusedAnswerError, accept
from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS, collect
from listening_test.pages import public_page, session_minutes, session_pages
from listening_test.prepared import KEY, TEST, check_audio, load_key, load_test
from songbench.domain.errors import InputError

FORMS = ("acr", "preference", "ccr", "multistimulus", "mushra")


def page_of(test, seat, index, language="en"):
    return public_page(test, seat, index, language, lambda slot, stimulus: f"/audio/{slot}")


def filled(test, seat, rater="r0", language="en", value=None):
    """A whole session, as the server would keep it."""
    entries = []
    for index, page in enumerate(session_pages(test, seat)[:-1]):
        answer = good_answer(page_of(test, seat, index, language), value=value if page.kind == "trial" else None)
        entries.append(
            Entry(index, accept(test, seat, index, language, answer), 1000.0 + 20 * index, 1010.0 + 20 * index)
        )
    return AnswerSheet(
        test=test.digest(),
        rater=rater,
        seat=seat,
        language=language,
        started=1000.0,
        finished=entries[-1].answered,
        entries=tuple(entries),
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_session_comes_out_as_one_row_per_answer(tmp_path, form):
    test, _ = made_up_test(tmp_path / "t", form, prompts=4, traps=1, repeats=1)
    data = collect(load_test(tmp_path / "t"), load_key(test), [filled(test, 0), filled(test, 1, "r1", "zh")])
    table, empty = (data.pairs, data.ratings) if test.protocol.pairwise else (data.ratings, data.pairs)
    assert list(table.columns) == [*(PAIRS if test.protocol.pairwise else RATINGS), "tag_genre"] and empty.empty
    judged = {"acr": 1, "preference": 1, "ccr": 1, "multistimulus": 4, "mushra": 5}[form]
    assert len(table) == 2 * 5 * judged * len(test.protocol.scales)  # 4 prompts and a repetition
    assert set(table["kind"]) == {"test", "repeat"} and set(table["prompt_language"]) == {"en", "zh"}
    assert set(table.loc[table["rater"] == "r1", "language"]) == {"zh"}
    assert table["value"].between(*test.protocol.range(test.protocol.primary)).all()
    names = set(table["first"]) | set(table["second"]) if test.protocol.pairwise else set(table["system"])
    assert names >= set(SYSTEMS)
    assert list(data.checks.columns) == list(CHECKS) and set(data.raters.columns) > set(RATERS)
    heads = data.checks[data.checks["check"] == "headphones"]
    assert len(heads) == 4 and heads["correct"].all()
    traps = data.checks[data.checks["check"] == "trap"]
    assert len(traps) == 2 and not traps["correct"].any()
    assert (data.raters["pages_answered"] == data.raters["pages_asked"]).all()


@pytest.mark.parametrize(("form", "answer"), [("acr", "2"), ("preference", "B"), ("ccr", "-2"), ("multistimulus", "4")])
def test_a_trap_is_passed_by_the_answer_that_was_asked_for(tmp_path, form, answer):
    test, key = made_up_test(tmp_path / "t", form)
    data = collect(test, key, [filled(test, 0, value=answer)])
    assert data.checks[data.checks["check"] == "trap"]["correct"].all()


def test_nothing_a_browser_sees_depends_on_the_key(tmp_path):
    test, key = made_up_test(tmp_path / "t", "acr")
    hidden = [*SYSTEMS, key.run, *key.prompts, "trap", "repeat", "anchor", *test.stimuli, *test.trials]
    for seat in range(3):
        for index in range(len(session_pages(test, seat))):
            text = json.dumps(page_of(test, seat, index), ensure_ascii=False)
            assert not [word for word in hidden if word in text]


def test_a_trap_speaks_the_language_of_the_page(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr")
    where = next(n for n, p in enumerate(session_pages(test, 0)) if p.step and test.trials[p.step.trial].spoken)
    stimuli = {}
    for language in ("en", "zh"):
        public_page(test, 0, where, language, lambda slot, stimulus, to=language: stimuli.setdefault(to, stimulus))
    assert stimuli["en"] != stimuli["zh"]


def change(base, **parts):
    return {**base, **parts}


def test_answers_that_are_not_whole_or_not_possible_are_refused(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr")
    where = next(n for n, page in enumerate(session_pages(test, 0)) if page.kind == "trial")
    good = good_answer(page_of(test, 0, where))
    rating, play = good["ratings"][0], good["plays"][0]
    for code, bad in [
        ("malformed", None),
        ("malformed", []),
        ("malformed", change(good, ratings="x")),
        ("malformed", change(good, ratings=[*good["ratings"], rating])),
        ("malformed", change(good, ratings=[change(rating, answer="6"), *good["ratings"][1:]])),
        ("malformed", change(good, ratings=[change(rating, answer=3), *good["ratings"][1:]])),
        ("malformed", change(good, ratings=[change(rating, slot="B"), *good["ratings"][1:]])),
        ("malformed", change(good, ratings=[change(rating, scale="' OR 1=1 --"), *good["ratings"][1:]])),
        ("malformed", change(good, ratings=[change(rating, answer="na"), *good["ratings"][1:]])),
        ("unrated", change(good, ratings=good["ratings"][1:])),
        ("unheard", change(good, plays=[])),
        ("unheard", change(good, plays=[change(play, ranges=[[0, 0.1], [0.05, 0.2]])])),
        ("malformed", change(good, plays=[change(play, ranges=[[0, 1e9]])])),
        ("malformed", change(good, plays=[change(play, ranges=[[math.nan, 1]])])),
        ("malformed", change(good, plays=[change(play, slot="Q")])),
        ("malformed", change(good, plays=[play, play])),
        ("malformed", change(good, seconds=-1)),
        ("comment", change(good, comment="x" * 2001)),
        ("comment", change(good, comment=7)),
    ]:
        with pytest.raises(RefusedAnswerError) as refused:
            accept(test, 0, where, "en", bad)
        assert refused.value.code == code, bad
    with pytest.raises(RefusedAnswerError):
        accept(test, 0, 10_000, "en", good)


def test_ranges_that_overlap_count_once(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr")
    where = next(n for n, page in enumerate(session_pages(test, 0)) if page.kind == "trial")
    good = good_answer(page_of(test, 0, where))
    good["plays"][0]["ranges"] = [[0.5, 1.5], [0, 1.0], [0.2, 0.4]]
    assert accept(test, 0, where, "en", good)["plays"][0]["ranges"] == [[0.0, 1.5]]


def test_answers_files_are_read_back_and_broken_ones_are_named(tmp_path):
    test, key = made_up_test(tmp_path / "t", "acr")
    sheet = filled(test, 0)
    lines, bundle = tmp_path / "a.jsonl", tmp_path / "b.json"
    lines.write_text(json.dumps(sheet.to_json()) + "\n", encoding="utf-8")
    bundle.write_text(json.dumps(sheet.to_json(), indent=1), encoding="utf-8")
    assert collect(test, key, read_sheets(lines)).ratings.equals(collect(test, key, read_sheets(bundle)).ratings)
    lines.write_text(json.dumps(sheet.to_json()) + "\n{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a.jsonl, line 2"):
        read_sheets(lines)
    with pytest.raises(InputError, match="twice"):
        collect(test, key, [sheet, sheet])


def test_a_folder_that_was_edited_or_lost_a_file_is_not_used(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr")
    other_test, _ = made_up_test(tmp_path / "other", "acr", seed=1)
    assert load_test(test.folder).digest() == test.digest()
    check_audio(test)
    next(iter((test.folder / "audio").iterdir())).write_bytes(b"")
    with pytest.raises(InputError, match="absent or not what was prepared"):
        check_audio(test)
    (test.folder / KEY).write_bytes((other_test.folder / KEY).read_bytes())
    with pytest.raises(InputError, match="belongs to another test"):
        load_key(test)
    (tmp_path / "t" / KEY).unlink()
    with pytest.raises(InputError, match=r"The key of this test is not here.*Put back the key\.json"):
        load_key(test)
    text = (test.folder / TEST).read_text(encoding="utf-8")
    (test.folder / TEST).write_text(text.replace('"traps_wrong": 0', '"traps_wrong": 4'), encoding="utf-8")
    with pytest.raises(InputError, match="changed after it was made"):
        load_test(test.folder)


def test_the_length_of_a_session_is_estimated_from_what_is_heard(tmp_path):
    test, _ = made_up_test(tmp_path / "t", "acr", seconds=1.5)
    trials = sum(page.step is not None for page in session_pages(test, 0))
    assert session_minutes(test, 0) == pytest.approx((60 + (trials + 3) * 1.5 + trials * 4 * 6) / 60)
