"""Runs in the environment ``fadtk``: Fréchet distances by fadtk's own code, from weights that songbench has checked.

Nothing is downloaded here. What fadtk and the packages below it would fetch when they are imported or a model is built
is put where they look for it (MERT), or stands in for what never reaches an audio embedding (the text sides of both
CLAPs).

Settings: ``model`` (``MERT-v1-95M``, ``clap-laion-music`` or ``clap-2023``) and ``weights`` (folders with the
model's files).
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

MERT_REPOSITORY = "m-a-p/MERT-v1-95M"
CLAP_FILE = "music_audioset_epoch_15_esc_90.14.pt"
MS_CLAP_FILE = "CLAP_weights_2023.pth"

LEAST_FRAMES = 500
"""Frames of the smallest subset that fadtk extrapolates from; below it there is nothing to extrapolate."""


class Worker:
    """Embeds files one by one, then compares the folders they lie in."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="songbench-fadtk-")
        scratch, weights = Path(self._scratch.name), [Path(folder) for folder in settings["weights"]]
        os.environ.update(HF_HOME=str(scratch / "hub-home"), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        _mend_imports()
        import fadtk.model_loader
        import fadtk.utils
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        _read_and_write_by_soundfile()
        fadtk.utils.pmap = lambda function, files, **_: [function(file) for file in files]  # processes, for a mean
        if settings["model"] == "clap-laion-music":
            _stand_in_for_text()
            _read_tensors_only()
            # fadtk looks for the checkpoint beside its own file, and downloads it to there.
            fadtk.model_loader.__file__ = str(scratch / "model_loader.py")
            _link(weights, [CLAP_FILE], scratch / ".model-checkpoints")
            model = fadtk.model_loader.CLAPLaionModel("music")
        elif settings["model"] == "clap-2023":
            _hear_only_ms_clap()
            _read_tensors_only()
            fadtk.model_loader.__file__ = str(scratch / "model_loader.py")
            _link(weights, [MS_CLAP_FILE], scratch / ".model-checkpoints")
            model = fadtk.model_loader.CLAPModel("2023")
        else:
            _hub_cache(weights, scratch / "hub-home/hub")
            model = fadtk.model_loader.MERTModel(size="v1-95M", layer=12)
        self._distance = fadtk.FrechetAudioDistance(model, audio_load_worker=1)

    def embed(self, file: str) -> int:
        """Have fadtk write the embedding of a sound file beside it.

        Returns:
            How many frames (MERT) or windows (both CLAPs) it has.
        """
        import numpy as np
        from fadtk.utils import get_cache_embedding_path

        model = self._distance.ml
        converted = Path(file).parent / "convert" / str(model.sr) / Path(file).name
        for left in (get_cache_embedding_path(model.name, file), converted):
            left.unlink(missing_ok=True)  # by an interrupted call; it would be taken for whole
        self._distance.cache_embedding_file(file)
        converted.unlink()
        embedded = self._distance.read_embedding_file(file)
        if not np.isfinite(embedded).all():
            get_cache_embedding_path(model.name, file).unlink()  # one of these would make the whole distance NaN
            raise ValueError("the embedding is not finite")
        return len(embedded)

    def distance(self, reference: str, songs: str, seed: int) -> dict[str, Any]:
        """Compare two folders whose files are embedded; the files themselves may be gone.

        Args:
            reference: the folder of the reference songs.
            songs: the folder of the evaluated songs.
            seed: of the subsets that are extrapolated from; fadtk itself draws them unseeded.

        Returns:
            ``fad``; ``inf`` with ``score``, ``slope`` and ``r2``, or None when there are too few frames.
        """
        import numpy as np

        embedded = sorted((Path(songs) / "embeddings" / self._distance.ml.name).glob("*.npy"))
        files = [Path(songs) / f"{one.stem}.wav" for one in embedded]
        scores: dict[str, Any] = {"fad": float(self._distance.score(reference, songs)), "inf": None}
        if sum(len(self._distance.read_embedding_file(file)) for file in files) > LEAST_FRAMES:
            np.random.seed(seed)
            line = self._distance.score_inf(reference, files, min_n=LEAST_FRAMES)
            scores["inf"] = {"score": float(line.score), "slope": float(line.slope), "r2": float(line.r2)}
        return scores


def _link(folders: list[Path], names: list[str], place: Path) -> None:
    place.mkdir(parents=True)
    for name in names:
        source = next(folder / name for folder in folders if (folder / name).is_file())
        (place / name).symlink_to(source.resolve())


def _hub_cache(folders: list[Path], place: Path) -> None:
    """The cache that the hub's client would have made of the files, under a made-up commit."""
    repository, commit = place / f"models--{MERT_REPOSITORY.replace('/', '--')}", "0" * 40
    files = [file.name for folder in folders for file in sorted(folder.iterdir()) if file.suffix != ".json"]
    files += ["config.json", "preprocessor_config.json"]
    _link(folders, files, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)


def _mend_imports() -> None:
    """Make torchaudio and torchvision importable beside a CPU build of torch, for which they are not built."""
    import torch

    if torch.version.cuda is not None:
        return
    audio = ModuleType("torchaudio._extension")
    facts = {"_IS_TORCHAUDIO_EXT_AVAILABLE": False, "_IS_ALIGN_AVAILABLE": False, "__path__": []}
    audio.__dict__.update(facts, _check_cuda_version=lambda: None, fail_if_no_align=lambda function: function)
    for package, module in (("torchaudio", audio), ("torchvision", ModuleType("torchvision._meta_registrations"))):
        try:
            importlib.import_module(package)
        except (ImportError, OSError, RuntimeError):
            for name in [name for name in sys.modules if name.partition(".")[0] == package]:
                del sys.modules[name]
            sys.modules[module.__name__] = module
            importlib.import_module(package)


def _read_and_write_by_soundfile() -> None:
    """What fadtk asks of torchaudio (its backend ``soundfile``); later torchaudios want ffmpeg's libraries instead."""
    import soundfile
    import torch
    import torchaudio

    def load(path: str, **_: Any) -> tuple[torch.Tensor, int]:
        """Samples of shape (channels, n), and their rate."""
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    def save(path: str, samples: torch.Tensor, rate: int, encoding: str, bits_per_sample: int) -> None:
        """Write samples of shape (channels, n)."""
        soundfile.write(path, samples.numpy().T, rate, subtype=f"{encoding.replace('_S', '')}_{bits_per_sample}")

    torchaudio.load, torchaudio.save = load, save


def _stand_in_for_text() -> None:
    """CLAP's text side without the hub: no tokenizers, and a RoBERTa that gets every tensor from the checkpoint."""
    import transformers

    for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
        getattr(transformers, name).from_pretrained = classmethod(lambda cls, *_, **__: None)
    base = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    config: Any = transformers.RobertaConfig
    roberta: Any = transformers.RobertaModel
    roberta.from_pretrained = classmethod(lambda cls, *_, **__: cls(config(**base)))


def _hear_only_ms_clap() -> None:
    """MS-CLAP without its text side and the hub, and refusing checkpoints that do not fill its audio side.

    msclap ignores what a checkpoint lacks; the layers concerned would stay random.
    """
    import msclap.models.clap
    import torch
    import transformers

    model: Any = transformers.AutoModel
    model.from_pretrained = classmethod(lambda cls, *_, **__: torch.nn.Module())
    tokenizer: Any = transformers.AutoTokenizer
    tokenizer.from_pretrained = classmethod(lambda cls, *_, **__: SimpleNamespace(add_special_tokens=lambda _: 0))
    loaded = msclap.models.clap.CLAP.load_state_dict

    def load(self: torch.nn.Module, state: Any, strict: bool = False) -> Any:
        keys = loaded(self, state, strict=strict)
        absent = [key for key in keys.missing_keys if key.startswith("audio_encoder.")]
        if absent:
            raise ValueError(f"{MS_CLAP_FILE} is of another model: it lacks {absent[0]} and {len(absent) - 1} more")
        return keys

    clap: Any = msclap.models.clap.CLAP
    clap.load_state_dict = load


def _read_tensors_only() -> None:
    """Have checkpoints read without running what they hold; LAION's holds numpy scalars beside its tensors."""
    import numpy as np
    import torch

    scalar = np.float64(0).__reduce__()[0]  # how numpy pickles one, under the name it had when that was done
    allowed: list[Any] = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    allowed += [np.dtype, *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64"))]
    torch.serialization.add_safe_globals(allowed)
    load = torch.load
    torch.load = lambda *arguments, **options: load(*arguments, **{**options, "weights_only": True})
