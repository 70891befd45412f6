"""Copied into an environment as sitecustomize.py: lets packages that are built for CUDA work with a CPU build of torch.

- torchaudio's compiled part is not loaded; nothing that the tests reach needs it.
- torchvision's operators are not registered.
- attention "flash_attention_2" means torch's own.
- espeak-ng is the one of the espeakng-loader package where the machine has none.
- torch.compile does nothing.
"""

import ctypes.util
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
import types


def without_compiled_parts():
    extension = types.ModuleType("torchaudio._extension")
    extension.__path__ = []
    for name in ("_IS_TORCHAUDIO_EXT_AVAILABLE", "_IS_ALIGN_AVAILABLE", "_IS_RIR_AVAILABLE", "_SOX_INITIALIZED"):
        setattr(extension, name, False)
    for name in ("fail_if_no_align", "fail_if_no_rir", "fail_if_no_sox"):
        setattr(extension, name, lambda function: function)
    extension.lazy_import_sox_ext = lambda: types.SimpleNamespace(is_available=lambda: False)
    extension._check_cuda_version = lambda: None
    sys.modules["torchaudio._extension"] = extension
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")


class _AfterImport(importlib.abc.MetaPathFinder):
    """Changes a module when it was loaded."""

    def __init__(self, name, change):
        self.name, self.change = name, change

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def load_and_change(module):
            load(module)
            self.change(module)

        spec.loader.exec_module = load_and_change
        return spec


def after_import(name, change):
    """Let a function change a module when it was loaded."""
    sys.meta_path.insert(0, _AfterImport(name, change))


def use_own_attention(module):
    def use_torch(cls, config, *arguments, **options):
        config._attn_implementation = "sdpa"
        return config

    module.PreTrainedModel._check_and_enable_flash_attn_2 = classmethod(use_torch)


def use_packaged_espeak():
    import espeakng_loader

    os.environ.setdefault("PHONEMIZER_ESPEAK_LIBRARY", espeakng_loader.get_library_path())
    os.environ.setdefault("ESPEAK_DATA_PATH", espeakng_loader.get_data_path())


if importlib.metadata.version("torch").endswith("+cpu"):
    without_compiled_parts()
    after_import("transformers.modeling_utils", use_own_attention)
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
if not ctypes.util.find_library("espeak-ng") and importlib.util.find_spec("espeakng_loader"):
    use_packaged_espeak()
