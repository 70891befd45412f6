"""How often the host waits for the device while songs are decoded: once a patch, however many songs there are."""

from dataclasses import replace

import pytest
import torch
from songbloom_random import SMALL, longer, random_model
from watched_device import WatchedDevice, to_device

from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch
from systems.songbloom.draws import SeededDraws

PATCHES = 3
CONFIG = replace(SMALL, decoding=longer(PATCHES * SMALL.patch_seconds).decoding.changed({"steps": 2}))


def orders(count):
    for song in range(count):
        generator = torch.Generator().manual_seed(song)
        prompt = torch.randn(CONFIG.model.prompt_frames, CONFIG.model.latent_channels, generator=generator)
        yield DecodingInput((1, 20 + song, 30), prompt, SeededDraws(song, CONFIG))


def test_the_watch_sees_every_kind_of_wait():
    with torch.inference_mode(), WatchedDevice() as device:
        tensor = torch.tensor([1.0, 2.0], device="meta")  # waits: torch copies what is not pinned
        assert device.counts["waits: to the device"] == 1
        copied = torch.ones(2).to("meta", non_blocking=True)
        tensor.copy_(torch.zeros(2))
        assert device.counts == {"copies": 1, "waits: to the device": 2}
        reads = (
            lambda: tensor.sum().item(),
            tensor.cpu,
            lambda: bool(tensor.sum() > 3),
            lambda: copied[copied > 0],
            tensor.tolist,
        )
        for number, read in enumerate(reads):
            read()
            assert device.counts["waits: to the host"] == number + 1
        with pytest.raises(AssertionError, match="on the device and on the CPU"):
            tensor + torch.zeros(2)


@pytest.mark.parametrize("capture", [True, False], ids=["fixed shapes", "each"])
def test_the_host_waits_once_a_patch(capture):
    """For the tokens, which say whether a song has ended; what is copied the other way is copied beside the work."""
    on_cpu = [event.tokens for event in patches(DecodingEngine(model(), slots=2))]
    with torch.inference_mode(), WatchedDevice() as device:
        engine = DecodingEngine(to_device(model()), slots=2, capture=capture)
        device.counts.clear()
        for patch, tokens in zip(patches(engine), on_cpu, strict=True):
            assert torch.equal(patch.tokens, tokens)
            assert device.counts["waits: to the host"] == patch.number + 1
            assert not device.counts["waits: to the device"]


def patches(engine):
    return (event for event in engine.decode(orders(2)) if isinstance(event, Patch))


def model():
    return random_model(CONFIG, end_bias=-50)
