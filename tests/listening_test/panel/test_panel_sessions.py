"""Raters of a panel in real sessions on a real database: who comes back, where they go, what is kept of them."""

import csv
import io
import json
import re

import pytest
from made_up import good_answer, made_up_test
from typer.testing import CliRunner

from listening_test import commands
from listening_test.check_answers import CHECKS, load_check_answers
from listening_test.collection.database import Base, Database, PanelVisitRow, default_url
from listening_test.collection.export import lines
from listening_test.collection.panel_records import approvals_table
from listening_test.collection.replies import Replies
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.panel.settings import PROLIFIC_PARAMETERS, Panel
from listening_test.prepared import KEY

PARTICIPANT = "5f3c1a9e2b7d4c6e8f0a1b2"
PANEL = Panel(
    kind="prolific", parameters=PROLIFIC_PARAMETERS, codes={"complete": "C1", "screened-out": "S2", "left": "L3"}
)
NO_CHECK = {"screening": {"headphones_correct": 2}, "listening": {"minimum_seconds": 0.0}}


def visit(number):
    return {"participant": f"{PARTICIPANT}{number}", "study": "aa11", "session": f"bb{number}"}


@pytest.fixture
def folder(tmp_path):
    made_up_test(tmp_path / "t", "acr", prompts=2, repeats=0, seats=2, **NO_CHECK)
    return tmp_path / "t"


@pytest.fixture
def replies(folder, request):
    """A server's replies; the panel is Prolific unless the test names another."""
    from listening_test.prepared import load_test

    test = load_test(folder)
    database = Database(default_url(folder), test)
    sessions = Sessions(
        test,
        database,
        Signer(load_secret(folder), test.digest()),
        panel=getattr(request, "param", PANEL),
        checks=load_check_answers(test),
    )
    sessions.folder = folder
    yield Replies(sessions)
    database.close()


def trap_pages(replies):
    return load_check_answers(replies._sessions.test).traps


def take(replies, ids, *, obeys=True, hears=True, stop=None, **more):
    """Open a session and answer it; the last reply."""
    reply = replies.open_session({"visit": ids, **more})
    token = reply.get("token")
    while "page" in reply and reply["page"]["kind"] not in ("thanks", stop):
        page = reply["page"]
        answer = good_answer(page)
        if page["kind"] == "headphones" and not hears:
            answer = {"choices": [3, 1]}
        if page["kind"] == "trial" and not page["practice"] and obeys:
            answer = good_answer(page, value="2")  # what the trap asks for
        reply = {**replies.answer({"token": token, "page": page["page"], "answer": answer}), "token": token}
    return reply


def test_a_participant_has_one_session_and_is_sent_back_with_the_code(replies):
    first = take(replies, visit(1), stop="trial")
    again = replies.open_session({"visit": visit(1), "language": "zh"})
    assert again["page"] == first["page"] and again["token"] == first["token"]
    assert replies.open_session({"visit": visit(2)})["token"] != first["token"]
    last = take(replies, {**visit(1), "session": "cc"})
    end = {"end": "complete", "url": "https://app.prolific.com/submissions/complete?cc=C1", "code": "C1"}
    assert last["page"]["return"] == end and "code" not in last["page"]
    assert replies.open_session({"visit": visit(1)})["page"]["return"] == end
    assert replies.open_session({"visit": {**visit(1), "session": "dd"}})["page"]["return"] == end
    with replies._sessions.database.reading() as session:
        submissions = dict(session.query(PanelVisitRow.participant, PanelVisitRow.session).all())
    assert submissions == {visit(1)["participant"]: "cc", visit(2)["participant"]: "bb2"}  # that which was finished
    assert len(replies._sessions.sheets()) == 2


@pytest.mark.parametrize("ids", [None, {}, "x", {"participant": "<b>"}, {"participant": "x" * 10_240}, {"study": "a"}])
def test_whoever_does_not_come_by_the_panel_is_not_admitted(replies, ids):
    assert replies.open_session({"visit": ids}) == {"problem": "panel-only"}
    assert replies.open_session({"visit": ids, "token": "x" * 43}) == {"problem": "panel-only"}
    assert replies._sessions.sheets() == []
    invitation = replies._sessions.signer.invitation(1)
    page = replies.open_session({"visit": ids, "invitation": invitation})["page"]  # a colleague who tries it out
    assert page["kind"] == "consent" and "panel" not in page


def test_failing_the_declared_headphone_check_ends_the_session_at_once(replies):
    last = take(replies, visit(1), hears=False)
    assert last["page"]["kind"] == "thanks" and last["page"]["return"]["url"].endswith("?cc=S2")
    assert replies.open_session({"visit": visit(1)})["page"]["return"]["end"] == "screened-out"
    (sheet,) = replies._sessions.sheets()
    assert sheet.finished is None and "choices" in sheet.entries[-1].answer
    number = last["page"]["page"]
    assert replies.answer({"token": last["token"], "page": number, "answer": {}})["page"]["kind"] == "thanks"
    progress = replies._sessions.progress()
    assert progress.count("screened out") == 1 and progress.count("under way") == 0
    assert replies.open_session({"visit": visit(2)})["page"]["kind"] == "consent"
    assert replies._sessions.sheets()[1].seat == 0  # the seat is given again


def test_wrong_traps_lead_to_the_screen_out_code_at_the_end(replies):
    last = take(replies, visit(1), obeys=False)
    assert last["page"]["return"] == {
        "end": "screened-out",
        "url": "https://app.prolific.com/submissions/complete?cc=S2",
        "code": "S2",
    }
    assert replies._sessions.sheets()[0].finished is not None


