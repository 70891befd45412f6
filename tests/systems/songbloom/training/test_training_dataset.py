"""Pieces of songs: cut together at patches, the same for the same seed and step, whatever was read before."""

from dataclasses import replace

import pytest
import torch
from prepared_cases import BASIS, CODES, EMPTY, MARK, basis_for, counting_folder, counting_song
from songbloom_random import SMALL

from songbench.domain.errors import InputError
from systems.songbloom.training.data.crops import CropSettings
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.prepared_songs import PreparedSongs
from systems.songbloom.training.settings import BatchSettings
from systems.songbloom.training.song_steps import SongSteps

SECTIONS = [
    ("intro", 3, 30, [4] * 6),
    ("verse", 30, 61, [1, 20, 21]),
    ("inst", 61, 81, [6] * 4),
    ("chorus", 81, 117, [2, 30]),
]
LONG = counting_song("long", 117, SECTIONS)
SHORT = counting_song("short", 41, [("verse", 0, 41, [1, 25])], style_frames=13)
UNTIMED = counting_song("untimed", 99, [("verse", 0, 99, [1, 26]), ("chorus", 0, 99, [2, 27])], times="none")
TINY = counting_song("tiny", 3, [("verse", 0, 3, [1, 28])])
HELD_OUT = counting_song("held out", 50, [("verse", 0, 50, [1, 29])], split="validation")
CROP = CropSettings(patch=4, max_seconds=2.0, style_frames=10)  # 50 frames: 12 patches


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    songs = [LONG, SHORT, UNTIMED, TINY, HELD_OUT]
    return counting_folder(tmp_path_factory.mktemp("data") / "counting", songs)


@pytest.fixture
def songs(folder):
    return SongDataset(folder, split="train")


def generator(seed):
    return torch.Generator().manual_seed(seed)


def check_alignment(example, patch):
    """Sketch and latents are of the same frames, which begin and end at patches; the style prompt is one piece."""
    frames = example.latents[:, 0].long()
    assert len(frames) and len(frames) % patch == 0 and int(frames[0]) % patch == 0
    assert torch.equal(frames, torch.arange(int(frames[0]), int(frames[-1]) + 1))
    assert torch.equal(example.sketch, frames % CODES)
    style = example.style[:, 0].long() - 10_000
    assert torch.equal(style, torch.arange(int(style[0]), int(style[-1]) + 1))
    return int(frames[0]), int(frames[-1]) + 1


def expected_symbols(start, end):
    """By hand for the long song: sections that begin inside, repeated tags as far as they sound inside."""
    symbols = []
    for _, first, last, ids in SECTIONS:
        if start <= first < end:
            count = len(ids)
            if len(set(ids)) == 1 and last > end:
                count = max(1, round(count * (end - first) / (last - first)))
            symbols += [MARK, *ids[:count]] if symbols else ids[:count]
    return tuple(symbols) or (EMPTY,)


@pytest.mark.parametrize("place", ["start", "random", "section"])
@pytest.mark.parametrize("patch", [1, 4, 7])
def test_sketch_latents_and_lyrics_are_cut_together(songs, place, patch):
    crop = replace(CROP, patch=patch, place=place)
    starts = set()
    for seed in range(40):
        example = songs.example(0, crop, generator(seed))
        start, end = check_alignment(example, patch)
        assert end - start <= 50 < end - start + patch or place == "section"
        assert end <= 117 // patch * patch
        assert example.lyrics == expected_symbols(start, end)
        assert example.id == "long"
        assert len(example.style) == 10
        starts.add(start)
    assert len(starts) == 1 if place == "start" else len(starts) > 2
    if place == "section":
        floors = {first // patch * patch for _, first, _, _ in SECTIONS} | {0}
        assert starts <= floors
    else:
        assert all(songs.example(0, crop, generator(seed)).lyrics != (EMPTY,) for seed in range(40))


def test_a_short_song_is_taken_whole_but_for_the_rest_of_a_patch(songs):
    for seed in range(10):
        example = songs.example(1, CROP, generator(seed))
        assert check_alignment(example, 4) == (0, 40)
        assert example.lyrics == (1, 25)
        assert len(example.style) == 10
    starts = {float(songs.example(1, CROP, generator(seed)).style[0, 0]) - 10_000 for seed in range(40)}
    assert starts == {0, 1, 2, 3}  # its prompt has 13 frames
    first = replace(CROP, style_place="start")
    assert float(songs.example(1, first, generator(3)).style[0, 0]) == 10_000
    assert len(songs.example(1, replace(CROP, style_frames=30), generator(3)).style) == 13


def test_a_song_without_times_is_only_taken_whole(songs):
    with pytest.raises(InputError, match=r"'untimed' cannot be trained on.*nothing says when its sections are sung"):
        songs.example(2, CROP, generator(0))
    example = songs.example(2, replace(CROP, max_seconds=4), generator(0))
    assert check_alignment(example, 4) == (0, 96)
    assert example.lyrics == (1, 26, MARK, 2, 27)


def test_only_usable_songs_are_order(songs):
    assert songs.usable(CROP) == [0, 1]
    assert songs.usable(replace(CROP, max_seconds=10, patch=3)) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="less than a patch of 4"):
        songs.example(3, CROP, generator(0))


