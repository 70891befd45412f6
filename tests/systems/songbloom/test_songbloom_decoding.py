"""Many songs at once: what a song is must not depend on its neighbours, its slot or the way it is computed."""

import shutil
from dataclasses import replace

import pytest
import torch
from songbloom_random import SMALL, longer, random_model

from songbench.domain.errors import InputError
from systems.layers.draws import invert_cumulative
from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch, SongEnd
from systems.songbloom.draws import SeededDraws
from systems.songbloom.guidance import cfg_of_rows
from systems.songbloom.sampling import penalise, sample

CONFIG, END_BIAS = longer(2.56), -0.2
"""Make the songs of these seeds end at different patches, some at the longest length, which is the fourth."""


@pytest.fixture(scope="module")
def model():
    return random_model(CONFIG, end_bias=END_BIAS).for_decoding()


def orders(count, config=SMALL):
    for song in range(count):
        generator = torch.Generator().manual_seed(song)
        lyrics = torch.randint(8, 330, (20 + 40 * song,), generator=generator).tolist()
        prompt = torch.randn(config.model.prompt_frames, config.model.latent_channels, generator=generator)
        yield DecodingInput(lyrics, prompt, SeededDraws(100 + song, config))


def decoded(engine, songs):
    """Tokens, latents and ending of every song."""
    by_song = {}
    for event in engine.decode(songs):
        tokens, latents, _ = by_song.setdefault(event.song, ([], [], []))
        if isinstance(event, Patch):
            assert event.number == len(tokens)
            tokens.append(event.tokens)
            latents.append(event.latents)
        else:
            by_song[event.song] = (tokens, latents, event)
    for tokens, _, end in by_song.values():
        assert isinstance(end, SongEnd)
        assert end.patches == len(tokens)
    return {
        song: (torch.cat(tokens) if tokens else None, torch.cat(latents) if latents else None, end.ending)
        for song, (tokens, latents, end) in by_song.items()
    }


