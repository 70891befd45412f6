"""``songbench listen serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from listening_test.collection.sessions import Sessions

HELP = """Hold a prepared test in the browser.

Answers are in the database before the rater sees the next page; stop the server with Ctrl-C and start it again at \
will. For raters elsewhere put a proxy with HTTPS in front, give the address that raters see as --public-url (a path \
is fine) and the proxy's own as --trust-proxy, so that wrong passwords are counted by sender. The key of the test is \
never opened: the folder on the server needs no key.json. For raters of a panel see `songbench listen panel`.

Examples:

    songbench listen serve listening/demo-songbloom

    songbench listen serve listening/demo-songbloom --entry invited --host 0.0.0.0 --public-url https://listen.example.org

    songbench listen serve listening/demo-songbloom --db postgresql://songbench@db.example.org/ratings
"""


def serve(
    folder: Annotated[Path, typer.Argument(help="The prepared test.")],
    host: Annotated[str, typer.Option("--host", help="Where to listen; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 7860,
    db: Annotated[
        str | None,
        typer.Option("--db", help="sqlite:///FILE or postgresql://USER@HOST/NAME. Default: FOLDER/ratings.sqlite."),
    ] = None,
    entry: Annotated[
        Literal["open", "invited"],
        typer.Option("--entry", help="open: whoever has the address; invited: whoever has a link of `listen invite`."),
    ] = "open",
    admin_password: Annotated[
        str | None,
        typer.Option(
            "--admin-password",
            envvar="SONGBENCH_ADMIN_PASSWORD",
            help="Of /admin/, 12 characters or more. Default: a new one.",
        ),
    ] = None,
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="Where raters reach it, if behind a proxy: https://….")
    ] = None,
    trust_proxy: Annotated[
        str | None,
        typer.Option("--trust-proxy", help="Addresses or networks of proxies that say truly who asks: 127.0.0.1, …"),
    ] = None,
    reclaim_hours: Annotated[
        float,
        typer.Option("--reclaim-hours", min=0, help="Give a seat again when its rater was silent for so long."),
    ] = 48.0,
) -> None:
    """See `HELP`."""
    import secrets

    from listening_test.check_answers import load_check_answers
    from listening_test.collection import serving
    from listening_test.collection.app import build
    from listening_test.collection.database import Database, default_url
    from listening_test.collection.logins import check_length
    from listening_test.collection.sessions import Sessions
    from listening_test.collection.tokens import Signer, load_secret
    from listening_test.panel.settings import load_panel
    from listening_test.prepared import check_audio, load_test

    public_url = serving.public_address(public_url) if public_url else None
    proxies = serving.proxy_networks(trust_proxy or "")
    if admin_password is not None:
        check_length(admin_password)
    test = load_test(folder)
    check_audio(test)
    panel, checks = load_panel(folder), load_check_answers(test)
    opened = serving.listen_at(host, port)
    database = Database(db or default_url(folder), test)
    sessions = Sessions(
        test,
        database,
        Signer(load_secret(folder), test.digest()),
        entry=entry,
        panel=panel,
        checks=checks,
        reclaim_hours=reclaim_hours,
    )
    password = admin_password or secrets.token_urlsafe(12)
    try:
        with serving.private_scratch():
            app = build(sessions, password, public_url=public_url, names=[host], trusted_proxies=proxies)
            _introduce(sessions, public_url or serving.address(opened), None if admin_password else password)
            serving.run(app, opened)
    except KeyboardInterrupt:
        typer.echo("\nStopped. Everything acknowledged is stored: run the same command again to go on.", err=True)
    finally:
        database.close()


def _introduce(sessions: Sessions, url: str, password: str | None) -> None:
    from listening_test.collection.overview import CollectionProgress

    progress: CollectionProgress = sessions.progress()
    raters_admitted = (
        "whoever opens it" if sessions.entry == "open" else "holders of an invitation (songbench listen invite)"
    )
    if sessions.panel and sessions.panel.parameters.participant:
        raters_admitted = f"raters of the panel ({sessions.panel.kind}) and holders of an invitation"
        url_of_panel = sessions.panel.link(url)
    else:
        url_of_panel = url
    state = "; CLOSED, reopen it in the administration" if progress.closed else ""
    typer.echo(f"Listening test {sessions.test.name}{state}")
    typer.echo(f"  raters          {url_of_panel}  for {raters_admitted}")
    typer.echo(f"  administration  {url}admin/  user admin, password {password or 'as given'}")
    typer.echo(f"  answers         {sessions.database.address}")
    typer.echo(f"  so far          {len(progress.raters)} raters, {progress.count('finished')} finished")
