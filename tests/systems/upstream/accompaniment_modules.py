"""Stand-ins for the Python modules of systems without a usable program: names, signatures and quirks, no networks."""

TORCH = '''
"""Stands for torch: enough of it for a worker, with numpy arrays inside."""
import contextlib, types
import numpy

seeds = []


class Tensor:
    def __init__(self, values):
        self.values = numpy.asarray(values)

    def __getitem__(self, place):
        return Tensor(self.values[place])

    def __len__(self):
        return len(self.values)

    def __add__(self, other):
        return Tensor(self.values + getattr(other, "values", other))

    def __mul__(self, other):
        return Tensor(self.values * getattr(other, "values", other))

    __rmul__ = __mul__
    T = property(lambda self: Tensor(self.values.T))
    shape = property(lambda self: self.values.shape)
    to = lambda self, device: self
    cpu = lambda self: self
    long = lambda self: Tensor(self.values.astype(int))
    float = lambda self: Tensor(self.values.astype("float32"))
    numpy = lambda self: self.values


class Generator:
    def __init__(self, device="cpu"):
        self.seed = None

    def manual_seed(self, seed):
        self.seed = seed
        return self


float16, float32 = "float16", "float32"
from_numpy = tensor = Tensor
no_grad = contextlib.nullcontext
zeros, ones = (lambda *shape: Tensor(numpy.zeros(shape))), (lambda *shape: Tensor(numpy.ones(shape)))
manual_seed = seeds.append


def load(path, map_location, weights_only):
    assert weights_only and open(path, "rb")
    return {"file": str(path)}


cuda = types.SimpleNamespace(
    is_available=lambda: CUDA,
    get_device_name=lambda *device: "made up",
    reset_peak_memory_stats=lambda: None,
    max_memory_allocated=lambda: 2**30,
)
'''

FASTSAG = {
    "torch.py": TORCH.replace("CUDA", "False"),
    "hubert_kmeans/model.py": """
import glob, os
def create_hubert_kmeans_from_config(kmeans_path, device):
    assert kmeans_path is None and os.environ["HF_HUB_OFFLINE"] == "1"
    assert glob.glob(os.environ["HF_HUB_CACHE"] + "/models--m-a-p--MERT-v1-95M/snapshots/*/config.json")
    def hear(wave, return_embed=False, flatten=True):
        assert return_embed
        return wave
    return hear
""",
    "BigVGAN/bigvgan.py": "class BigVGAN:\n    pass\n",
    "BigVGAN/bigvgan_wrapper.py": """
import os
from bigvgan import BigVGAN
class BigVGANWrapper:
    def __init__(self, model):
        assert os.path.exists(model + "/bigvgan_generator.pt")
    def get_mel(self, wave):
        assert wave.shape == (1, 240000)
        return wave[:, :937]
    def get_wav(self, mel, outfile=None, ratio=1.0):
        raise AssertionError("16-bit integers, which wrap around")
    def recon_wav(self, mel, to_int=True):
        assert not to_int
        return mel
""",
    "sde_diffusion/utils_d.py": """
def norm_spec(x): return x
def denorm_spec(x): return x
def zero_mean_unit_var_norm(x):
    low, high = x.values.min(), x.values.max()
    x.values = -0.8 + 1.6 / (high - low) * (x.values - low)
    return x
""",
    "sde_diffusion/fastsag.py": """
import numpy, torch
class FastSAG:
    def __init__(self, n_spks, spk_emb_dim, n_feats, dec_dim, beta_min, beta_max, pe_scale, vocoder, wav2vec, mix_type):
        assert (n_feats, mix_type) == (100, "wavenet")
        self.vocoder, self.wav2vec = vocoder, wav2vec
    def load_state_dict(self, state, strict):
        assert strict and state["file"].endswith("fastsag.pt")
    def to(self, device): return self
    def eval(self): return self
    def __call__(self, x, n_timesteps, y, use_cfg, use_x_mel):
        print("heard:", x["wav"].values.max(), torch.seeds[-1], flush=True)
        assert set(x) == {"wav", "mel", "semantic"} and n_timesteps == 4 and y is None
        assert abs(x["wav"].values).max() <= 0.8001
        if torch.seeds[-1] == 13:
            raise ValueError("tensors of different sizes")
        random = numpy.random.default_rng(torch.seeds[-1]).uniform(-1, 1, 240000 - 128)
        return None, torch.Tensor(random[None]), None
""",
}

