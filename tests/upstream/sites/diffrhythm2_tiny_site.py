"""Copied into an environment as sitecustomize.py: DiffRhythm 2's program runs on a CPU.

There it leaves the models in single precision and makes some of their inputs half precision, which do not go together;
so half precision means single precision here.
"""

import cpu_site


def without_halves(torch):
    torch.Tensor.half = torch.Tensor.float


cpu_site.after_import("torch", without_halves)
