"""All files of a report page but its audio: the front page, the pages of prompts, figures, styles and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import chain

from songbench.reporting.document.html import LinkedFiles, stylesheet, to_html
from songbench.reporting.figures.gallery import Picture
from songbench.reporting.page.front_page import front_page
from songbench.reporting.page.material import PARTS, PageMaterial, prompt_place
from songbench.reporting.page.parts import run_parts
from songbench.reporting.page.prompt_page import prompt_pages
from songbench.reporting.page.song_files import ReportAudio
from songbench.reporting.report_files import PAGE
from songbench.resources.garbage import no_search

_ASSETS = "assets"
_STYLE, _SCRIPT = "page.css", "page.js"


def page_files(
    material: PageMaterial,
    pictures: Sequence[Picture],
    songs: ReportAudio,
    *,
    beside: Sequence[str] = (),
) -> Iterator[tuple[str, bytes]]:
    """The files of the page.

    Args:
        material: of the run.
        pictures: the figures of the report, which lie beside the page.
        songs: those that lie beside the page.
        beside: files of the report that the page links.

    Returns:
        Paths seen from the run's folder, with contents, the same for the same material; pages of prompts are made when
        it is their turn, as those of a large run together take much memory.
    """
    with no_search():
        parts = run_parts(material.results, material.board, material.listening_results)
    blocks = front_page(
        material,
        pictures,
        parts=parts,
        songs=songs,
        pages={prompt_place(prompt.id) for prompt in material.results.suite.prompts},
        files=beside,
    )
    images = {picture.name: _place(picture) for picture in pictures}
    page = to_html(blocks, images, linked=LinkedFiles((f"{PARTS}/{_STYLE}",), (f"{PARTS}/{_SCRIPT}",)))
    contents = {
        PAGE: page.encode(),
        f"{PARTS}/{_STYLE}": stylesheet().encode(),
        f"{PARTS}/{_SCRIPT}": (files(__package__) / _ASSETS / _SCRIPT).read_bytes(),
    }
    return chain(contents.items(), prompt_pages(material, songs))


def _place(picture: Picture) -> str:
    """Of its file for pages, which is beside them."""
    return f"figures/{picture.name}.{'svg' if 'svg' in picture.files else 'png'}"
