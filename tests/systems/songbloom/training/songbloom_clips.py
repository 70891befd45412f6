"""Eight short songs of the rule-based singer as a small model is trained on them."""

from dataclasses import dataclass, replace
from functools import cache

import torch

from songbench.domain.audio import Audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from systems.rulebased.system import RuleBased
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.initialisation import initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongExample
from systems.songbloom.training.tokenizer.clusters import train_codebook
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer
from systems.songbloom.training.tokenizer.mel import MelFeatures
from systems.songbloom.training.trained import freeze_untrained

LINES = (
    "The road is long and dark",
    "I open up the door",
    "We run into the night",
    "My heart is made of gold",
    "The rain falls on the sea",
    "So take my hand and stay",
    "The stars begin to shine",
    "Tomorrow never came",
)
CODES = 64
FRAMES = 48

CLIPS = SongBloomConfig(
    name="clips",
    model=ModelConfig(
        dim=64,
        heads=2,
        lm_layers=2,
        dit_layers=2,
        latent_channels=8,
        sketch_vocabulary=CODES,
        timestep_features=32,
        prompt_frames=8,
        lyrics_length=24,
    ),
    autoencoder=AutoencoderConfig(channels=4, latent_channels=8),
    decoding=DecodingConfig(steps=8, max_seconds=5.12, guidance=1.0, sampling=False, penalise_repetition=False),
    trained_seconds=5.12,
)


@dataclass(frozen=True)
class Clips:
    """Songs ready to be trained on, and a model that has learnt nothing (a `ExampleSource`).

    As in the released autoencoder, latents are drawn around a mean; they are drawn anew each time a song is shown.
    """

    examples: tuple[SongExample, ...]
    deviation: float
    autoencoder: dict[str, torch.Tensor]

    def __len__(self) -> int:
        return len(self.examples)

    def example(self, index: int, generator: torch.Generator) -> SongExample:
        song = self.examples[index]
        noise = torch.randn(song.latents.shape, generator=generator)
        return replace(song, latents=song.latents + self.deviation * noise)

    def model(self, config: SongBloomConfig = CLIPS, seed: int = 0) -> SongBloom:
        model = SongBloom(config)
        model.autoencoder.load_state_dict(self.autoencoder)
        return freeze_untrained(initialise(model, torch.Generator().manual_seed(seed)))


@cache
def clips() -> Clips:
    """Rendered, encoded and tokenised; a few seconds."""
    sounds = [_sung(line, number) for number, line in enumerate(LINES)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SongBloom(CLIPS).requires_grad_(False)
    _fit_latents(model, sounds)
    features = MelFeatures()
    frames = [model.autoencoder.frames(sound.samples.shape[1]) for sound in sounds]
    vectors = [features.vectors(sound, count) for sound, count in zip(sounds, frames, strict=True)]
    tokenizer = CodebookTokenizer(features, train_codebook(torch.cat(vectors), CODES))
    examples = []
    for number, (sound, count) in enumerate(zip(sounds, frames, strict=True)):
        mean, deviation = model.autoencoder.moments(_wave(sound))
        latents = mean[0].T.contiguous()
        # Symbols of our own: what they mean does not matter here, only that they differ from song to song.
        lyrics = (1, *(20 + (7 * number + 3 * place) % 60 for place in range(8)))
        sketch = tokenizer.tokens(sound, count)[:FRAMES]
        style = latents[: CLIPS.model.prompt_frames]
        examples.append(
            SongExample(id=f"clip{number}", sketch=sketch, latents=latents[:FRAMES], lyrics=lyrics, style=style)
        )
    return Clips(tuple(examples), float(deviation[0, 0, 0]), model.autoencoder.state_dict())


def random_songs(
    count: int, config: ModelConfig = CLIPS.model, patches: tuple[int, ...] = (1, 2, 3)
) -> list[SongExample]:
    """Songs without any music, of several lengths."""
    generator = torch.Generator().manual_seed(5)
    songs = []
    for number in range(count):
        frames = config.patch * patches[number % len(patches)]
        songs.append(
            SongExample(
                id=f"song{number}",
                sketch=torch.randint(0, config.sketch_vocabulary, (frames,), generator=generator),
                latents=torch.randn(frames, config.latent_channels, generator=generator),
                lyrics=(1, 20 + number, 30),
                style=torch.randn(config.prompt_frames, config.latent_channels, generator=generator),
            )
        )
    return songs


def small(**sizes) -> SongBloomConfig:
    return replace(CLIPS, model=replace(CLIPS.model, **sizes))


def _sung(line: str, number: int) -> Audio:
    prompt = Prompt(id=f"clip{number}", lyrics=parse_lyrics(f"[verse]\n{line}\n"), language="en")
    (song,) = RuleBased().generate([Request(prompt=prompt, take=0, seed=number, prompt_audio=None)])
    return song.source.load()


def _fit_latents(model: SongBloom, sounds: list[Audio]) -> None:
    """Let random weights give latents of about unit variance and little noise, as a trained autoencoder does."""
    channels, last = model.config.model.latent_channels, model.autoencoder.encoder[-1]
    means = torch.cat([model.autoencoder.moments(_wave(sound))[0][0] for sound in sounds], dim=1)
    centre, spread = means.mean(dim=1), means.std(dim=1)
    last.bias[:channels] = (last.bias[:channels] - centre) / spread
    last.weight[:channels] /= spread[:, None, None]
    last.weight[channels:], last.bias[channels:] = 0.0, -1.0


def _wave(sound: Audio) -> torch.Tensor:
    return torch.from_numpy(sound.samples)[None]
