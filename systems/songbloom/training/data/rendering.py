"""Songs that a system of songbench renders, with the section times by which it made them."""

from __future__ import annotations

from songbench.domain.errors import InputError
from songbench.domain.prompt import Prompt, RenderAsset
from songbench.domain.song import Failure, Request
from songbench.plugin import build_system
from systems.songbloom.training.data.songs import RenderedAudio, SourceSong


def rendered_song(prompt: Prompt, asset: RenderAsset) -> SourceSong:
    """The song of a recipe, rendered when its audio is asked for.

    Args:
        prompt: whose lyrics it sings.
        asset: the recipe, of a whole song.

    Raises:
        InputError: the recipe is of a stem.
    """
    if asset.stem:
        raise InputError(f"Its reference is the stem '{asset.stem}' of a song, not a song.")

    def render() -> RenderedAudio:
        system = build_system(asset.system, asset.parameters)
        state = system.availability()
        if not state.ready:
            raise InputError(
                f"It is rendered by '{asset.system}', which cannot run here: {state.reason}.", cure=state.cure
            )
        song = next(iter(system.generate([Request(prompt=prompt, take=0, seed=asset.seed)])))
        if isinstance(song, Failure):
            raise InputError(f"'{asset.system}' could not render it: {song.cause}.")
        if not song.sections:
            raise InputError(f"'{asset.system}' does not say when its sections sound.")
        return RenderedAudio(source=song.source, sections=song.sections)

    version = build_system(asset.system, asset.parameters).card.version
    return SourceSong(
        id=prompt.id,
        identity=[version, asset.identity(prompt)],
        lyrics=prompt.lyrics,
        audio=render,
        language=prompt.language,
        exact=True,
    )
