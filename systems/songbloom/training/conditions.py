"""What the language model reads before each song of a batch, inside the graph so that its embeddings learn."""

from __future__ import annotations

import torch
from torch import Tensor

from systems.songbloom.conditioning import Conditioning
from systems.songbloom.training.batch import SongBatch
from systems.songbloom.training.draws import TrainingDraws


def prefixes(conditioning: Conditioning, batch: SongBatch, draws: TrainingDraws) -> Tensor:
    """Style prompts and lyrics of a batch, those that are dropped as in the null prefix of guidance.

    Args:
        conditioning: of the model.
        batch: of B songs.
        draws: says which songs are without lyrics or style.

    Returns:
        Shape (B, positions, D).
    """
    no_drops = (False,) * len(batch)
    rows = zip(batch.lyrics, batch.styles, draws.drop_lyrics or no_drops, draws.drop_style or no_drops, strict=True)
    return torch.stack(
        [
            torch.cat(
                [
                    conditioning.no_style() if no_style else conditioning.style(style),
                    conditioning.no_lyrics() if no_lyrics else conditioning.lyrics(lyrics),
                ]
            )
            for lyrics, style, no_lyrics, no_style in rows
        ]
    )
