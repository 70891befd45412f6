"""A small prepared listening test, made without a run: tones for songs, names that are easy to look for."""

import hashlib
import io
import random
from functools import lru_cache

import numpy as np
import soundfile

from listening_test.check_answers import CheckAnswers, save_check_answers
from listening_test.prepared import (
    PreparedKey,
    PreparedTest,
    PromptDisplay,
    PromptFacts,
    Seat,
    Step,
    Stimulus,
    StimulusKey,
    Trial,
    TrialKey,
    save_test,
)
from listening_test.protocol import load_protocol

SYSTEMS = ("alphasinger", "betasinger", "gammasinger")
RATE = 24000
PRESETS = {
    "acr": "levo",
    "preference": "preference",
    "ccr": "ccr",
    "multistimulus": "multistimulus",
    "mushra": "mushra",
}


@lru_cache(maxsize=96)
def flac(semitones, seconds):
    """A tone so far above 220 Hz, as a file."""
    time, pitch = np.arange(round(seconds * RATE)) / RATE, 220 * 2 ** (semitones / 12)
    sound, file = (0.2 * np.sin(2 * np.pi * pitch * time)).astype("float32"), io.BytesIO()
    soundfile.write(file, sound, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


class Maker:
    """Collects stimuli, items and trials under opaque names."""

    def __init__(self, folder, form, seconds, seed):
        self.folder, self.form, self.seconds = folder, form, seconds
        self.draw = random.Random(seed)
        self.stimuli, self.items, self.trials = {}, {}, {}
        self.stimulus_keys, self.trial_keys = {}, {}
        (folder / "audio").mkdir(parents=True, exist_ok=True)

    def name(self):
        return f"{self.draw.getrandbits(64):016x}"

    def tone(self, key):
        name, data = self.name(), flac(len(self.stimuli) % 24, self.seconds)
        (self.folder / "audio" / f"{name}.flac").write_bytes(data)
        peaks = tuple(self.draw.randint(20, 100) for _ in range(100))
        sha256 = hashlib.sha256(data).hexdigest()
        self.stimuli[name] = Stimulus(
            id=name, file=f"audio/{name}.flac", seconds=self.seconds, peaks=peaks, sha256=sha256
        )
        self.stimulus_keys[name] = key
        return name

    def trial(self, stimuli, item, scales, key, **more):
        name = self.name()
        self.trials[name] = Trial(id=name, item=item, stimuli=tuple(stimuli), scales=tuple(scales), **more)
        self.trial_keys[name] = key
        return name


def made_up_test(
    folder, form="acr", *, systems=SYSTEMS, prompts=4, seats=3, seconds=1.5, traps=1, repeats=1, seed=0, **overrides
):
    """Write a prepared test into `folder`.

    Every seat holds every prompt: with all systems on a page, one pair of them, or one of them, in turn; then
    repetitions of the first pages; traps in the middle.

    Args:
        folder: where.
        form: of the protocol.
        systems: names.
        prompts: how many, half of them Chinese.
        seats: how many.
        seconds: of every stimulus.
        traps: pages per seat on which "2" (``B`` for pairs, the scale's bottom for continuous forms) is asked for.
        repeats: pages per seat that come again.
        seed: of names and order.
        overrides: laid over the preset of the form, e.g. ``checks={"headphone_check": 0}``.

    Returns:
        The test and its key.
    """
    base = {"listening": {"minimum_seconds": 1.0}, "checks": {"break_every": 4, "headphone_check": 2, "training": 1}}
    for name, value in overrides.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    protocol = load_protocol(PRESETS[form], base)
    make = Maker(folder, form, seconds, seed)
    ids = [f"{'zh' if n % 2 else 'en'}-prompt-{n}" for n in range(prompts)]
    facts = {prompt: PromptFacts(prompt[:2], {"genre": ("folk", "rock")[n // 2 % 2]}) for n, prompt in enumerate(ids)}
    for prompt in ids:
        lyrics = (
            "[verse]\n春天来了\n花儿都开了"
            if prompt.startswith("zh")
            else f"[intro] [intro]\n\n[verse]\nWords of number {prompt[-1]}\n\n[chorus]\nla la la"
        )
        make.items[prompt] = PromptDisplay(
            id=make.name(), lyrics=lyrics, style="warm folk, guitar", language=prompt[:2]
        )
    songs = {
        (s, p): make.tone(StimulusKey(role="system", system=s, prompt=p, song=f"songkey-{s}-{p}"))
        for s in systems
        for p in ids
    }
    scales = tuple(scale.id for scale in protocol.scales if not scale.only_with)
    expected = {"acr": "2", "preference": "B", "ccr": "-2"}.get(form, "0")
    chairs = []
    for seat in range(seats):
        steps = []
        for number, prompt in enumerate(ids):
            turned = [systems[(seat + number + i) % len(systems)] for i in range(len(systems))]
            page_systems = turned[:2] if protocol.pairwise else turned[:1] if form == "acr" else turned
            reference = (
                make.tone(StimulusKey(role="reference", system=None, prompt=prompt)) if form == "mushra" else None
            )
            stimuli = [songs[system, prompt] for system in page_systems]
            if protocol.continuous:
                stimuli.append(make.tone(StimulusKey(role="anchor", system=None, prompt=prompt, anchor="lowpass-3500")))
            if reference:
                stimuli.append(make.tone(StimulusKey(role="reference", system=None, prompt=prompt)))
            trial_key = TrialKey(kind="test", prompt=prompt)
            steps.append(
                Step(make.trial(stimuli, make.items[prompt].id, scales, trial_key, reference=reference), tuple(stimuli))
            )
        for again in steps[:repeats]:
            first = make.trials[again.trial]
            trial_key = TrialKey(kind="repeat", prompt=make.trial_keys[again.trial].prompt, repeats=first.id)
            order = tuple(reversed(again.order)) if protocol.pairwise else again.order
            steps.append(Step(make.trial(order, first.item, scales, trial_key, reference=first.reference), order))
        for _ in range(traps):
            count = {"acr": 1, "preference": 2, "ccr": 2}.get(form, 3)
            stimuli = [make.tone(StimulusKey(role="trap")) for _ in range(count)]
            spoken = {
                "en": {stimuli[0]: make.tone(StimulusKey(role="trap"))},
                "zh": {stimuli[0]: make.tone(StimulusKey(role="trap"))},
            }
            if protocol.continuous:
                trial_key = TrialKey(kind="trap", expected=expected, expected_of=stimuli[0])
            else:
                trial_key = TrialKey(kind="trap", expected=expected)
            reference = make.tone(StimulusKey(role="reference")) if form == "mushra" else None
            trial = make.trial(stimuli, make.items[ids[0]].id, scales, trial_key, spoken=spoken, reference=reference)
            steps.insert(len(steps) // 2, Step(trial, tuple(stimuli)))
        count = {"acr": 1, "preference": 2, "ccr": 2}.get(form, 3)
        examples = [make.tone(StimulusKey(role="practice")) for _ in range(count)]
        reference = make.tone(StimulusKey(role="reference")) if form == "mushra" else None
        practice = make.trial(examples, make.items[ids[-1]].id, scales, TrialKey(kind="practice"), reference=reference)
        training = protocol.checks.training
        chairs.append(Seat((Step(practice, tuple(examples)),) * min(1, training), tuple(steps)))
    checks = tuple(make.tone(StimulusKey(role="check")) for _ in range(protocol.checks.headphone_check))
    sound = make.tone(StimulusKey(role="check")) if protocol.checks.sound_check else None
    items = {item.id: item for item in make.items.values()}
    test = PreparedTest(
        folder=folder,
        protocol=protocol,
        stimuli=make.stimuli,
        items=items,
        trials=make.trials,
        seats=tuple(chairs),
        sound_check=sound,
        headphone_check=checks,
    )
    key = PreparedKey(
        test=test.digest(),
        run="secretrunname",
        runs="results/runs",
        systems=tuple(systems),
        prompts=facts,
        stimuli=make.stimulus_keys,
        trials=make.trial_keys,
        headphone_answers=tuple(1 + n % 3 for n in range(len(checks))),
        song_counts=dict.fromkeys(systems, prompts),
        failed=dict.fromkeys(systems, 0),
    )
    save_check_answers(folder, CheckAnswers.of(key))
    save_test(test, key)
    return test, key


def good_answer(page, *, value=None):
    """A whole answer to a public page: everything heard and rated, by default with the middle answer."""
    kind = page["kind"]
    if kind == "consent":
        return {"agree": True, "device": "a browser"}
    if kind == "background":
        return {"answers": {one["id"]: one["options"][0]["value"] for one in page["questions"]}}
    if kind == "headphones":
        return {"choices": [1 + n % 3 for n in range(len(page["stimuli"]))]}
    if kind != "trial":
        return {}
    middle = {"acr": "3", "ccr": "1", "preference": "A"}.get(page["form"], "50")
    judged = ["AB"] if page["form"] in ("ccr", "preference") else [one["slot"] for one in page["stimuli"]]
    players = [*page["stimuli"], *filter(None, [page["reference"]])]
    return {
        "ratings": [{"slot": s, "scale": q["id"], "answer": value or middle} for s in judged for q in page["scales"]],
        "plays": [{"slot": p["slot"], "ranges": [[0.0, p["seconds"]]], "starts": 1, "seeks": 0} for p in players],
        "comment": "",
        "seconds": 12.5,
    }
