"""``songbench export``."""

import pytest


@pytest.fixture
def command(folder, songbench_here):
    """Run it on the run of these tests, beside which the working folder is."""
    places = ["--runs", folder / "runs", "--store", folder / "store"]
    return lambda *words: songbench_here("export", "small", *words, *places, folders=False)


def test_songs_and_tables_of_a_part_of_a_run(command, tmp_path):
    process = command("--songs", "songs", "--systems", "noise", "--prompts", "sun,rain")
    assert process.returncode == 0, process.stderr
    assert process.stdout == "songs: 2 songs written\n" and "--systems imported:NAME=songs/noise" in process.stderr
    assert "2 there already" in command("--songs", "songs", "--systems", "noise", "--prompts", "sun,rain").stdout
    process = command("--to", "csv", "--out", "tables")
    assert process.stdout.splitlines() == [f"tables/{name}.csv" for name in ("scores", "songs", "transcripts")]
    assert (tmp_path / "tables/scores.csv").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Say what to export"),
        (["--to", "csv"], "--to csv --out FOLDER"),
        (["--songs", "songs", "--format", "ogg"], "Allowed: flac, wav, mp3"),
        (["--songs", "songs", "--systems", "nois"], "Did you mean 'noise'?"),
        (["--songs", "songs", "--prompts", "rian"], "Did you mean 'rain'?"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(command, tmp_path, words, message):
    process = command(*words)
    assert process.returncode == 2 and message in process.stderr
    assert not (tmp_path / "songs").exists()
