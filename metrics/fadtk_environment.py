"""The environment of fadtk, in which its own embeddings and distances are computed."""

from __future__ import annotations

from pathlib import Path

from songbench.resources.environments import Environment

FADTK = Environment(
    name="fadtk",
    summary="fadtk 1.1.0, Microsoft's toolkit for the Fréchet audio distance; it wants numpy before 2.",
    requirements=(
        "torch==2.13.0",
        "torchaudio==2.11.0",
        "torchvision==0.28.0",
        "fadtk==1.1.0",
        "transformers==4.57.6",
        "huggingface_hub==0.36.2",
        "laion-clap==1.1.7",
        "msclap==1.3.4",
        "encodec==0.1.1",
        "hypy-utils==1.0.29",
        "nnaudio==0.3.4",
        "librosa==0.10.2.post1",
        "soundfile==0.14.0",
        "scipy==1.17.1",
        "numpy==1.26.4",
    ),
    licence="MIT (fadtk)",
    about=7_500_000_000,  # with torch for CUDA; 2 GB for a CPU
)

SCRIPT = Path(__file__).with_name("isolated") / "fadtk_worker.py"
"""The worker that runs there."""
