import pytest

from songbench.domain.lyrics import Lyrics, Section
from systems.rulebased.perform import Performance, Recipe, perform
from systems.rulebased.style import parse_style

SHORT = Lyrics(
    (
        Section("intro", seconds=2.0),
        Section("verse", ("The river is running away", "I hear every word in the rain")),
        Section("silence", seconds=1.5),
        Section("inst", seconds=2.0),
        Section("outro", seconds=2.0),
    )
)
SHORT_SECONDS = 14.0
CHORUS = Section("chorus", ("Hold me closer tonight",))
TWO_CHORUSES = Lyrics((Section("intro", seconds=2.0), CHORUS, Section("verse", ("Cold morning light",)), CHORUS))
MANDARIN = Lyrics((Section("verse", ("月亮代表我的心", "让我们一起飞 oh yeah")),))


def recipe(style: str = "pop", singer: str = "female", seed: int = 1, arrangement: str = "full") -> Recipe:
    return Recipe(parse_style(style), singer, arrangement, seed)


@pytest.fixture(scope="session")
def short() -> Performance:
    return perform(SHORT, "en", recipe(), SHORT_SECONDS)


@pytest.fixture(scope="session")
def choruses() -> Performance:
    return perform(TWO_CHORUSES, "en", recipe("rock", "male", 3))


@pytest.fixture(scope="session")
def mandarin() -> Performance:
    return perform(MANDARIN, "zh", recipe("ballad"))