@pytest.mark.parametrize("replies", [Panel(kind="prolific", codes={"complete": "C1"})], indirect=True)
def test_without_a_screen_out_code_everybody_completes(replies):
    """Here nothing names the participant either: the address alone opens the door."""
    assert take(replies, None, hears=False, obeys=False)["page"]["return"]["code"] == "C1"


def test_who_does_not_consent_or_withdraws_goes_back_and_leaves_no_id(replies):
    opened = replies.open_session({"visit": visit(1)})
    assert opened["page"]["panel"] is True
    back = {"problem": "withdrawn", "return": {"end": "left", "code": "L3"}}
    back["return"]["url"] = "https://app.prolific.com/submissions/complete?cc=L3"
    assert replies.withdraw({"token": opened["token"], "visit": visit(1)}) == back
    assert replies.open_session({"visit": visit(1)}) == back
    with replies._sessions.database.reading() as session:
        assert session.query(PanelVisitRow).count() == 0
    replies._sessions.close()
    assert replies.open_session({"visit": visit(2)})["return"]["end"] == "left"


def test_ids_stay_in_the_database_and_out_of_everything_else(replies, tmp_path):
    take(replies, visit(1))
    exported = lines(replies._sessions.sheets())
    assert not re.search(f"{PARTICIPANT}|aa11|bb1", exported)
    assert PARTICIPANT not in repr(replies._sessions.progress())
    table = approvals_table(replies._sessions.test, None)
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert row["participant"] == visit(1)["participant"] and row["decision"] == "approve"
    (sheet,) = replies._sessions.sheets()
    assert sheet.rater not in table.text  # nobody joins ids and answers by this file
    result = CliRunner().invoke(commands.app, ["panel", str(replies._sessions.folder), "--forget"])
    assert "Ids of 1 raters deleted" in result.output
    database = replies._sessions.folder
    for path in database.glob("ratings.sqlite*"):
        assert PARTICIPANT.encode() not in path.read_bytes()
    assert replies.open_session({"visit": visit(1)})["page"]["return"]["code"] == "C1"


def test_whom_to_pay_follows_from_attention_and_from_nothing_else(replies, tmp_path):
    sessions = replies._sessions
    take(replies, visit(1))
    take(replies, visit(2), hears=False)
    take(replies, visit(3), stop="trial")
    sessions.panel = Panel(kind="prolific", parameters=PROLIFIC_PARAMETERS, codes={"complete": "C1"})
    take(replies, visit(4), obeys=False)
    sessions.withdraw(replies.open_session({"visit": visit(5)})["token"])
    target = tmp_path / "approvals.csv"
    command = ["panel", str(sessions.folder), "--to", str(target)]
    result = CliRunner().invoke(commands.app, command)
    assert result.exit_code == 0 and "1 approve" in result.output, result.output
    assert target.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(target.open(encoding="utf-8")))
    assert [row["decision"] for row in rows] == ["approve", "screened out", "wait", "reject"]
    assert rows[0]["analysis"].startswith(("counts", "left out")) and "attention check" in rows[3]["reason"]
    (sessions.folder / KEY).unlink()
    assert CliRunner().invoke(commands.app, command).exit_code == 0
    assert {row["analysis"] for row in csv.DictReader(target.open(encoding="utf-8"))} == {""}


@pytest.mark.parametrize("replies", [Panel(kind="code")], indirect=True)
def test_a_code_is_one_raters_and_can_be_looked_up(replies):
    codes = [take(replies, None)["page"]["return"]["code"] for _ in range(2)]
    assert len(set(codes)) == 2
    folder = str(replies._sessions.folder)
    result = CliRunner().invoke(commands.app, ["panel", folder, "--check", codes[0].lower(), "--check", "AAAAA-BBBBB"])
    assert f"{codes[0]}: complete, seat 0" in result.output and "AAAAA-BBBBB: no code of this test" in result.output
    result = CliRunner().invoke(commands.app, ["panel", folder, "--check", "\x1b[31m" + "x" * 9999])
    assert result.output == "this: no code of this test\n"


def test_settings_from_the_command_line(folder):
    run = CliRunner().invoke
    words = ["panel", str(folder), "--kind", "prolific", "--completion-code", "C1", "--screen-out-code", "S2"]
    result = run(commands.app, [*words, "--public-url", "https://listen.example.org"])
    assert "https://listen.example.org/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID=" in result.output
    assert json.loads((folder / "panel.json").read_text())["codes"] == {"complete": "C1", "screened-out": "S2"}
    for wrong, message in [
        (["--completion-code", "C1"], "Say of which kind"),
        (["--kind", "prolific"], "complete session leads"),
        (["--kind", "redirect", "--complete-url", "http://x.example/"], "https://"),
        (["--kind", "code", "--parameters", "workerId"], "NAME=PARAMETER"),
        (["--kind", "code", "--parameters", "person=workerId"], "person"),
    ]:
        assert message in str(run(commands.app, ["panel", str(folder), *wrong]).exception)
    (folder / CHECKS).unlink()
    assert "prolific" in run(commands.app, ["panel", str(folder)]).output and (folder / CHECKS).exists()
    assert "No panel" in run(commands.app, ["panel", str(folder), "--kind", "none"]).output


def test_a_database_of_before_panels_gets_the_table(folder):
    from listening_test.prepared import load_test

    test = load_test(folder)
    with_table = Database(default_url(folder), test)
    Base.metadata.tables["panel_visits"].drop(with_table._engine)
    with_table.close()
    assert approvals_table(test, None).summary == "nobody of a panel"
    database = Database(default_url(folder), test)
    with database.reading() as session:
        assert database.has_visits(session)
    database.close()