def assert_same_songs(songs, expected):
    assert songs.keys() == expected.keys()
    for song, (tokens, latents, ending) in songs.items():
        assert ending == expected[song][2]
        if tokens is None:
            assert expected[song][0] is None
            continue
        assert torch.equal(tokens, expected[song][0]), f"song {song}"
        torch.testing.assert_close(latents, expected[song][1], rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def alone(model):
    """Each of eight songs decoded by itself."""
    songs = {}
    for song, order in enumerate(orders(8)):
        songs[song] = decoded(DecodingEngine(model), [order])[0]
    return songs


def test_the_songs_differ_in_length_and_ending(alone):
    lengths = [0 if tokens is None else len(tokens) // SMALL.model.patch for tokens, _, _ in alone.values()]
    assert len(set(lengths)) >= 3
    assert {ending for _, _, ending in alone.values()} == {"end token", "longest length"}


@pytest.mark.parametrize("slots", [2, 3, 8])
@pytest.mark.parametrize("capture", [False, True], ids=["each", "fixed shapes"])
def test_a_batch_equals_the_songs_one_by_one(model, alone, slots, capture):
    assert_same_songs(alone, decoded(DecodingEngine(model, slots=slots, capture=capture), orders(8)))


class HeldCalls:
    """What CUDA graphs do with a function: it is looked at once, and later calls put new numbers into its inputs."""

    def __init__(self):
        self.functions = {}

    def prepare(self, key, function, *inputs):
        if key not in self.functions:
            buffers = tuple(tensor.clone() for tensor in inputs)
            function(*buffers)  # as before a capture
            self.functions[key] = (function, buffers)

    def replay(self, key, *inputs):
        function, buffers = self.functions[key]
        for target, source in zip(buffers, inputs, strict=True):
            target.copy_(source)
        return tuple(tensor.clone() for tensor in function(*buffers))


def test_functions_are_captured_once_for_each_bucket_of_the_cache(model, alone, monkeypatch):
    """A token and the end of a patch for each length that is read, and the solve; never a whole patch of tokens."""
    monkeypatch.setattr("systems.songbloom.batches.CACHE_BUCKET", 32)
    engine = DecodingEngine(model, slots=3, capture=True)
    engine._graphs = HeldCalls()
    assert_same_songs(alone, decoded(engine, orders(8)))
    first, steps = SMALL.model.prefix, SMALL.model.steps
    lengths = {-(-(first + steps * (patch + 1)) // 32) * 32 for patch in range(4)}
    assert set(engine._graphs.functions) == {("acoustic", 0)} | {
        (name, length) for name in ("token", "end") for length in lengths
    }


def test_an_engine_can_be_used_again(model, alone):
    engine = DecodingEngine(model, slots=3)
    decoded(engine, list(orders(8))[3:])
    assert_same_songs(alone, decoded(engine, orders(8)))


def test_orders_are_asked_for_only_when_a_slot_is_free(model):
    numbers = []

    def watched():
        for song, order in enumerate(orders(4)):
            numbers.append(song)
            yield order

    events = DecodingEngine(model, slots=2).decode(watched())
    next(events)
    assert numbers == [0, 1]
    list(events)
    assert numbers == [0, 1, 2, 3]


def test_the_seed_decides(model):
    (order, *_) = orders(1)

    def tokens(seed):
        return decoded(DecodingEngine(model), [replace(order, draws=SeededDraws(seed, SMALL))])[0][0]

    assert torch.equal(tokens(5), tokens(5))
    assert not torch.equal(tokens(5), tokens(6))


def test_guidance_of_one_needs_no_null_rows(model):
    """The formula for guidance 1 is the conditional row; computing it alone gives the same song in half the work."""
    config = SMALL.decoding.changed({"guidance": 1.0})
    cheap = DecodingEngine(model, config)
    full = DecodingEngine(model, config.changed({"guidance": 1.0 + 1e-7}))
    assert (cheap.rows, full.rows) == (1, 2)
    assert_same_songs(decoded(cheap, orders(2)), decoded(full, orders(2)))


def test_the_longest_length_is_not_overshot(model):
    engine = DecodingEngine(random_model(end_bias=-50).for_decoding(), longer(1.5).decoding)
    (_, latents, ending) = decoded(engine, orders(1))[0]
    assert ending == "longest length"
    assert len(latents) == 3 * SMALL.model.patch  # 1.5 s are 2.3 patches; the last is finished


def test_time_is_shared_among_songs(model):
    engine = DecodingEngine(model, slots=4)
    ends = [event for event in engine.decode(orders(4)) if isinstance(event, SongEnd)]
    for end in ends:
        assert set(end.seconds) <= {"prefix", "sketch", "acoustic"}
        assert all(seconds > 0 for seconds in end.seconds.values())


def test_bfloat16_runs_and_keeps_to_the_float32_song_at_first():
    """Sampled songs part ways once a token differs, so only the first language-model step is comparable."""
    exact, rounded = (random_model().for_decoding("cpu", dtype) for dtype in (torch.float32, torch.bfloat16))
    (order, *_) = orders(1)
    prefixes = [m.conditioning.prefix(order.lyrics, order.prompt.to(m.dtype))[None] for m in (exact, rounded)]
    logits = [m.sketch_lm.logits(m.sketch_lm(p)[:, -1]) for m, p in zip((exact, rounded), prefixes, strict=True)]
    assert torch.cosine_similarity(*logits).item() > 0.999
    tokens, latents, _ = decoded(DecodingEngine(rounded), [order])[0]
    assert latents.dtype == torch.float32
    assert torch.isfinite(latents).all()
    assert len(tokens) == len(latents)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_transformer_gives_the_same_song(alone):
    plain = random_model(CONFIG, end_bias=END_BIAS)
    assert_same_songs(
        {0: alone[0], 1: alone[1]}, decoded(DecodingEngine(plain, slots=2, capture=True, compiled=True), orders(2))
    )


def test_few_shapes_are_compiled(monkeypatch):
    """torch compiles a function for eight cases and then goes on without, so batches and lengths must share them."""
    import torch._dynamo  # seconds, which only this test needs

    compiled, graphs = torch.compile, []

    def backend(graph, examples):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda function, **options: compiled(function, backend=backend))
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: None)
    model = random_model(longer(10.0), end_bias=-50)
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
        for slots, seconds in ((1, 1.28), (1, 10.0), (3, 1.28), (2, 1.28)):
            config = longer(seconds).decoding.changed({"steps": 1})
            decoded(DecodingEngine(model, config, slots=slots, capture=True, compiled=True), orders(slots))
    assert len(graphs) <= 6


def test_packed_weights_are_not_compiled(model):
    with pytest.raises(InputError, match="packed"):
        DecodingEngine(model, compiled=True)


class TestSampling:
    LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0, -8.0]])

    def test_guidance(self):
        logits = torch.tensor([[[1.0, 2.0], [0.5, 3.0]]])
        assert cfg_of_rows(logits, 1.5).tolist() == [[1.25, 1.5]]
        assert cfg_of_rows(logits[:, :1], 1.5).tolist() == [[1.0, 2.0]]

    def test_repetition_penalty_divides_whatever_the_sign_but_never_the_end(self):
        recent = torch.tensor([[0, 3, 3, 4]])
        assert torch.allclose(penalise(self.LOGITS, recent, 2.0), torch.tensor([[1.0, 1.0, 0.0, -0.5, -8.0]]))

    @pytest.mark.parametrize(
        ("changes", "allowed"),
        [({"top_k": 2}, {0, 1}), ({"top_k": 0}, {0, 1, 2, 3}), ({"top_p": 0.6}, {0}), ({"top_p": 0.75}, {0, 1})],
    )
    def test_shares_follow_the_probabilities(self, changes, allowed):
        config = SMALL.decoding.changed({"temperature": 1.0, **changes})
        uniform = (torch.arange(4000) + 0.5) / 4000
        tokens = sample(self.LOGITS.expand(4000, -1), uniform, config)
        probabilities = torch.softmax(self.LOGITS[0], -1)
        ids = sorted(allowed)
        shares = torch.bincount(tokens, minlength=5) / 4000
        expected = probabilities[ids] / probabilities[ids].sum()
        assert torch.allclose(shares[ids], expected, atol=2e-3)

    def test_greedy_takes_the_largest(self):
        config = SMALL.decoding.changed({"sampling": False})
        assert sample(self.LOGITS, torch.tensor([0.999]), config).tolist() == [0]

    def test_ties_at_the_border_of_top_k_are_kept(self):
        logits = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
        config = SMALL.decoding.changed({"top_k": 2})
        tokens = sample(logits.expand(3, -1), torch.tensor([0.1, 0.5, 0.9]), config)
        assert tokens.tolist() == [0, 1, 2]

    @pytest.mark.parametrize("uniform", [0.0, 0.5, 1 - 2**-24])
    def test_a_draw_never_lands_on_weight_zero(self, uniform):
        weights = torch.zeros(1, 1000)
        weights[0, 400:410] = 0.1
        assert 400 <= invert_cumulative(weights, torch.tensor([uniform])).item() < 410
