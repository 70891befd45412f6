"""Songs of a prepared folder as the training loop asks for them."""

from __future__ import annotations

import torch

from songbench.domain.errors import InputError
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.training.batch import SongExample
from systems.songbloom.training.data.crops import CropSettings, fits
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.settings import CropChoice
from systems.training.seeds import derived_generator


def crop_settings(choice: CropChoice, config: SongBloomConfig) -> CropSettings:
    """How songs are cut for a model."""
    return CropSettings(
        patch=config.model.patch,
        max_seconds=choice.max_seconds or config.trained_seconds,
        style_frames=config.model.prompt_frames,
        place=choice.place,
        style_place=choice.style_place,
    )


class PreparedSongs:
    """The songs of a split that can be cut as asked for (a `systems.songbloom.training.song_steps.ExampleSource`)."""

    def __init__(self, dataset: SongDataset, crop: CropSettings) -> None:
        self.dataset, self.crop = dataset, crop
        self._indices = dataset.usable(crop)

    def __len__(self) -> int:
        return len(self._indices)

    def example(self, index: int, generator: torch.Generator) -> SongExample:
        """See `ExampleSource`."""
        return self.dataset.example(self._indices[index], self.crop, generator)

    def first(self, count: int) -> list[SongExample]:
        """So many songs at most, always the same pieces of the same songs."""
        places = range(min(count, len(self)))
        return [self.example(place, derived_generator("fixed piece", place)) for place in places]

    def require(self) -> None:
        """Refuse a split without songs to use.

        Raises:
            InputError: it says why the first is none.
        """
        if len(self):
            return
        songs, rate = self.dataset.songs, self.dataset.info.basis.frame_rate
        if not songs:
            raise InputError(
                f"There is no song for {self.dataset.split}: all are in the other split.",
                file=str(self.dataset.folder),
                cure="Prepare more songs, or with another share to hold out (--validation).",
            )
        raise InputError(
            f"None of the {len(songs)} songs for {self.dataset.split} can be used. The first, '{songs[0].id}':"
            f" {fits(songs[0], self.crop, rate)}.",
            file=str(self.dataset.folder),
        )
