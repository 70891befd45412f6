"""What the language model reads before a song: the style prompt, then the lyrics.

Facts that follow the released models rather than intuition: the prompt comes first although it is listed last,
padding is attended to, and the null condition of guidance is not zero (it carries the first sentence's embedding
once).

Shapes: L symbols of lyrics, F prompt frames, C latent channels, D model width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from systems.songbloom.config import ModelConfig
from systems.songbloom.copies import device_copy
from systems.songbloom.text.vocabulary import SECTION_MARK, SENTENCE_MARK, STRUCTURE_TAGS


class Conditioning(nn.Module):
    """Embeddings of lyrics and of the style prompt."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        # Row 0 of both tables is padding: it is read as it is (zero in the released models) and never learns.
        self.symbols = nn.Embedding(len(config.vocabulary.symbols), config.dim, padding_idx=0)
        self.sentences = nn.Embedding(config.max_sentences, config.dim, padding_idx=0)
        self.blank = nn.Parameter(torch.zeros(1, config.dim), requires_grad=False)
        self.prompt = nn.Linear(config.latent_channels, config.dim, bias=False)
        ids = {symbol: number for number, symbol in enumerate(config.vocabulary.symbols)}
        self._tags = frozenset(ids[tag] for tag in STRUCTURE_TAGS)
        self._sentence_mark, self._section_mark = ids[SENTENCE_MARK], ids[SECTION_MARK]

    def lyrics(self, ids: Sequence[int]) -> Tensor:
        """Embeddings of the lyrics, padded with blanks; what is longer than the model sees is cut off.

        Each symbol is summed with its section's tag and the number of its sentence in the section.

        Args:
            ids: symbols, length >= 1.

        Returns:
            Shape (L, D) with L = ``config.lyrics_length``.
        """
        ids = list(ids)[: self.config.lyrics_length]
        owners, sentences = [], []
        section, sentence = 0, 1
        for symbol in ids:
            if symbol in self._tags:
                section, sentence = symbol, 1
            if symbol in self._tags or symbol in (self._sentence_mark, self._section_mark):
                owners.append(symbol)
                sentences.append(0)
            else:
                owners.append(section)
                sentences.append(min(sentence, self.config.max_sentences - 1))
            if symbol == self._sentence_mark:
                sentence += 1
        tokens, tags, numbers = device_copy(torch.tensor([ids, owners, sentences]), self.blank.device)
        embedded = self.symbols(tokens) + self.symbols(tags) + self.sentences(numbers)
        return torch.cat([embedded, self.blank.expand(self.config.lyrics_length - len(ids), -1)])

    def no_lyrics(self) -> Tensor:
        """What stands for no lyrics at all: the padding symbol, once. Shape (L, D)."""
        return self.lyrics([0])

    def no_style(self) -> Tensor:
        """What stands for no style prompt: zeros. Shape (F, D)."""
        return self.blank.new_zeros(self.config.prompt_frames, self.config.dim)

    def style(self, latents: Tensor) -> Tensor:
        """Embeddings of the style prompt, padded with zeros or cut.

        Args:
            latents: of the prompt, (F', C).

        Returns:
            Shape (F, D) with F = ``config.prompt_frames``.
        """
        embedded = self.prompt(latents[: self.config.prompt_frames].to(self.prompt_type))
        return nn.functional.pad(embedded, (0, 0, 0, self.config.prompt_frames - len(embedded)))

    @property
    def prompt_type(self) -> torch.dtype:
        """The type embeddings have."""
        return self.blank.dtype

    def prefix(self, ids: Sequence[int], latents: Tensor) -> Tensor:
        """The conditional prefix, shape (F + L, D)."""
        return torch.cat([self.style(latents), self.lyrics(ids)])

    def null_prefix(self) -> Tensor:
        """The prefix without prompt and lyrics, the same for every song; shape (F + L, D)."""
        return torch.cat([self.no_style(), self.no_lyrics()])