def test_the_same_draws_give_the_same_piece_whatever_was_read_before(folder):
    crop = replace(CROP, place="random")
    once, again = SongDataset(folder, split="train"), SongDataset(folder, split="train")
    again.example(1, crop, generator(9))
    for seed in range(5):
        first, second = once.example(0, crop, generator(seed)), again.example(0, crop, generator(seed))
        assert torch.equal(first.latents, second.latents)
        assert torch.equal(first.style, second.style)
        assert first.lyrics == second.lyrics


def test_splits_are_apart(folder):
    validation = SongDataset(folder, split="validation")
    assert [song.id for song in validation.songs] == ["held out"]
    assert "held out" not in [song.id for song in SongDataset(folder, split="train").songs]


class TestSteps:
    @pytest.fixture(scope="class")
    def dataset(self, tmp_path_factory):
        songs = [counting_song(f"song {number}", 60 + number, SECTIONS[:2]) for number in range(5)]
        folder = tmp_path_factory.mktemp("steps") / "data"
        return SongDataset(counting_folder(folder, songs, basis_for(SMALL)), split="train")

    def steps(self, dataset, songs=2, **options):
        songs_to_see = PreparedSongs(dataset, replace(CROP, patch=SMALL.model.patch, place="random"))
        batch = BatchSettings(songs=songs, accumulation=1)
        return SongSteps(songs_to_see, SMALL.model, SongBloomObjective(), batch, **{"seed": 1, **options})

    def ids(self, steps, step, rank=0):
        return [song.id for one in steps.batches(step, rank) for song in one.songs]

    def test_each_song_once_a_round_in_another_order(self, dataset):
        steps = self.steps(dataset)
        order = [name for step in range(10) for name in self.ids(steps, step)]
        rounds = [order[start : start + 5] for start in range(0, 20, 5)]
        assert all(len(set(one)) == 5 for one in rounds)
        assert len({tuple(one) for one in rounds}) > 1

    def test_ranks_share_the_round(self, dataset):
        steps = self.steps(dataset, processes=2)
        assert [*self.ids(steps, 3, 0), *self.ids(steps, 3, 1)] == self.ids(self.steps(dataset, songs=4), 3)

    def test_a_step_follows_from_seed_step_and_rank(self, dataset):
        first, second = self.steps(dataset), self.steps(dataset)
        for step in (0, 1, 2):
            first.batches(step, 0)
        (batch,), (resumed,) = first.batches(7, 0), second.batches(7, 0)
        for first_song, second_song in zip(batch.songs, resumed.songs, strict=True):
            assert first_song.id == second_song.id
            assert torch.equal(first_song.latents, second_song.latents)
            assert torch.equal(first_song.sketch, second_song.sketch)
            assert torch.equal(first_song.style, second_song.style)
            assert first_song.lyrics == second_song.lyrics
        unlike = self.steps(dataset, seed=2)
        assert any(self.ids(unlike, step) != self.ids(first, step) for step in range(3))

    def test_no_usable_song_is_refused(self, dataset):
        with pytest.raises(InputError, match=r"None of the 5 songs for train can be used.*less than a patch of 100"):
            PreparedSongs(dataset, replace(CROP, patch=100)).require()

    def test_a_split_without_songs_is_refused_with_what_to_do(self, dataset):
        empty = PreparedSongs(SongDataset(dataset.folder, split="validation"), CROP)
        with pytest.raises(InputError, match="There is no song for validation") as refused:
            empty.require()
        assert "--validation" in refused.value.cure

    def test_data_of_another_model_are_refused(self, dataset):
        dataset.check(SMALL)
        odd = replace(SMALL, model=replace(SMALL.model, sketch_vocabulary=65))
        with pytest.raises(InputError, match="sketch tokens: 64 and 65"):
            dataset.check(odd)


def test_half_precision_is_read_as_float32(tmp_path):
    entry, tensors = LONG
    halved = replace(tensors, latents=tensors.latents.half(), style=tensors.style.half())
    folder = counting_folder(tmp_path / "half", [(entry, halved)], replace(BASIS, latents="float16"))
    example = SongDataset(folder, split="train").example(0, CROP, generator(0))
    assert example.latents.dtype == example.style.dtype == torch.float32


def test_no_prepared_folder(tmp_path):
    with pytest.raises(InputError, match="This is no prepared folder"):
        SongDataset(tmp_path, split="train")
    (tmp_path / "work").mkdir()
    with pytest.raises(InputError, match=r"was not finished.*Give the same"):
        SongDataset(tmp_path, split="train")