MUSECONTROLLITE = {
    "torch.py": TORCH.replace("CUDA", "True"),
    "config_inference.py": """
def get_config():
    return {
        "condition_type": ["audio"], "output_dir": "./generated_audio", "apadapter": True, "ap_scale": 1.0,
        "guidance_scale_text": 7.0, "guidance_scale_con": 1.5, "guidance_scale_audio": 1.0, "denoise_step": 50,
        "sigma_min": 0.3, "sigma_max": 500, "weight_dtype": "fp16", "negative_text_prompt": "",
        "audio_mask_start_seconds": 14, "audio_mask_end_seconds": 47, "musical_attribute_mask_start_seconds": 0,
        "musical_attribute_mask_end_seconds": 0, "no_text": False, "show_result_and_plt": True,
        "audio_files": ["a.mp3"], "text": ["b"],
        "transformer_ckpt_musical": "./checkpoints/woSDD-all/model_3.safetensors",
        "extractor_ckpt_musical": {"dynamics": "./checkpoints/woSDD-all/model_1.safetensors"},
        "audio_transformer_ckpt": "./model.safetensors",
        "transformer_ckpt_melody_mono": "./checkpoints/40000_Melody_mono/model_1.safetensors",
    }
""",
    "MuseControlLite_setup.py": """
import glob, os, types
import numpy, torch

def initialize_condition_extractors(config):
    assert config["condition_type"] == ["dynamics", "rhythm", "melody_mono"] and not config["show_result_and_plt"]
    assert not any(value for name, value in config.items() if "mask" in name)
    for path in (config["transformer_ckpt_musical"], *config["extractor_ckpt_musical"].values()):
        assert os.path.exists(path), path
    return {"melody": None}, config["transformer_ckpt_musical"]

def setup_MuseControlLite(config, weight_dtype, transformer_ckpt):
    assert weight_dtype == "float16" and config["denoise_step"] == 4
    base = os.environ["HF_HUB_CACHE"] + "/models--stabilityai--stable-audio-open-1.0"
    assert glob.glob(base + "/snapshots/*/model_index.json")
    return Pipeline()

def process_musical_conditions(config, audio_file, condition_extractors, output_dir, i, weight_dtype, MuseControlLite):
    import soundfile
    facts = soundfile.info(audio_file)
    assert (facts.frames, facts.samplerate, facts.channels) == (2097152, 44100, 2), facts
    return "curves", None

class Pipeline:
    vae = types.SimpleNamespace(sampling_rate=44100)
    def to(self, device):
        assert device == "cuda"
        return self
    def __call__(self, extracted_condition, extracted_condition_audio, prompt, negative_prompt, num_inference_steps,
                 guidance_scale_text, guidance_scale_con, guidance_scale_audio, num_waveforms_per_prompt,
                 audio_end_in_s, generator):
        print("text:", prompt, flush=True)
        assert extracted_condition == "curves" and extracted_condition_audio is None
        assert round(audio_end_in_s, 2) == 47.55
        if "crash" in prompt:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        level = numpy.random.default_rng(generator.seed).uniform(0.1, 0.9)
        return types.SimpleNamespace(audios=[torch.Tensor(numpy.full((2, 2097152), level))])
""",
}

