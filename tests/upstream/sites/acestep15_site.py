"""Copied into an environment as sitecustomize.py: ACE-Step 1.5's own code around two models that are not there.

Real are ``generate_music`` with its parameters, the seeds, the limits by the device's memory, the reference audio and
the file that is saved. In the place of the diffusion transformer a tone is made, whose pitch follows from the seed; in
that of the language model, another caption and another language than were asked for.
"""

import math

import absent
import cpu_site

RATE = 48_000


def initialize_service(self, project_root, config_path, device, **options):
    absent.note("model", config_path)
    self.device, self.text_tokenizer = "cpu", lambda text, **choices: {"input_ids": text.split()}
    return "loaded", True


def generate_music(self, captions, lyrics, seed, use_random_seed, audio_duration, reference_audio, **options):
    import torch

    absent.note("song", {"style": captions, "lyrics": lyrics, "language": options["vocal_language"]})
    seeds, _ = self.prepare_seeds(options["batch_size"], seed, use_random_seed)
    if reference_audio:
        absent.note("reference", tuple(self.process_reference_audio(reference_audio).shape))
    time = torch.arange(int(audio_duration * RATE)) / RATE
    tones = [0.3 * torch.sin(2 * math.pi * (200 + seed % 100) * time).repeat(2, 1) for seed in seeds]
    audios = [{"tensor": tone, "sample_rate": RATE} for tone in tones]
    return {"audios": audios, "status_message": "", "extra_outputs": {"time_costs": {}}, "success": True}


class LanguageModel:
    llm_initialized, llm_backend = True, "pt"

    def initialize(self, checkpoint_dir, lm_model_path, backend, device):
        absent.note("language model", lm_model_path)
        return "loaded", True

    def generate_with_stop_condition(self, **options):
        metadata = {"caption": "something else", "vocal_language": "fr", "bpm": 90, "duration": 17}
        return {"success": True, "metadata": metadata, "audio_codes": "<|audio_code_1|>", "extra_outputs": {}}


def change_handler(module):
    module.AceStepHandler.initialize_service = initialize_service
    module.AceStepHandler.generate_music = generate_music


def change_language_model(module):
    module.LLMHandler = LanguageModel


absent.replace(("diffusers",), {})
cpu_site.after_import("acestep.handler", change_handler)
cpu_site.after_import("acestep.llm_inference", change_language_model)
