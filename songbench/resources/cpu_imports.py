"""Makes torchaudio and torchvision importable beside a CPU build of torch.

Their wheels are built for CUDA and load CUDA libraries on import, which fails where torch is a CPU build; that in turn
breaks whatever probes them (transformers, torchmetrics, pyannote). Stand-ins for the two modules that load those
libraries are put in place, only when the plain import fails and only in this process. What is lost: torchaudio's forced
alignment and RNN-T loss, torchvision's native operators. songbench uses none of them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn


def mend_cpu_imports() -> list[str]:
    """Put the stand-ins in place where they are needed.

    Returns:
        The names of the packages that are importable now only thanks to a stand-in; empty on a matching build.
    """
    import torch

    if torch.version.cuda is not None:
        return []
    stand_ins: dict[str, tuple[str, Callable[[], ModuleType]]] = {
        "torchaudio": ("torchaudio._extension", _audio_extension),
        "torchvision": ("torchvision._meta_registrations", lambda: ModuleType("torchvision._meta_registrations")),
    }
    mended = []
    for package, (name, build) in stand_ins.items():
        if name in sys.modules and getattr(sys.modules[name], "__songbench__", False):
            mended.append(package)
        elif not _imports(package):
            module = build()
            module.__dict__["__songbench__"] = True
            sys.modules[name] = module
            if _imports(package):
                mended.append(package)
            else:
                del sys.modules[name]
    return mended


def _imports(package: str) -> bool:
    try:
        importlib.import_module(package)
    except Exception:  # OSError, RuntimeError or ImportError, depending on which library is missed
        for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
            if not getattr(sys.modules[name], "__songbench__", False):
                del sys.modules[name]
        return False
    return True


def _audio_extension() -> ModuleType:
    module = ModuleType("torchaudio._extension")

    def fail_if_no_align(function: Callable[..., object]) -> Callable[..., NoReturn]:
        def fail(*_: object, **__: object) -> NoReturn:
            raise RuntimeError(f"{function.__name__} needs a torchaudio built for this torch")

        return fail

    facts: dict[str, object] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "__path__": [],
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": fail_if_no_align,
    }
    module.__dict__.update(facts)
    return module
