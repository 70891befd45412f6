"""What to do when a pass does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from songbench.domain.errors import InputError
from systems.songbloom.training.settings import TrainingSettings


@contextmanager
def explained_memory(settings: TrainingSettings, step: int) -> Iterator[None]:
    """Turn running out of memory into a sentence with the cure for these settings.

    Args:
        settings: of the training.
        step: the number of the step that is being computed, from 1.

    Raises:
        InputError: instead of torch's own error.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _error(settings, step) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # the CPU's allocator has no type of its own
            raise
        raise _error(settings, step) from error


def _error(settings: TrainingSettings, step: int) -> InputError:
    batch, compute = settings.batch, settings.compute
    if batch.songs > 1:
        half = -(-batch.songs // 2)
        passes = -(-batch.songs * batch.accumulation // half)
        cure = (
            f"Set batch.songs={half} batch.accumulation={passes}, which gives"
            f" {'the same' if half * passes == batch.songs * batch.accumulation else 'nearly the same'} step."
        )
    elif not compute.checkpointing:
        cure = "Set compute.checkpointing=true: layers are computed twice and their insides not kept."
    elif compute.precision == "float32":
        cure = "Set compute.precision=bfloat16."
    else:
        cure = "Show shorter pieces (crop.max_seconds), train adapters only (--lora), or take a smaller model."
    return InputError(f"Memory ran out at step {step}.", field="batch.songs", cure=cure)
