"""How the rules play a section of each tag: whose chords and tune it takes, who plays, how full it is."""

from typing import Literal

from pydantic import RootModel

from songbench.domain.checking import Flag, Schema
from songbench.domain.tables import read_table
from songbench.domain.tags import by_tag


class SectionRules(Schema):
    """The rules for the sections of one tag.

    Attributes:
        chords: whose progression it takes; sections of equal value sound alike. Without meaning where it is silent.
        tune: whose contours and rhythm its tune takes.
        drums: whether drums play.
        bass: whether the bass plays.
        full: the arrangements in which it is a full section; in the others it is a quiet one.
        lead: whether an instrument plays the tune.
        rests: whether its last note rests on the tonic, as that of the last sung section always does.
        rings_out: whether the song's end rings out where it ends the song.
        silent: nobody plays: it cuts off what would ring on, and may last any number of beats.
    """

    chords: Literal["verse", "chorus", "bridge"] = "verse"
    tune: Literal["verse", "chorus", "bridge"] = "chorus"
    drums: Flag = False
    bass: Flag = True
    full: tuple[Literal["full", "band", "sparse"], ...] = ()
    lead: Flag = False
    rests: Flag = False
    rings_out: Flag = False
    silent: Flag = False


SECTION_RULES = by_tag(
    read_table("systems.rulebased", "sections.yaml", RootModel[dict[str, SectionRules]]).root,
    "systems/rulebased/sections.yaml",
)
"""The rules by tag."""