SONGECHO = {
    "torch.py": TORCH.replace("CUDA", "False"),
    "librosa.py": """
def load(path, sr):
    import soundfile
    samples, rate = soundfile.read(path)
    return samples[:: rate // sr], sr
""",
    "metrics/__init__.py": "",
    "metrics/f0_pc_rmvpe.py": "raise RuntimeError('this puts a model onto CUDA')",
    "acestep/__init__.py": "",
    "acestep/text2music_dataset.py": """
import soundfile, torch

class VoiceBpeTokenizer:
    def encode(self, text, language):
        if "?" in text:
            raise ValueError("a sign that it does not know")
        return [ord(letter) for letter in text]

class Text2MusicDataset:
    def __init__(self, train=True, train_dataset_path="./data", max_duration=240.0, sample_size=None, shuffle=True,
                 minibatch_size=1, load_melody=False):
        self.lyric_tokenizer = VoiceBpeTokenizer()
        self.setup_full(train, shuffle, sample_size)
    def setup_full(self, train=True, shuffle=True, sample_size=None):
        raise FileNotFoundError("no data set")
    def get_audio(self, item):
        samples, rate = soundfile.read(item["filename"], always_2d=True)
        return torch.Tensor(samples.repeat(48000 // rate, 0).T.repeat(2 // samples.shape[1], 0))
    def tokenize_lyrics_map(self, item, debug=False):
        tokens = [261]
        for line in item["norm_lyrics"].split(chr(10)):
            try:
                tokens += self.lyric_tokenizer.encode(line, "en")
            except Exception as error:
                print("Tokenize error:", error)
        return {**item, "lyric_token_idx": tokens}
    def collate_fn(self, batch):
        return {name: torch.Tensor([v.values for v in values]) if hasattr(values[0], "values") else values
                for name, values in batch[0].items()}
""",
    "inference.py": """
import os, types
import numpy, torch
from acestep.text2music_dataset import Text2MusicDataset
from metrics.f0_pc_rmvpe import extract_fpc_v2

class RMVPE:
    def __init__(self, model_path, hop_length=160, device=None):
        assert os.path.exists(model_path)
    def infer_from_audio(self, audio, sample_rate=16000):
        assert sample_rate == 16000
        return numpy.full(len(audio) // 160, 0.0 if abs(audio).max() < 0.05 else 220.0)
    def postprocess(self, f0, fmin=50, fmax=1000, audio=None, min_gap=2):
        assert (fmin, fmax, min_gap) == (50, 900, 6)
        return f0

class Pipeline:
    def __init__(self, num_workers=4, checkpoint_dir=None, dataset_path="", lora_config_path=None, pt_path=None,
                 device="cuda"):
        assert os.path.exists(checkpoint_dir + "/music_dcae_f8c8/config.json")
        assert os.path.exists(pt_path) and os.path.exists(pt_path.replace("melody.pt", "melody_encoder.pt"))
        self.dcae = types.SimpleNamespace(decode=self.decode)
    def to(self, device): return self
    def eval(self): return self
    def preprocess(self, batch):
        assert batch["melodys"].shape[:2] == (1, 1) and batch["speaker_embs"].shape == (1, 512)
        print("words:", "".join(map(chr, batch["lyric_token_ids"].values[0])), batch["prompts"], flush=True)
        if "crash" in batch["prompts"][0]:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return (batch["keys"], *("latents", "mask", "text", "text mask", "speaker", "words", "word mask", "melody"))
    def diffusion_process(self, duration, encoder_text_hidden_states, text_attention_mask, speaker_embds,
                          lyric_token_ids, lyric_mask, random_generators=None, infer_steps=60,
                          guidance_scale=15.0, omega_scale=10.0, encoder_hidden_states_con=None):
        torch.manual_seed(1234)
        assert duration is None and encoder_hidden_states_con == "melody" and infer_steps == 4
        return numpy.random.default_rng(random_generators.seed).uniform(0.1, 0.9)
    def decode(self, latents, audio_lengths, sr):
        return sr, [torch.Tensor(numpy.full((2, audio_lengths[0]), latents))]
""",
}


def lay_out(files, folder):
    """Write the modules of a stand-in."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
