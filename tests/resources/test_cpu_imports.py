"""The packages that are built for CUDA import beside a CPU build of torch, and nothing changes where they do anyway."""

import subprocess
import sys

CODE = """
from songbench.resources.cpu_imports import mend_cpu_imports
mended = mend_cpu_imports()
assert mend_cpu_imports() == mended
import torch, torchaudio, torchvision
from transformers import WhisperProcessor
assert mended == [] or torch.version.cuda is None
if mended:
    import torchaudio._extension as extension
    try:
        extension.fail_if_no_align(len)()
    except RuntimeError as error:
        assert "len needs a torchaudio built for this torch" in str(error)
    else:
        raise SystemExit("the stand-in pretends")
"""


def test_torch_companions_can_be_imported():
    process = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=240, check=False)
    assert process.returncode == 0, process.stderr
