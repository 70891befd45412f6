"""Settings of a panel, the ids in its links, and where a session leads; no session in it."""

import json

import pytest

from listening_test.panel.settings import PANEL, PROLIFIC_PARAMETERS, Panel, load_panel, save_panel
from listening_test.panel.visits import LONGEST, PanelVisit, read_visit
from songbench.domain.errors import InputError

PID = "5f3c1a9e2b7d4c6e8f0a1b2c"
PROLIFIC = Panel(
    kind="prolific", parameters=PROLIFIC_PARAMETERS, codes={"complete": "C1", "screened-out": "S2", "left": "L3"}
)

HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE raters; --",
    "=HYPERLINK(1)",
    "-1+cmd",
    "x" * (LONGEST + 1),
    "x" * 10_240,
    "人" * 24,
    "ｆ" * 24,
    "a b",
    "a\nb",
    "a\x00b",
    "\ud800",
    "../../key.json",
    "{{%PROLIFIC_PID%}}",
    "%27",
    "",
    None,
    7,
    True,
    [],
    {},
    [PID],
    {"participant": PID},
]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_has_not_the_form_of_an_id_is_left_out(value):
    assert read_visit({"participant": value, "study": value, "session": value}) == PanelVisit()
    assert read_visit({"participant": PID, "study": value}) == PanelVisit(participant=PID)
    assert read_visit(value) == PanelVisit() or value == {"participant": PID}


def test_ids_of_common_panels_are_taken_as_they_are():
    for identifier in (PID, "A1B2C3D4E5F6G7", "8d9f2a6e-3b1c-4f7a-9c2e-0a1b2c3d4e5f", "42", "x" * LONGEST):
        assert read_visit({"participant": identifier}).participant == identifier


def test_prolific_gets_its_link_and_a_code_for_each_end():
    link = PROLIFIC.link("https://listen.example.org/")
    assert link == (
        "https://listen.example.org/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    visit = PanelVisit(participant=PID)
    urls = {end: PROLIFIC.destination(end, visit, "own")["url"] for end in ("complete", "screened-out", "left")}
    assert urls["complete"] == "https://app.prolific.com/submissions/complete?cc=C1"
    assert urls["screened-out"].endswith("?cc=S2") and urls["left"].endswith("?cc=L3")
    only_complete = Panel(kind="prolific", codes={"complete": "C1"})
    assert not only_complete.screens_out and PROLIFIC.screens_out
    assert only_complete.destination("left", visit, "") == {"end": "left", "url": "", "code": ""}


def test_what_is_filled_into_an_address_cannot_change_it():
    panel = Panel(kind="redirect", addresses={"complete": "https://panel.example/done?id={participant}&c={code}&s=1"})
    visit = PanelVisit(participant="a~b.c-d")
    assert panel.destination("complete", visit, "AB-CD") == {
        "end": "complete",
        "url": "https://panel.example/done?id=a~b.c-d&c=AB-CD&s=1",
        "code": "AB-CD",
    }
    forged = PanelVisit(participant="x&next=https://evil.example/#")
    url = panel.destination("complete", forged, "{participant}")["url"]
    assert url == "https://panel.example/done?id=x%26next%3Dhttps%3A%2F%2Fevil.example%2F%23&c=%7Bparticipant%7D&s=1"


@pytest.mark.parametrize(
    "address",
    [
        "http://panel.example/done",
        "//panel.example/done",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://user@panel.example/",
        "https://panel.example@evil.example/",
        "https://{participant}/",
        "https://{participant}.panel.example/",
        "https://panel.example/{participant}",
        "https://panel.example/?x=1#{participant}",
        "https://panel.example/?id={rater}",
        "https://panel.example/?id={participant",
        "https://panel.example/?id=participant}",
        "https://panel.example\\@evil.example/",
        "https://panel.example/?a b",
        'https://panel.example/?"',
        "https://panel.example/\n",
        "https://panél.example/",
        "https://[::1]/",
        "https://localhost/",
        f"https://panel.example/?{'x' * 600}",
    ],
)
def test_addresses_that_could_lead_elsewhere_are_refused(address):
    with pytest.raises(ValueError, match="addresses"):
        Panel(kind="redirect", addresses={"complete": address})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "prolific"}, "where a complete session leads"),
        ({"kind": "redirect"}, "where a complete session leads"),
        ({"kind": "prolific", "codes": {"complete": "A", "left": "A"}}, "must differ"),
        ({"kind": "prolific", "codes": {"complete": "A B"}}, "pattern"),
        ({"kind": "code", "codes": {"complete": "A"}}, "no fixed codes"),
        ({"kind": "code", "addresses": {"complete": "https://panel.example/"}}, "no addresses"),
        ({"kind": "code", "parameters": {"participant": "invitation"}}, "our own"),
        ({"kind": "code", "parameters": {"participant": "a", "study": "a"}}, "must differ"),
        ({"kind": "code", "parameters": {"participant": "a&b"}}, "pattern"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Panel(**settings)


def test_settings_are_kept_for_the_owner_alone_and_come_back(tmp_path):
    assert load_panel(tmp_path) is None
    save_panel(tmp_path, PROLIFIC)
    assert load_panel(tmp_path) == PROLIFIC and (tmp_path / PANEL).stat().st_mode & 0o777 == 0o600
    value = json.loads((tmp_path / PANEL).read_text())
    (tmp_path / PANEL).write_text(json.dumps({**value, "codes": {}}))
    with pytest.raises(InputError, match=r"panel\.json.*complete session"):
        load_panel(tmp_path)
    (tmp_path / PANEL).write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load_panel(tmp_path)
    save_panel(tmp_path, None)
    assert load_panel(tmp_path) is None
