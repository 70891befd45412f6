"""LeVo as a songbench system."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import Layout, ScriptSystem
from systems.levo.card import card_of
from systems.levo.environment import CHECKOUT, ENVIRONMENT, RUNTIME, WEIGHTS
from systems.levo.releases import DEFAULT, RELEASES
from systems.levo.rendering import SCRIPT, VARIABLES, LevoCall, LibraryType, Memory, Style, invoke

_AUDIO = "-audio"
VARIANTS = ("audio", *(name for release in RELEASES for name in (release, f"{release}{_AUDIO}")))


class Levo(ScriptSystem):
    """Full songs from lyrics and a style in words or sound, by Tencent's own program.

    Args:
        variant: a release (`systems.levo.releases.RELEASES`), ``RELEASE-audio`` for one that takes the style in sound,
            ``audio``, or None for the newest.
        style: ``text``, ``audio``, or ``auto`` for a clip of the program's own library; None: as the variant says.
        library: the type of that clip.
        memory: ``normal``, for devices with much memory, or ``low``, layer by layer; they sample otherwise.
        stems: decode the vocals and the accompaniment, too; takes three times the diffusion.
        flash_attention: for environments with the package flash-attn, which is not among those set up.
        timeout_s: how long one song may take, in seconds.

    Raises:
        InputError: an unknown variant.
    """

    def __init__(
        self,
        variant: str | None = None,
        style: Style | None = None,
        library: LibraryType = "Auto",
        memory: Memory = "normal",
        stems: bool = False,
        flash_attention: bool = False,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        """Choose; nothing is loaded."""
        if variant is not None and variant not in VARIANTS:
            raise InputError(f"LeVo has no variant '{variant}'.", field="variant", value=variant, allowed=VARIANTS)
        name = DEFAULT if variant in (None, "audio") else str(variant).removesuffix(_AUDIO)
        release = RELEASES[name]
        call = LevoCall(
            release=release,
            style=style or ("audio" if variant and variant.endswith("audio") else "text"),
            library=library,
            memory=memory,
            stems=stems,
            flash_attention=flash_attention,
        )
        super().__init__(
            card=card_of(f"levo:{variant}" if variant else "levo", call),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script=SCRIPT,
            variables=VARIABLES,
            weights=(RUNTIME, WEIGHTS[name]),
            layout=Layout(links={".": RUNTIME.name, release.place: release.weights}),
            invoke=lambda request: invoke(request, call),
            settings={
                "model": name,
                "style": call.style,
                "library": library if call.style == "auto" else None,
                "memory": memory,
                "stems": stems,
                "flash_attention": flash_attention,
            },
            prompt_most_s=10.0,
            timeout_s=timeout_s,
        )
