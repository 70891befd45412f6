"""The songs of pairs made ready for training, once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.training.data.basis import PreparationSettings, basis_of
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.data.folder import PreparationFolder
from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder
from systems.songbloom.training.data.making import SongMaker
from systems.songbloom.training.data.preparation import PreparationProgress, SongPreparation
from systems.songbloom.training.data.records import INFO, LeftOut
from systems.songbloom.training.preference.pair_files import PreferencePair, read_pairs, write_pairs
from systems.songbloom.training.preference.pair_songs import PairSongs
from systems.songbloom.training.tokenizer.contract import SketchTokenizer

PAIRS = "pairs.jsonl"
"""The pairs that a folder was prepared for."""


def is_prepared(folder: Path, pairs: Sequence[PreferencePair]) -> bool:
    """Whether the songs of just these pairs were prepared into a folder."""
    path = folder.parent / PAIRS
    return (folder / INFO).is_file() and path.is_file() and read_pairs(path) == list(pairs)


def prepare_pairs(
    folder: Path,
    pairs: Sequence[PreferencePair],
    files: CheckpointFiles,
    tokenizer: SketchTokenizer,
    *,
    device: str = "cpu",
    progress: PreparationProgress | None = None,
) -> tuple[LeftOut, ...]:
    """Encode the songs of pairs with a checkpoint's autoencoder; what is finished is not made again.

    Args:
        folder: new, or begun before; the pairs are written beside it.
        pairs: with songs on this machine.
        files: of the checkpoint that is to be trained.
        tokenizer: that its sketch tokens are by.
        device: where it is encoded.
        progress: is told of every song.

    Returns:
        The songs that could not be prepared.

    Raises:
        InputError: none could, or the folder was begun with another checkpoint or tokenizer.
    """
    config = files.read_config()
    encoder = LatentEncoder(load_autoencoder(files).to(device), device)
    basis = basis_of(config, encoder, tokenizer, PreparationSettings(validation=0.0))
    songs = PairSongs(pairs)
    maker = SongMaker(config, encoder, tokenizer, basis)
    report = SongPreparation(PreparationFolder(folder, basis), maker, progress).run(songs.songs(), songs.faults)
    write_pairs(folder.parent / PAIRS, pairs)
    return report.left_out


def prepared_dataset(folder: Path) -> SongDataset:
    """The songs of a folder that was prepared for pairs."""
    return SongDataset(folder, split="train")
