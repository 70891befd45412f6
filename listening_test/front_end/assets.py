"""The scripts and the style sheet of the rater's pages, as text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

SCRIPTS = (
    "dom.js",
    "storage.js",
    "rules.js",
    "sound.js",
    "player.js",
    "scales.js",
    "trial.js",
    "pages.js",
    "frame.js",
    "session.js",
)
"""In the order in which they have to run; each adds to ``window.songbenchListening``."""


def script() -> str:
    """Everything that shows pages and takes answers; ``songbenchListening.start`` begins, given a host."""
    return "\n".join(asset(name) for name in SCRIPTS)


def stylesheet() -> str:
    """The looks; every rule lies below ``.songbench-listening``."""
    return asset("style.css")


def gradio_host_script() -> str:
    """The ``js_on_load`` of the server's Gradio component.

    It waits for `script`, then starts a session whose host is the component's ``server`` functions. Of ``props`` it
    uses ``wording`` (language → texts), ``languages`` (those of the test) and ``test`` (a short opaque id under which
    the browser keeps its token).
    """
    return asset("gradio_host.js")


def bundle_script() -> str:
    """`script` with the host of a folder without a server; it reads ``window.songbenchListeningData``."""
    return f"{script()}\n{asset('bundle_host.js')}"


@cache
def asset(name: str) -> str:
    """One file of the folder ``assets``."""
    return (files("listening_test.front_end") / "assets" / name).read_text(encoding="utf-8")
