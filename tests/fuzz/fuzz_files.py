"""Files that come from elsewhere: sounds, manifests, protocols and ratings."""

import csv
import io
import json

import numpy as np
import soundfile
import yaml
from fuzz_kind import RATE, Kind, tone, wave_file
from fuzz_mutations import TEXTS, mutated_bytes, mutated_json, mutated_text, written_json


class SoundFiles(Kind):
    """Sound files with damaged headers, cut short, or with other bytes in them."""

    name = "audio"
    share = 2.0

    FORMATS = (
        *(("wav", "WAV", "PCM_16"), ("wav", "WAV", "FLOAT"), ("wav", "WAVEX", "PCM_24"), ("flac", "FLAC", "PCM_16")),
        *(
            ("mp3", "MP3", "MPEG_LAYER_III"),
            ("ogg", "OGG", "VORBIS"),
            ("aiff", "AIFF", "PCM_16"),
            ("w64", "W64", "PCM_16"),
        ),
    )
    WORDS = (
        b"RIFF",
        b"WAVE",
        b"fmt ",
        b"data",
        b"LIST",
        b"fLaC",
        b"OggS",
        b"ID3\x04\0\0",
        b"\xff\xfb\x90\x64",
        b"FORM",
    )

    def __init__(self, base):
        super().__init__(base)
        self.files = []
        for suffix, container, encoding in self.FORMATS:
            out = io.BytesIO()
            soundfile.write(out, tone(), RATE, format=container, subtype=encoding)
            self.files.append((suffix, out.getvalue()))

    def draw(self, rng):
        suffix, data = rng.choice(self.files)
        if rng.random() < 0.1:
            suffix = rng.choice(self.files)[0]
        return {f"song.{suffix}": mutated_bytes(rng, data, self.WORDS)}

    def read(self, folder):
        from songbench.domain.audio import read_audio_with_remarks

        for path in folder.iterdir():
            audio, _ = read_audio_with_remarks(path)
            assert np.isfinite(audio.samples).all(), "samples that are not finite passed for sound"


class Manifests(Kind):
    """Manifests of imported audio, as JSON lines and as tables."""

    name = "manifests"
    share = 1.5

    ROWS = [
        {"id": "p0", "audio": "a.wav", "take": 0},
        {"idx": "p1", "audio": "b.wav"},
        {"id": "p2", "audio": "../c.wav"},
    ]
    WORDS = ("id", "idx", "audio", "take", ";", ",", '"', "\t", "a.wav", "x" * 300, "1.0", "-1", "p0_s1", "nan")

    def draw(self, rng):
        sound = wave_file()
        if rng.random() < 0.5:
            rows = list(self.ROWS)
            at = rng.randrange(len(rows))
            rows[at] = mutated_json(rng, rows[at])
            data = "".join(written_json(rng, row) + "\n" for row in rows).encode("utf-8", "surrogatepass")
            return {"m.jsonl": data if rng.random() < 0.7 else mutated_bytes(rng, data), "a.wav": sound}
        table = io.StringIO()
        writer = csv.writer(table, delimiter=rng.choice([",", ",", ";", "\t"]))
        writer.writerow(rng.choice([["id", "audio", "take"], ["idx", "audio"], ["audio", "id"]]))
        for row in self.ROWS:
            writer.writerow(
                [rng.choice([*map(str, row.values()), rng.choice(TEXTS)]) for _ in range(rng.randint(1, 4))]
            )
        text = table.getvalue().replace("\ud800", "?")
        return {"m.csv": mutated_text(rng, text, self.WORDS), "a.wav": sound}

    def read(self, folder):
        from songbench.contracts import registry
        from songbench.domain.suite import load_suite

        path = next(one for one in folder.iterdir() if one.stem == "m")
        suite = self.base / "suite.jsonl"
        if not suite.exists():
            rows = [{"suite": "s", "version": "1"}, *({"id": f"p{n}", "lyrics": "[verse]\nla"} for n in range(3))]
            suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        system = registry.build_system(f"imported:x={path}")
        system.remarks(load_suite(suite).prompts, 2)


class Protocols(Kind):
    """Protocols of listening tests."""

    name = "protocols"
    share = 1.5

    WORDS = (
        "preset: levo",
        "form: acr",
        "- ",
        ": ",
        "{",
        "}",
        "&a ",
        "*a",
        "!!int ",
        "2024-01-01",
        ".nan",
        ".inf",
        "0x1f",
        "1:30",
    )

    def draw(self, rng):
        from listening_test.protocol import load_protocol, preset_names

        protocol = load_protocol(rng.choice(preset_names())).to_json()
        if rng.random() < 0.5:
            text = yaml.safe_dump(mutated_json(rng, protocol), allow_unicode=True)
            return {"p.yaml": text.encode("utf-8", "surrogatepass")}
        text = rng.choice(
            ["preset: levo\nname: mine\nraters: {planned: 3}\n", yaml.safe_dump(protocol, allow_unicode=True)]
        )
        return {"p.yaml": mutated_text(rng, text, self.WORDS)}

    def read(self, folder):
        from listening_test.protocol import load_protocol

        load_protocol(folder / "p.yaml", {"raters": {"planned": 4}}).digest()


class Ratings(Kind):
    """Results of other tools for listening tests."""

    name = "ratings"

    MUSHRA = (
        "session_test_id,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,rating_comment\n"
        + "".join(
            f'codec,u{rater},song{trial},{name},{score},41500,"so, so"\n'
            for rater in range(3)
            for trial in range(2)
            for name, score in (("reference", 96), ("anchor35", 18), ("suno", 70 + rater))
        )
    )
    P808 = "HITId,WorkerId,AssignmentStatus,Input.Q0,Answer.q0,answer.q1_url,answer.q1\n" + "".join(
        f"h,w{worker},Approved,x,1,https://a.example/suno/{clip}.wav,{3 + clip}\n"
        for worker in range(3)
        for clip in range(2)
    )
    BATTLE = {
        "uuid": "b0",
        "prompt_detailed": {"overall_prompt": "a song", "instrumental": False, "lyrics": None},
        "prompt_user": {"salted_ip": "ip0", "salted_fingerprint": None},
        "prompt_session": {"uuid": "s0", "create_time": 1.75e9},
        "a_metadata": {"system_key": {"system_tag": "riffusion", "variant_tag": "v1"}, "duration": 30.0},
        "b_metadata": {"system_key": {"system_tag": "musicgen", "variant_tag": "small"}, "duration": 29.0},
        "vote": {"preference": "A", "preference_time": 1.75e9, "a_listen_data": [["PLAY", 10.0], ["PAUSE", 13.0]]},
    }

    def draw(self, rng):
        match rng.randrange(3):
            case 0:
                return {"webmushra/r.csv": mutated_text(rng, self.MUSHRA, ["NA", "-1", "101", '"', "\\"])}
            case 1:
                return {"p808/r.csv": mutated_text(rng, self.P808, ["Rejected", "6", "http://", '"'])}
        rows = [{**self.BATTLE, "uuid": f"b{number}"} for number in range(3)]
        rows[0] = mutated_json(rng, rows[0])
        data = "".join(written_json(rng, row) + "\n" for row in rows).encode("utf-8", "surrogatepass")
        return {"musicarena/r.jsonl": data if rng.random() < 0.7 else mutated_bytes(rng, data)}

    def read(self, folder):
        from listening_test.importers import read_import

        path = next(folder.glob("*/r.*"))
        read_import(f"{path.parent.name}:{path}")
