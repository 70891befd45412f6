"""The experimenter's page: how far the raters are, in charts and tables; answers to take away; opening and closing.

Gradio's own components behind Gradio's own login. As blind as the raters' pages: nothing here says which system a seat,
trial or stimulus belongs to, so whoever looks during the test is not tempted to stop it at a convenient moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from listening_test.collection.export import lines
from listening_test.collection.logins import equal_texts
from listening_test.collection.monitoring import STATES, answer_facts, dashboard
from listening_test.collection.overview import AnswerCount, CollectionProgress
from listening_test.collection.panel_records import look_up

if TYPE_CHECKING:
    from gradio import Blocks

    from listening_test.collection.sessions import Sessions

USER = "admin"
REFRESH_SECONDS = 10.0
CHART_SECONDS = 60.0
"""Charts look at every answer, tables at their numbers only."""
_RATERS = ("rater", "seat", "invitation", "language", "pages", "minutes", "state", "device")
_CELLS = ("id", "answers", "planned")
_ALWAYS = ("finished", "under way")
_SAVE = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/jsonl"}));
  link.download = "answers-" + new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-") + ".jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}"""
"""Saves what the page holds; no file with answers is ever written on the server."""
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def check_password(password: str) -> Callable[[str, str], bool]:
    """What Gradio asks whether user and password are right; how often one may try is up to `logins`."""

    def right(user: str, attempt: str) -> bool:
        return equal_texts(attempt, password) & equal_texts(user, USER)

    return right


def admin_blocks(sessions: Sessions) -> Blocks:
    """The page."""
    import gradio

    blocks: Blocks
    with gradio.Blocks(title="Listening test: administration", analytics_enabled=False) as blocks:
        heading = gradio.Markdown()
        with gradio.Row():
            closing = gradio.Button("Close the test", variant="stop")
            reopening = gradio.Button("Reopen the test", variant="primary", interactive=False)
            preparing = gradio.Button("Download the answers")
            refreshing = gradio.Button("Refresh")
        answers = gradio.Textbox(visible="hidden")
        with gradio.Tabs():
            with gradio.Tab("Charts"):
                drawings = gradio.HTML()
            with gradio.Tab("Raters"):
                raters = gradio.Dataframe(headers=list(_RATERS), datatype="str", interactive=False, show_label=False)
            with gradio.Tab("Trials"):
                gradio.Markdown("Raters who answered each page of questions, and how many seats hold it.")
                trials = gradio.Dataframe(headers=list(_CELLS), datatype="str", interactive=False, show_label=False)
            with gradio.Tab("Stimuli"):
                gradio.Markdown("Answered pages on which each stimulus was judged, and how many are planned.")
                stimuli = gradio.Dataframe(headers=list(_CELLS), datatype="str", interactive=False, show_label=False)
            with gradio.Tab("Completion codes"):
                gradio.Markdown("Whether a code that someone shows was made by this test, and for which end.")
                code = gradio.Textbox(label="Completion code", max_length=32)
                checking = gradio.Button("Check the code")
                verdict = gradio.Textbox(label="Verdict", interactive=False)
        outputs = [heading, raters, trials, stimuli, closing, reopening]

        def look() -> list[Any]:
            return _page_values(sessions)

        def draw() -> str:
            test, checks = sessions.test, sessions.checks
            return dashboard(test, sessions.progress(), answer_facts(sessions.database, test, checks), checks)

        def close() -> list[Any]:
            sessions.close()
            return _page_values(sessions)

        def reopen() -> list[Any]:
            sessions.reopen()
            return _page_values(sessions)

        blocks.load(look, outputs=outputs, **_QUIET)
        gradio.Timer(REFRESH_SECONDS).tick(look, outputs=outputs, **_QUIET)
        blocks.load(draw, outputs=drawings, **_QUIET)
        gradio.Timer(CHART_SECONDS).tick(draw, outputs=drawings, **_QUIET)
        refreshing.click(look, outputs=outputs, **_QUIET).then(draw, outputs=drawings, **_QUIET)
        for event in (checking.click, code.submit):
            event(lambda text: look_up(sessions.database, text, identity=False), inputs=code, outputs=verdict, **_QUIET)
        closing.click(close, outputs=outputs, **_QUIET)
        reopening.click(reopen, outputs=outputs, **_QUIET)
        preparing.click(lambda: lines(sessions.sheets()), outputs=answers, **_QUIET).then(
            None, inputs=answers, js=_SAVE, **_QUIET
        )
    return blocks


def _page_values(sessions: Sessions) -> list[Any]:
    import gradio

    progress = sessions.progress()
    return [
        _heading(sessions, progress),
        _rater_rows(progress),
        _cell_rows(progress.trials),
        _cell_rows(progress.stimuli),
        gradio.update(interactive=not progress.closed),
        gradio.update(interactive=progress.closed),
    ]


def _heading(sessions: Sessions, progress: CollectionProgress) -> str:
    states = ", ".join(f"{count} {state}" for state in STATES if (count := progress.count(state)) or state in _ALWAYS)
    raters_admitted = "anyone" if sessions.entry == "open" else "holders of an invitation"
    if sessions.panel and sessions.panel.parameters.participant:
        raters_admitted = "raters of the panel and holders of an invitation"
    state = (
        "**closed**: nobody is admitted, nobody gets a new page" if progress.closed else f"open to {raters_admitted}"
    )
    judged = [one.answers for one in progress.stimuli]
    coverage = f"{min(judged)} to {max(judged)}" if judged else "0"
    return (
        f"# {sessions.test.name}\n\nThe test is {state}. Raters: {states}. "
        f"Each stimulus was judged {coverage} times.  \n"
        f"Seats: {len(sessions.test.seats)}. Test: `{sessions.database.test[:12]}`. "
        f"As of {time.strftime('%H:%M:%S')}."
    )


def _rater_rows(progress: CollectionProgress) -> list[list[str]]:
    return [
        [
            rater.rater,
            str(rater.seat),
            "" if rater.invited is None else str(rater.invited),
            rater.language,
            f"{rater.pages} of {rater.of}",
            f"{rater.minutes:.1f}",
            rater.state,
            rater.device,
        ]
        for rater in reversed(progress.raters)
    ]


def _cell_rows(cells: Sequence[AnswerCount]) -> list[list[str]]:
    """The least judged first."""
    return [[cell.id, str(cell.answers), str(cell.planned)] for cell in sorted(cells, key=lambda cell: cell.answers)]
