"""The worker of SongEcho: runs in its environment, where there is no songbench.

The authors' own script reads a data set with files of melodies made beforehand, writes MP3, ignores its options and has
one seed for all songs. Their classes are called here in the script's order, with the song's seed, and floats are kept.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import random
import sys
import types
from typing import Any

RATE = 48_000
PITCH_RATE = 16_000
PITCH_RANGE, PITCH_GAP = (50, 900), 6
"""In hertz, and the shortest stretch of frames with a voice: as when the melodies of its training songs were found."""

LYRIC_TOKENS = 4096
"""What the code reads of the lyrics."""


class ReadLines:
    """A lyric tokenizer that notes the lines that it could not read, which the code only logs and leaves out."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.unread: list[str] = []

    def encode(self, text: str, language: str) -> Any:
        """As the tokenizer itself."""
        try:
            return self.tokenizer.encode(text, language)
        except Exception:
            self.unread.append(text)
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)


class Worker:
    """ACE-Step v1 with SongEcho's adapters, and the model that finds the melody.

    Args:
        settings: ``upstream`` (the checkout), ``weights`` (folders by name), ``base`` (name of the weights of
            ACE-Step), ``files`` (name of SongEcho's weights, then its files: adapters, pitch), ``infer_steps``,
            ``guidance_scale``, ``omega_scale``.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # 1. nothing is fetched, the checkout is only read, and its evaluation, which loads a model onto CUDA, is absent
        name, melody, pitch = settings["files"]
        folder = settings["weights"][name]
        sys.dont_write_bytecode = True
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        os.environ.pop("ACE_PIPELINE_DTYPE", None)
        evaluation = types.ModuleType("metrics.f0_pc_rmvpe")
        evaluation.extract_fpc_v2 = None  # type: ignore[attr-defined]
        sys.modules[evaluation.__name__] = evaluation
        sys.path.insert(0, settings["upstream"])
        import torch

        # 2. the networks
        code = importlib.import_module("inference")
        self.torch, self.sampling = torch, {n: settings[n] for n in ("infer_steps", "guidance_scale", "omega_scale")}
        self.device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self.model = code.Pipeline(
            checkpoint_dir=settings["weights"][settings["base"]],
            pt_path=str(pathlib.Path(folder, melody)),
            device=self.device,
        )
        self.model.to(self.device).eval()
        self.pitch = code.RMVPE(str(pathlib.Path(folder, pitch)), device=self.device)
        # 3. what makes a batch of a song: the data set's own methods, without a data set
        self.data = data_set(code.Text2MusicDataset)
        self.data.lyric_tokenizer = self.lines = ReadLines(self.data.lyric_tokenizer)

    def describe(self) -> dict[str, Any]:
        """Where it runs."""
        cuda = self.torch.cuda
        return {"device": f"{self.device} {cuda.get_device_name(0)}" if cuda.is_available() else "cpu"}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song: a new voice that sings the melody, and its band."""
        import numpy
        import soundfile

        # 1. everything random follows from the seed
        seed, cuda = request["seed"], self.torch.cuda
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        self.torch.manual_seed(seed)
        self.lines.unread.clear()
        if cuda.is_available():
            cuda.reset_peak_memory_stats()
        # 2. the song
        batch, tokens = self.batch_of(request)
        with self.torch.no_grad():
            _, _, _, text, text_mask, speaker, words, word_mask, melody = self.model.preprocess(batch)
            latents = self.model.diffusion_process(
                duration=None,
                encoder_text_hidden_states=text,
                text_attention_mask=text_mask,
                speaker_embds=speaker,
                lyric_token_ids=words,
                lyric_mask=word_mask,
                random_generators=self.torch.Generator(self.device).manual_seed(seed),
                encoder_hidden_states_con=melody,
                **self.sampling,
            )
            rate, waves = self.model.dcae.decode(latents, audio_lengths=batch["wav_lengths"], sr=RATE)
        samples = waves[0].float().cpu().numpy().T
        soundfile.write(str(pathlib.Path(request["folder"], "song.wav")), samples, rate, subtype="FLOAT")
        # 3. what became of it
        notes = [f"{len(self.lines.unread)} lines could not be read and were left out"] if self.lines.unread else []
        if tokens > LYRIC_TOKENS:
            notes.append(f"of the lyrics {LYRIC_TOKENS} of {tokens} tokens were read")
        peak = {"peak_gib": cuda.max_memory_allocated() / 2**30} if cuda.is_available() else {}
        return {"audio": "song.wav", "notes": notes, **peak}

    def batch_of(self, request: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """The song as the model takes it, and how many tokens its lyrics have.

        Raises:
            RuntimeError: nobody sings in the vocal.
        """
        torch = self.torch
        target = self.data.get_audio({"filename": request["vocal"]})
        melody = self.melody_of(request["vocal"])
        if target is None or not (melody > 0).any():
            raise RuntimeError("no pitch was found in the vocal, so there is no melody to sing")
        item = self.data.tokenize_lyrics_map({"keys": request["id"], "norm_lyrics": request["lyrics"]})
        tokens = torch.tensor(item["lyric_token_idx"]).long()
        example = {
            "keys": [request["id"]],
            "target_wavs": [target],
            "wav_lengths": [target.shape[-1]],
            "prompts": [request["style"]],
            "speaker_embs": [torch.zeros(512)],
            "lyric_token_ids": [tokens[:LYRIC_TOKENS]],
            "lyric_masks": [torch.ones(min(len(tokens), LYRIC_TOKENS))],
            "candidate_lyric_chunks": [[]],
            "melodys": [torch.from_numpy(melody).float()[None]],
        }
        return self.data.collate_fn([example]), len(tokens)

    def melody_of(self, path: str) -> Any:
        """The pitch in hertz of each hundredth of a second, 0 where nobody sings."""
        librosa = importlib.import_module("librosa")
        samples, _ = librosa.load(path, sr=PITCH_RATE)
        pitch = self.pitch.infer_from_audio(samples, sample_rate=PITCH_RATE)
        return self.pitch.postprocess(pitch, *PITCH_RANGE, min_gap=PITCH_GAP)


def data_set(parent: Any) -> Any:
    """The authors' data set without one on the disk: its methods are what is needed."""

    class Methods(parent):  # type: ignore[misc]  # known only over there
        def setup_full(self, *arguments: Any, **options: Any) -> None:
            self.pretrain_ds: list[Any] = []
            self.total_samples = 0

    return Methods(train=False, load_melody=True)
