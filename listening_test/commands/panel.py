"""``songbench listen panel``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from listening_test.panel.settings import Panel, SessionEnd
    from listening_test.prepared import PreparedTest

HELP = """Hold a test with raters of a panel: links, codes, redirects, and whom to pay.

With --kind the settings are written into the folder; start the server again afterwards. Without options the settings \
are shown, with the link to give to the panel.

Examples:

    songbench listen panel listening/demo --kind prolific --completion-code C1A2B3 --screen-out-code S4D5E6

    songbench listen panel listening/demo --kind code

    songbench listen panel listening/demo --kind redirect --parameters participant=id \
--complete-url "https://panel.example/done?id={participant}"

    songbench listen panel listening/demo --to approvals.csv

    songbench listen panel listening/demo --check ABCDE-FGHIJ

Ids of the panel are kept in the database alone, apart from the answers; no export and no report holds them. --forget \
deletes them once everybody is paid.
"""


def panel(
    folder: Annotated[Path, typer.Argument(help="The prepared test.")],
    kind: Annotated[
        Literal["prolific", "code", "redirect", "none"] | None,
        typer.Option(
            "--kind", help="code: each rater gets a code of their own; redirect: addresses of yours; none: no panel."
        ),
    ] = None,
    completion_code: Annotated[
        str | None, typer.Option("--completion-code", help="prolific: of a complete session.")
    ] = None,
    screen_out_code: Annotated[
        str | None, typer.Option("--screen-out-code", help="prolific: of a rater who fails a declared check.")
    ] = None,
    left_code: Annotated[
        str | None, typer.Option("--left-code", help="prolific: of a rater who does not consent, or withdraws.")
    ] = None,
    complete_url: Annotated[
        str | None,
        typer.Option(
            "--complete-url", help="redirect: https://…?id={participant}&code={code}; also {study}, {session}."
        ),
    ] = None,
    screen_out_url: Annotated[str | None, typer.Option("--screen-out-url", help="redirect: the same.")] = None,
    left_url: Annotated[str | None, typer.Option("--left-url", help="redirect: the same.")] = None,
    parameters: Annotated[
        str | None,
        typer.Option("--parameters", help="What the panel's link calls its ids: participant=…,study=…,session=…"),
    ] = None,
    public_url: Annotated[
        str, typer.Option("--public-url", help="Where raters reach the server.")
    ] = "http://127.0.0.1:7860/",
    check: Annotated[
        list[str] | None, typer.Option("--check", help="Say whose completion code this is (repeatable).")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write whom to approve and whom not to this CSV file.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete all ids of the panel from the database.")] = False,
    db: Annotated[str | None, typer.Option("--db", help="As given to `serve`. Default: FOLDER/ratings.sqlite.")] = None,
) -> None:
    """See `HELP`."""
    from listening_test.collection.export import write_out
    from listening_test.collection.panel_records import approvals_table, code_owner, forget_visits
    from listening_test.panel.settings import load_panel
    from listening_test.prepared import load_test

    test = load_test(folder)
    codes: dict[SessionEnd, str | None] = {
        "complete": completion_code,
        "screened-out": screen_out_code,
        "left": left_code,
    }
    addresses: dict[SessionEnd, str | None] = {
        "complete": complete_url,
        "screened-out": screen_out_url,
        "left": left_url,
    }
    _write_check_answers(test)
    if kind is not None:
        _set(test, kind, codes, addresses, parameters)
    elif parameters or any(codes.values()) or any(addresses.values()):
        raise _needs_kind()
    for text in check or ():
        typer.echo(code_owner(test, db, text))
    if to:
        approvals = approvals_table(test, db)
        write_out(to, approvals.text, "--to")
        typer.echo(f"{approvals.summary} in {to}")
    if forget:
        typer.echo(f"Ids of {forget_visits(test, db)} raters deleted; answers and codes stay.")
    if kind is not None or not (check or to or forget):
        _show(load_panel(folder), public_url)


def _needs_kind() -> Exception:
    from songbench.domain.errors import InputError

    return InputError("Say of which kind the panel is.", field="--kind", allowed=("prolific", "code", "redirect"))


def _write_check_answers(test: PreparedTest) -> None:
    """Tests prepared by earlier versions have no file of these; the experimenter's folder has the key."""
    from listening_test.check_answers import CHECKS, CheckAnswers, save_check_answers
    from listening_test.prepared import KEY, load_key

    if not (test.folder / CHECKS).exists() and (test.folder / KEY).exists():
        save_check_answers(test.folder, CheckAnswers.of(load_key(test)))


def _set(
    test: PreparedTest,
    kind: Literal["prolific", "code", "redirect", "none"],
    codes: dict[SessionEnd, str | None],
    addresses: dict[SessionEnd, str | None],
    parameters: str | None,
) -> None:
    from listening_test.panel.settings import PROLIFIC_PARAMETERS, Panel, save_panel
    from songbench.domain.checking import checked

    if kind == "none":
        save_panel(test.folder, None)
        return
    names = _parameters(parameters)
    if kind == "prolific" and not names:
        names = PROLIFIC_PARAMETERS.model_dump()
    value = {
        "kind": kind,
        "parameters": names,
        "codes": {end: code for end, code in codes.items() if code is not None},
        "addresses": {end: address for end, address in addresses.items() if address is not None},
    }
    save_panel(test.folder, checked(Panel, value, within="panel"))


def _parameters(text: str | None) -> dict[str, str]:
    from songbench.domain.errors import InputError

    names = {}
    for part in (text or "").split(",") if text else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise InputError(
                f"'{part}' is not NAME=PARAMETER.",
                field="--parameters",
                cure="Example: --parameters participant=workerId,session=assignmentId",
            )
        names[name.strip()] = value.strip()
    return names


def _show(panel: Panel | None, public_url: str) -> None:
    from listening_test.collection.serving import public_address

    if panel is None:
        typer.echo("No panel: raters come by the address or by invitations, and get a completion code of their own.")
        return
    typer.echo(f"panel         {panel.kind}")
    typer.echo(f"its link      {panel.link(public_address(public_url))}")
    for end, label in (("complete", "complete"), ("screened-out", "screened out"), ("left", "left, no consent")):
        code = panel.codes.get(end) or panel.addresses.get(end)  # type: ignore[call-overload]
        text = code or ("a code of each rater's own" if panel.kind == "code" and end == "complete" else "—")
        typer.echo(f"{label:<17} {text}")
    typer.echo("A server that runs already takes these settings when it is started again.")
