"""All files of a report page but its audio: the front page, the pages of prompts, figures, styles and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from songbench.reporting.document.html import LinkedFiles, stylesheet, to_html
from songbench.reporting.figures.gallery import Picture
from songbench.reporting.page.front_page import front_page
from songbench.reporting.page.material import PAGE, PARTS, PageMaterial
from songbench.reporting.page.parts import run_parts
from songbench.reporting.page.prompt_page import prompt_pages
from songbench.reporting.page.song_files import ReportAudio

_ASSETS = "assets"
_STYLE, _SCRIPT = "page.css", "page.js"


def page_files(
    material: PageMaterial,
    pictures: Sequence[Picture],
    songs: ReportAudio,
    *,
    beside: Sequence[str] = (),
) -> dict[str, bytes]:
    """The files of the page.

    Args:
        material: of the run.
        pictures: the figures of the report, which lie beside the page.
        songs: those that lie beside the page.
        beside: files of the report that the page links.

    Returns:
        Contents by paths that are seen from the run's folder; the same for the same material.
    """
    contents = {
        f"{PARTS}/{_STYLE}": stylesheet().encode(),
        f"{PARTS}/{_SCRIPT}": (files(__package__) / _ASSETS / _SCRIPT).read_bytes(),
        **prompt_pages(material, songs),
    }
    blocks = front_page(
        material,
        pictures,
        parts=run_parts(material.results, material.board, material.listening_results),
        songs=songs,
        pages=contents.keys(),
        files=beside,
    )
    images = {picture.name: _place(picture) for picture in pictures}
    page = to_html(blocks, images, linked=LinkedFiles((f"{PARTS}/{_STYLE}",), (f"{PARTS}/{_SCRIPT}",)))
    return {PAGE: page.encode(), **contents}


def _place(picture: Picture) -> str:
    """Of its file for pages, which is beside them."""
    return f"figures/{picture.name}.{'svg' if 'svg' in picture.files else 'png'}"
