"""How the rules play a section of each tag: whose chords and tune it takes, who plays, how full it is."""

from typing import Annotated, Literal

from pydantic import Field, RootModel

from songbench.domain.checking import Flag, Number, Schema
from songbench.domain.tables import read_table
from songbench.domain.tags import by_tag

Share = Annotated[Number, Field(ge=0, le=1)]


class SectionRules(Schema):
    """The rules for the sections of one tag.

    Attributes:
        chords: whose progression it takes; sections of equal value sound alike. Without meaning where it is silent.
        tune: whose contours and rhythm its tune takes.
        drums: whether drums play.
        bass: whether the bass plays.
        intensity: how much happens in it the first time, 0-1 (`systems.rulebased.dynamics`).
        growth: how much is added each time it comes again, twice at most.
        climax: intensity of the last one if there are several; 0: the last one is nothing special.
        lead: whether an instrument plays the tune.
        rests: whether its last note rests on the tonic, as that of the last sung section always does.
        rings_out: whether the song's end rings out where it ends the song.
        silent: nobody plays: it cuts off what would ring on, and may last any number of beats.
    """

    chords: Literal["verse", "chorus", "bridge"] = "verse"
    tune: Literal["verse", "chorus", "bridge"] = "chorus"
    drums: Flag = False
    bass: Flag = True
    intensity: Share
    growth: Share = 0.0
    climax: Share = 0.0
    lead: Flag = False
    rests: Flag = False
    rings_out: Flag = False
    silent: Flag = False


SECTION_RULES = by_tag(
    read_table("systems.rulebased", "sections.yaml", RootModel[dict[str, SectionRules]]).root,
    "systems/rulebased/sections.yaml",
)
"""The rules by tag."""
