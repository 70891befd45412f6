"""Copied into an environment as sitecustomize.py: torchaudio writes files by soundfile.

The version that is pinned for ACE-Step v1 does so by itself; later ones need FFmpeg.
"""

import cpu_site
import soundfile


def write_by_soundfile(module):
    def save(path, samples, sample_rate, **options):
        soundfile.write(path, samples.numpy().T, sample_rate, subtype="FLOAT")

    module.save = save


cpu_site.after_import("torchaudio", write_by_soundfile)
