"""What the administration draws: the figures are those of the answers, as table and as chart; nobody can be told."""

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from made_up import SYSTEMS, good_answer, made_up_test

from listening_test.check_answers import load_check_answers
from listening_test.collection import charts
from listening_test.collection.charts import Series
from listening_test.collection.database import Database, default_url
from listening_test.collection.monitoring import answer_facts, dashboard
from listening_test.collection.replies import Replies
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.pages import session_pages
from listening_test.panel.settings import Panel

PARTICIPANT = "5f3c1a9e2b7d4c6e8f0a1b2c"


def figures(html):
    """Title → note, drawing and rows of the table of every figure."""
    root = ET.fromstring(f"<div>{html}</div>")
    by_title = {}
    for figure in root.iter("figure"):
        rows = [tuple(cell.text or "" for cell in row) for row in figure.iter("tr")]
        by_title[figure.findtext("h3")] = (figure.findtext("p"), figure.find("svg"), rows)
    return by_title


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two raters who finished, one of them deaf to traps, and one who only came."""
    folder = tmp_path_factory.mktemp("charts") / "t"
    test, _ = made_up_test(
        folder, prompts=2, repeats=0, seats=2, listening={"minimum_seconds": 0.0}, screening={"headphones_correct": 2}
    )
    database = Database(default_url(folder), test)
    checks = load_check_answers(test)
    panel = Panel(kind="prolific", parameters={"participant": "PROLIFIC_PID"}, codes={"complete": "C1"})
    sessions = Sessions(test, database, Signer(load_secret(folder), test.digest()), panel=panel, checks=checks)
    replies = Replies(sessions)
    for number, value in ((1, "2"), (2, "5")):
        reply = replies.open_session({"visit": {"participant": f"{PARTICIPANT}{number}"}, "language": "zh"})
        token = reply["token"]
        while reply["page"]["kind"] != "thanks":
            answer = good_answer(reply["page"], value=value)
            reply = replies.answer({"token": token, "page": reply["page"]["page"], "answer": answer})
    replies.open_session({"visit": {"participant": f"{PARTICIPANT}3"}})
    yield dashboard(test, sessions.progress(), answer_facts(database, test, checks), checks), sessions
    database.close()


def test_every_chart_has_the_figures_of_the_answers_in_a_table(page):
    by_title = figures(page[0])
    assert by_title["Sessions"][2][1:] == [
        ("finished", "2"),
        ("under way", "1"),
        ("left", "0"),
        ("screened out", "0"),
        ("withdrawn", "0"),
    ]
    assert by_title["Balance of seats"][2] == [("seat", "finished", "under way"), ("0", "1", "1"), ("1", "1", "0")]
    assert ("zh", "2", "0", "0") in by_title["By language of the pages"][2]
    assert by_title["Traps answered wrongly"][2][1:3] == [("0", "1"), ("1", "1")]
    assert "1 beyond the declared limit" in by_title["Traps answered wrongly"][0]
    assert by_title["Headphone check"][2][-1] == ("2", "2") and "0 below" in by_title["Headphone check"][0]
    assert by_title["Time per page"][2][1] == ("1", "12", "12", "12")
    assert len(by_title["Last answers"][2]) == 13 and by_title["Last answers"][2][1][1] == "page 3 of the test"
    for title, (_, drawing, _) in by_title.items():
        assert title == "Last answers" or drawing.get("aria-label").startswith(title)
    assert len(by_title["Balance of seats"][1].findall("rect")) == 3


def test_nothing_drawn_says_who_or_which_system(page):
    html, sessions = page
    names = [PARTICIPANT, *SYSTEMS, "secretrunname", *(sheet.rater for sheet in sessions.sheets())]
    assert not [name for name in names if name in html]
    assert not re.search(r"<script|https?://|\son\w+=", html)


def test_a_test_without_answers_and_without_checks_is_drawn_too(tmp_path):
    test, _ = made_up_test(tmp_path, prompts=1, seats=1, traps=0, repeats=0, checks={"headphone_check": 0})
    database = Database(default_url(tmp_path), test)
    sessions = Sessions(test, database, Signer(load_secret(tmp_path), test.digest()))
    by_title = figures(dashboard(test, sessions.progress(), answer_facts(database, test, None), None))
    assert by_title["Sessions"][0].startswith("0 begun") and "no checks.json" in by_title["Traps and headphones"][0]
    database.close()


def test_columns_are_as_high_as_their_numbers_and_text_is_text():
    html = charts.columns("<b>T", "n & m", ["a", "b"], [Series("x", (4.0, 0.0)), Series("y", (0.0, 2.0))], axis="k")
    _, drawing, rows = figures(html)["<b>T"]
    heights = [float(rect.get("height")) for rect in drawing.findall("rect")]
    assert heights == [130.0, 65.0] and rows == [("k", "x", "y"), ("a", "4", "0"), ("b", "0", "2")]
    many = charts.columns("T", "", [str(n) for n in range(500)], [Series("x", (1.0,) * 500)])
    assert len(figures(many)["T"][1].findall("text")) <= 16
    sparse = charts.spreads("S", "", ["1", "2"], [(math.nan,) * 3, (1.0, 2.0, 3.0)], "p")
    assert figures(sparse)["S"][2][1] == ("1", "—", "—", "—") and len(figures(sparse)["S"][1].findall("circle")) == 1


def test_what_the_database_reckons_is_what_the_answers_say(make_sessions, clock):
    """On both kinds of database: times, traps, headphones, the last answers and the raters' minutes."""
    sessions = make_sessions(prompts=2, repeats=0, seats=2, listening={"minimum_seconds": 0.0})
    test, checks, replies = sessions.test, load_check_answers(sessions.test), Replies(sessions)
    for number, pages in enumerate((99, 99, 5, 0)):
        reply = replies.open_session({"language": "zh"})
        token = reply["token"]
        while reply["page"]["kind"] != "thanks" and reply["page"]["page"] < pages:
            clock.wait(700.0 if reply["page"]["page"] == 3 else 10.0 + number)  # one pause is too long to count
            answer = good_answer(reply["page"], value="25"[number % 2])
            if "seconds" in answer:
                answer["seconds"] = 5.0 * number + reply["page"]["page"]
            reply = replies.answer({"token": token, "page": reply["page"]["page"], "answer": answer})
    facts, sheets = answer_facts(sessions.database, test, checks), sessions.sheets()
    entries = [(session_pages(test, sheet.seat)[e.page], sheet, e) for sheet in sheets for e in sheet.entries]
    times = {}
    for page, _, entry in entries:
        if page.number:
            times.setdefault(page.number, []).append(entry.answer["seconds"])
    assert {place: sorted(seconds) for place, seconds in facts.times.items()} == {
        n: sorted(s) for n, s in times.items()
    }
    assert sorted(facts.traps_wrong) == [0, 1] and len(facts.headphones) == 3
    newest = sorted(entries, key=lambda entry: (-entry[2].answered, entry[1].rater))[:12]
    assert sorted(page.answered for page in facts.last) == sorted(entry.answered for _, _, entry in newest)
    by_rater = {row.rater: row for row in sessions.progress().raters}
    for sheet in sheets:
        gaps = [b - a for a, b in pairwise([sheet.started, *(entry.answered for entry in sheet.entries)])]
        assert by_rater[sheet.rater].pages == len(sheet.entries)
        assert by_rater[sheet.rater].minutes == pytest.approx(sum(gap for gap in gaps if gap <= 600) / 60)
