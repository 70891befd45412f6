"""All kinds of input by their names.

A kind has whole specimens, a way to damage them by a seed, and reads one where it lies. Reading may succeed or raise a
`SongbenchError`; anything else is a finding.
"""

from fuzz_files import Manifests, Protocols, Ratings, SoundFiles
from fuzz_runs import Records, SettingsTexts
from fuzz_texts import ForeignLyrics, LyricsTexts, SuiteFiles, Words

_ALL = (
    SuiteFiles,
    LyricsTexts,
    ForeignLyrics,
    Words,
    SoundFiles,
    Manifests,
    Protocols,
    Ratings,
    SettingsTexts,
    Records,
)
KINDS = {kind.name: kind for kind in _ALL}
