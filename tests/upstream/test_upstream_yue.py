"""YuE's unmodified infer.py through our adapter, with random language models of tiny sizes.

Real are its code, its tokenizer, both stages of generation with the real classes, and the files that are written.
Stand-ins are the clone with the codec (`tiny_yue`) and, on a CPU, flash attention and the compiled part of torchaudio.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from layers import plant, python_of

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LYRICS = "[verse]\nHello little world\n[chorus]\nWe sing along\n[bridge]\nAnd on we go"
WEIGHTS = {
    "yue-s1-7b-en-cot": "m-a-p--YuE-s1-7B-anneal-en-cot",
    "yue-s1-7b-zh-cot": "m-a-p--YuE-s1-7B-anneal-zh-cot",
    "yue-s1-7b-en-icl": "m-a-p--YuE-s1-7B-anneal-en-icl",
    "yue-s2-1b": "m-a-p--YuE-s2-1B-general",
    "yue-xcodec-mini": "m-a-p--xcodec_mini_infer",
}


def outcome_of(yue, set_folders, lyrics, max_new_tokens, variant="cot"):
    """The outcome of a song of English lyrics, with a clip of twelve seconds."""
    environment, checkout, folder = yue
    system = build_system("yue", {"variant": variant, "languages": ["en"], "max_new_tokens": max_new_tokens})
    set_folders(system, environment, checkout)
    plant(system, {name: folder / place for name, place in WEIGHTS.items()})
    time = np.arange(12 * 44_100) / 44_100
    clip = MemoryAudio(Audio(np.sin(2 * np.pi * 220 * time)[None].astype("f4"), 44_100))
    style = "pop piano bright female vocal"
    prompt = Prompt(id="p", lyrics=parse_lyrics(lyrics), style=style, prompt_audio=FileAsset(Path("clip.wav")))
    (outcome,) = system.generate([Request(prompt=prompt, take=0, seed=3, prompt_audio=clip)])
    system.close()
    return outcome


@pytest.mark.parametrize(("variant", "style"), [("cot", "text"), ("icl", "both")])
def test_a_song_with_stems_comes_out_of_the_unmodified_program(yue, set_folders, variant, style):
    song = outcome_of(yue, set_folders, LYRICS, 200, variant)
    assert isinstance(song, Song), song.cause + song.detail
    audio = song.source.load()
    assert audio.rate == 44_100
    assert audio.seconds == pytest.approx(6.0, abs=0.2)  # three sections of 200 tokens, of which 100 are a second
    assert set(song.stems) == {"vocals", "accompaniment"}
    for source in (song.source, *song.stems.values()):
        assert np.abs(source.load().samples).max() > 0.05
    record = song.record
    assert (record.lossy, record.loading_included, record.rendering.style) == ("mp3", True, style)
    assert "[end]" in record.rendering.added[0]


def test_a_song_of_less_than_six_seconds_ends_the_program(yue, set_folders):
    failure = outcome_of(yue, set_folders, LYRICS, 110)
    assert isinstance(failure, Failure)
    assert "zero-size array" in failure.cause


def test_its_last_section_is_never_sung_and_one_alone_ends_it(yue, tmp_path):
    environment, checkout, folder = yue
    (tmp_path / "genre.txt").write_text("pop")
    (tmp_path / "lyrics.txt").write_text("[verse]\nHello little world\n")
    codec = folder / WEIGHTS["yue-xcodec-mini"]
    command = [
        *(python_of(environment), "infer.py", "--genre_txt", tmp_path / "genre.txt"),
        *("--lyrics_txt", tmp_path / "lyrics.txt", "--run_n_segments", "1", "--output_dir", tmp_path / "out"),
        *("--stage1_model", folder / WEIGHTS["yue-s1-7b-en-cot"], "--basic_model_config"),
        *(codec / "final_ckpt" / "config.yaml", "--resume_path", codec / "final_ckpt" / "ckpt_00360000.pth"),
    ]
    run = subprocess.run(
        command, check=False, cwd=checkout / "inference", env={"PYTHONPATH": str(codec)}, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert "NameError: name 'raw_output' is not defined" in run.stderr
