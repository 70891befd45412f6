"""Folders of stems as suites of the track v2a, and lines of such suites that are imported."""

import json

import numpy as np
import pytest
import soundfile

from songbench.domain.errors import InputError
from songbench.suites.importing import import_suite


def sound(path, seconds=1.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.ones(round(8000 * seconds)), 8000)
    return path


def test_stems_become_prompts_whose_paths_hold(tmp_path):
    stems = tmp_path / "stems"
    vocal, band = sound(stems / "anna" / "vocals.wav"), sound(stems / "anna" / "No_Vocals.flac")
    (stems / "anna" / "style.txt").write_text("slow soul,\n brushes\n")
    sound(stems / "Ben Song_vocals.wav", 2.0)
    (stems / "Ben Song.lyrics.txt").write_text("[verse]\nWhat Ben sings")
    sound(stems / "drums.wav")
    suite = import_suite(stems, "stems", tmp_path / "suites" / "mine.jsonl").suite
    ben, anna = suite.prompts
    assert anna.id == "anna" and [asset.path.resolve() for asset in anna.assets.values()] == [vocal, band]
    assert (anna.style, anna.lyrics_known, anna.seconds) == ("slow soul, brushes", False, 1.5)
    assert (ben.id, ben.reference, ben.lyrics.lines, ben.seconds) == ("Ben-Song", None, ("What Ben sings",), 2.0)
    assert suite.track == "v2a"


def test_what_is_no_folder_of_vocals_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        import_suite(tmp_path / "none", "stems", tmp_path / "s.jsonl")
    sound(tmp_path / "stems" / "drums.wav")
    with pytest.raises(InputError, match=r"no vocal here.*vocals\.wav"):
        import_suite(tmp_path / "stems", "stems", tmp_path / "s.jsonl")
    sound(tmp_path / "stems" / "a_vocals.wav")
    sound(tmp_path / "stems" / "a-vocal.wav")
    with pytest.raises(InputError, match=r"a-vocal\.wav and a_vocals\.wav are both the vocal of 'a'"):
        import_suite(tmp_path / "stems", "stems", tmp_path / "s.jsonl")


def test_lines_of_a_suite_of_vocals_are_imported_with_their_audio(tmp_path):
    sound(tmp_path / "old" / "v.wav", 3)
    row = {"id": "p", "track": "v2a", "vocal": {"cut": "v.wav", "start": 1, "seconds": 1}, "prompt_wav": "v.wav"}
    (tmp_path / "old" / "s.jsonl").write_text(json.dumps(row))
    (prompt,) = import_suite(tmp_path / "old" / "s.jsonl", "suno", tmp_path / "new" / "s.jsonl").suite.prompts
    assert prompt.origin(prompt.vocal) == prompt.prompt_audio
    assert prompt.prompt_audio.path.resolve() == tmp_path / "old" / "v.wav"
    assert prompt.seconds == 1 and not prompt.lyrics_known
