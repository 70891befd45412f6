"""The hosted services: what is sent for every prompt, what becomes of their answers, good and bad."""

import json
import re
from dataclasses import replace

import pytest
from http_service import http_service, sound
from shared_files import shared

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.registry import build_system
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.domain.suite import load_suite
from songbench.execution.experiment import find_suite

KEY = "sk-very-secret-0123"
MP3, FLAC, WAV = sound("mp3"), sound("flac"), sound("wav")
KEYS = {"mureka": "MUREKA", "minimax": "MINIMAX", "elevenlabs_music": "ELEVENLABS"}
OTHER_FORMS = (("mode", "prompt"), ("variant", "music_v1"))
ORDERS = {"mureka": "/v1/song/generate", "minimax": "/v1/music_generation", "elevenlabs_music": "/v1/music"}


def request(lyrics="[verse]\nOver the railway line\n\n[chorus]\nHold on", **facts):
    prompt = Prompt(id="p", lyrics=parse_lyrics(lyrics), **{"style": "pop, warm voice", **facts})
    return Request(prompt=prompt, take=0, seed=7)


@pytest.fixture(scope="module")
def running():
    with http_service() as service:
        yield service


@pytest.fixture
def service(running, tmp_path, monkeypatch):
    """All three services at one address, in their documented forms."""
    for name in KEYS.values():
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
        monkeypatch.setenv(f"{name}_API_URL", running.address)
    monkeypatch.setenv("SONGBENCH_HOSTED", str(tmp_path / "hosted"))
    running.calls.clear()
    running.routes.clear()
    statuses = ["preparing", "queued", "running", "reviewing"]

    @running.route("GET", "/v1/song/query/")
    def task(call):
        task = {"id": "1436211", "created_at": 1677610602, "model": "mureka-9"}
        if statuses:
            return {**task, "status": statuses.pop(0)}
        return {**task, "status": "succeeded", "choices": [choice(1), choice(0)]}

    def choice(index):
        urls = {"url": "mp3", "flac_url": "flac", "wav_url": "wav"}
        return {"index": index, **{name: f"{running.address}/files/{index}.{kind}" for name, kind in urls.items()}}

    running.route("POST", ORDERS["mureka"])({"id": "1436211", "model": "mureka-9", "status": "preparing"})
    for index in (0, 1):
        for kind, data in (("mp3", MP3), ("flac", FLAC), ("wav", WAV)):
            running.route("GET", f"/files/{index}.{kind}")(data)
    running.route("POST", ORDERS["minimax"])(
        {"data": {"status": 2, "audio": f"{running.address}/files/0.wav"}, "base_resp": {"status_code": 0}}
    )
    running.route("POST", ORDERS["elevenlabs_music"])((200, MP3, {"Content-Type": "audio/mpeg"}))
    return running


def built(name, **settings):
    system = build_system(name, {"max_songs": 1, "poll_s": 0.01, **settings})
    system.service = replace(system.service, first_wait_s=0.01, interval_s=0.0)
    return system


def outcome(name, asked_for=None, **settings):
    return next(built(name, **settings).generate([asked_for or request()]))


def texts(value):
    """All texts in JSON."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


# -- what is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_songs(service, name):
    song = outcome(name)
    assert isinstance(song, Song), song
    assert song.record.lossy == {"mureka": "", "minimax": "", "elevenlabs_music": "mp3"}[name]
    assert song.record.device.endswith("(hosted)") and not song.record.seed_honoured
    assert song.record.rendering.style == "text"
    call = next(call for call in service.calls if call.method == "POST")
    header = {"elevenlabs_music": ("xi-api-key", KEY)}.get(name, ("authorization", f"Bearer {KEY}"))
    assert {field.lower(): value for field, value in call.headers.items()}[header[0]] == header[1]
    assert call.path.startswith(ORDERS[name])
    for line in ("Over the railway line", "Hold on"):
        assert any(line in text for text in texts(call.body))
    assert KEY not in repr(song.record)


def prompts():
    yield from find_suite("demo").prompts
    for path in sorted(shared("cases").rglob("*.jsonl")):
        try:
            yield from load_suite(path).prompts
        except SongbenchError:  # not all of them are valid
            continue


@pytest.mark.parametrize(
    ("name", "settings"),
    [*((name, {}) for name in KEYS), *(("elevenlabs_music", {key: value}) for key, value in OTHER_FORMS)],
)
def test_every_line_of_every_prompt_arrives_or_is_refused(name, settings):
    system, sent = build_system(name, settings), 0
    for prompt in prompts():
        asked_for = Request(prompt=prompt, take=0, seed=2**31 - 1)
        if (reason := system.unsupported(asked_for)) is not None:
            assert reason and reason == " ".join(reason.split())
            continue
        body, rendering = system.render(asked_for).body, system.render(asked_for).rendering
        arrived = [line for text in texts(json.loads(json.dumps(body))) for line in text.split("\n")]
        for line in prompt.lyrics.lines:
            assert line in arrived and line in rendering.lyrics.split("\n")
        assert rendering.dropped == ()
        sent += 1
    assert sent >= 6


def test_mureka_gets_the_fields_of_its_own_client(service):
    outcome("mureka")
    contract = json.loads(shared("facts/systems/mureka_api.json").read_text())
    fields = {option["flag"] for option in contract["options"]}
    # how many songs, which the API's own description has and its client leaves out
    assert set(service.calls[0].body) - fields == {"n"}
    assert {option["flag"] for option in contract["options"] if option["required"]} <= set(service.calls[0].body)
    assert contract["output"]["status_end"] == ["succeeded", "failed", "cancelled", "timeouted"]


def test_tags_that_a_service_does_not_know_are_said(service):
    lyrics = "[intro] [intro]\n\n[verse]\nla la\n\n[inst] [inst]\n\n[silence]\n\n[chorus]\nla"
    tags = {name: build_system(name).render(request(lyrics)).rendering.tags for name in KEYS}
    capitals = {"intro": "Intro", "verse": "Verse", "chorus": "Chorus", "silence": None}
    assert tags["mureka"] == {**capitals, "inst": "Break"}
    assert tags["minimax"] == {**capitals, "inst": "Inst"}
    assert tags["elevenlabs_music"] == {**capitals, "inst": "Instrumental"}
    from systems.minimax.rendering import SECTION_NAMES

    sent = build_system("minimax").render(request(lyrics)).body["lyrics"]
    assert set(re.findall(r"\[(.*?)\]", sent)) <= set(SECTION_NAMES) and len(SECTION_NAMES) == 14
    assert all(line.startswith("[") == line.endswith("]") for line in sent.split("\n"))


@pytest.mark.parametrize(
    ("name", "facts", "reason"),
    [
        ("mureka", {"lyrics": "[verse]\n" + "la " * 1000}, "Mureka takes 3000"),
        ("mureka", {"style": "x" * 1025}, "Mureka takes 1024"),
        ("mureka", {"lyrics": "[inst] [inst]"}, "nothing is sung"),
        ("mureka", {"language": "fi"}, "does not sing fi"),
        ("minimax", {"lyrics": "[verse]\n" + "la " * 1200}, "MiniMax takes 3500"),
        ("minimax", {"style": "x" * 2001}, "MiniMax takes 2000"),
        ("minimax", {"lyrics": "[inst] [inst]"}, "nothing is sung"),
        ("elevenlabs_music", {"style": ""}, "no style in words"),
        ("elevenlabs_music", {"lyrics": "[verse]\n" + "la la la\n" * 31}, "31 lines"),
        ("elevenlabs_music", {"lyrics": "[verse]\n" + "la " * 70}, "characters, a plan takes 200"),
        ("elevenlabs_music", {"lyrics": "[verse]\nla {softly}"}, "braces"),
        ("elevenlabs_music", {"lyrics": "[inst] " * 130}, "130 s, a plan takes 120"),
        ("elevenlabs_music", {"lyrics": "[verse]\nla\n\n[chorus]\nla\n\n" * 16}, "32 sections"),
    ],
)
def test_what_is_beyond_the_limits_is_unsupported(name, facts, reason):
    assert reason in build_system(name).unsupported(request(**facts))


def test_a_plan_has_the_lengths_that_the_rule_gives(service):
    from songbench.domain.lyric_timing import RULE

    lyrics = "[intro] [intro] [intro] [intro]\n\n[verse]\nOver the railway line\nmorning comes in\n\n[inst]"
    body = build_system("elevenlabs_music").render(request(lyrics, style="pop, 104 bpm")).body
    chunks = body["composition_plan"]["chunks"]
    assert [chunk["text"].split("\n")[0] for chunk in chunks] == ["[Intro]", "[Verse]", "[Instrumental]"]
    assert (
        chunks[0]["duration_ms"] == 4000 and chunks[2]["duration_ms"] == 3000
    )  # a second is asked for, 3 are the least
    assert chunks[0]["negative_styles"] == ["vocals"] and chunks[1]["positive_styles"] == ["pop", "104 bpm"]
    assert body["seed"] == 7 and "prompt" not in body
    rendering = build_system("elevenlabs_music").render(request(lyrics)).rendering
    assert rendering.timing == RULE and rendering.times[:2] == ((0.0, "[intro]"), (4.0, "[verse]"))
    first = build_system("elevenlabs_music", {"variant": "music_v1"}).render(request(lyrics)).body
    assert first["model_id"] == "music_v1" and first["respect_sections_durations"]
    assert first["composition_plan"]["sections"][1]["lines"] == ["Over the railway line", "morning comes in"]


def test_a_prompt_takes_no_seed(service):
    body = build_system("elevenlabs_music", {"mode": "prompt"}).render(request(seconds=30.0)).body
    assert body == {
        "model_id": "music_v2",
        "prompt": "pop, warm voice",
        "lyrics_text": "[Verse]\nOver the railway line\n\n[Chorus]\nHold on",
        "music_length_ms": 30_000,
    }


def test_models_have_rows_of_their_own():
    assert build_system("mureka:mureka-8").card.name == "mureka:mureka-8"
    assert build_system("mureka:mureka-9").card.name == "mureka"
    assert build_system("mureka:mureka-8").parameters["model"] == "mureka-8"


@pytest.mark.parametrize("name", KEYS)
def test_cards(name):
    card = build_system(name).card
    assert faults_of_system(card) == []
    assert card.pitfalls and card.lyric_rules and card.upstream and card.verified.startswith("not against the service")


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_the_first_of_several_songs_is_taken(service):
    song = outcome("mureka", file="mp3", n=2)
    assert song.record.notes == ("the first of 2 songs that one order gave", "made by the model mureka-9")
    assert song.record.lossy == "mp3" and song.record.best_of == 1
    assert service.count("GET", "/files/0.mp3") == 1 and service.count("GET", "/files/1") == 0


def test_a_lossless_file_that_is_not_there(service):
    service.route("GET", "/v1/song/query/")(
        {"status": "succeeded", "choices": [{"url": f"{service.address}/files/0.mp3"}], "watermarked": True}
    )
    song = outcome("mureka")
    assert song.record.lossy == "mp3" and "watermark" in song.record.notes[0]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"status": "failed", "failed_reason": "lyrics were refused"}, "the task failed: lyrics were refused"),
        ({"status": "timeouted"}, "the task timeouted"),
        ({"status": "cancelled"}, "the task cancelled"),
        ({"status": "succeeded", "choices": []}, "without a song"),
        ({"status": "succeeded", "choices": [{"index": 0}]}, "no address"),
        ({"status": "dreaming"}, "'dreaming'"),
        ([], "no JSON object"),
        ((404, {"error": {"message": "no such task"}}, {}), "no such task"),
    ],
)
def test_tasks_of_mureka_that_give_no_song(service, answer, cause):
    service.route("GET", "/v1/song/query/")(answer)
    failure = outcome("mureka")
    assert isinstance(failure, Failure) and cause in failure.cause and failure.cause.startswith("Mureka: ")


def mureka(status, message):
    return status, {"error": {"message": message}, "trace_id": "1e94"}, {}


def minimax(code, message):
    return 200, {"base_resp": {"status_code": code, "status_msg": message}, "trace_id": "04ed"}, {}


def elevenlabs(status, word, message):
    return status, {"detail": {"status": word, "message": message}}, {}


@pytest.mark.parametrize(
    ("name", "answer", "cause", "orders"),
    [
        ("mureka", mureka(401, "Invalid Authentication"), "MUREKA_API_KEY", 1),
        ("mureka", mureka(429, "Quota Exceeded"), "Quota Exceeded (see MUREKA_API_KEY and your account)", 1),
        ("mureka", mureka(429, "Rate Limit Exceeded"), "Rate Limit Exceeded (tried 6 times)", 6),
        ("mureka", mureka(451, "Unavailable For Legal Reasons"), "HTTP 451", 1),
        ("mureka", mureka(400, "Invalid Request"), "Invalid Request", 1),
        ("mureka", mureka(500, "Server Error"), "Server Error (tried 6 times)", 6),
        ("mureka", {"status": "preparing"}, "without naming its task", 1),
        ("minimax", minimax(1004, "login fail"), "MINIMAX_API_KEY", 1),
        ("minimax", minimax(2153, "no longer available to new users"), "2153", 1),
        ("minimax", minimax(1008, "insufficient balance"), "insufficient balance", 1),
        ("minimax", minimax(1026, "sensitive content"), "sensitive content", 1),
        ("minimax", minimax(2013, "invalid params"), "invalid params", 1),
        ("minimax", minimax(1002, "rate limit"), "rate limit (tried 6 times)", 6),
        ("minimax", minimax(1000, "unknown error"), "unknown error", 1),
        ("minimax", {"data": {"status": 1}, "base_resp": {"status_code": 0}}, "no finished song", 1),
        ("minimax", {"data": {"status": 2, "audio": "xyz"}, "base_resp": {"status_code": 0}}, "neither an address", 1),
        ("minimax", {"data": None, "base_resp": {"status_code": 0}}, "no finished song", 1),
        ("elevenlabs_music", elevenlabs(401, "invalid_api_key", "Invalid API key"), "ELEVENLABS_API_KEY", 1),
        ("elevenlabs_music", elevenlabs(401, "quota_exceeded", "0 credits"), "quota_exceeded: 0 credits", 1),
        ("elevenlabs_music", elevenlabs(422, "bad_composition_plan", "a copyrighted style"), "copyrighted", 1),
        ("elevenlabs_music", elevenlabs(429, "system_busy", "wait"), "system_busy: wait (tried 6 times)", 6),
        (
            "elevenlabs_music",
            (422, {"detail": [{"loc": ["body", "composition_plan"], "msg": "Field required"}]}, {}),
            "body.composition_plan: Field required",
            1,
        ),
        ("elevenlabs_music", b"<html>down for maintenance</html>", "web page", 1),
    ],
)
def test_refusals(service, name, answer, cause, orders):
    service.route("POST", ORDERS[name])(answer)
    failure = outcome(name)
    assert isinstance(failure, Failure) and cause in failure.cause, failure
    assert KEY not in failure.cause + failure.detail
    assert service.count("POST") == orders


def test_a_song_in_hexadecimals(service):
    service.route("POST", ORDERS["minimax"])(
        {"data": {"status": 2, "audio": MP3.hex()}, "base_resp": {"status_code": 0}}
    )
    assert outcome("minimax", format="mp3").record.lossy == "mp3"


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_is_refused_until_its_cost_is_allowed(service, suite_file, songbench_here):
    words = ["--systems", "mureka", "--suite", suite_file(2), "--set", "engine=inline"]
    words += ["--set", "system.mureka.poll_s=0.01", "--set", "system.mureka.price=0.25"]
    refused = songbench_here("generate", *words)
    assert refused.returncode == 2
    assert "Nothing was sent. To allow it: --set system.mureka.max_songs=2" in " ".join(refused.stderr.split())
    planned = songbench_here("run", *words, "--dry-run", "--metrics", "audio")
    output = " ".join((planned.stdout + planned.stderr).split())
    assert planned.returncode == 0, planned.stderr
    assert "mureka costs money: 2 songs, USD 0.25 a song (as set), USD 0.50 at most" in output
    assert "none may be bought; for all: --set system.mureka.max_songs=2" in output
    assert songbench_here("systems", "mureka", folders=False).returncode == 0
    assert service.calls == []
    bought = songbench_here("generate", *words, "--set", "system.mureka.max_songs=2")
    assert bought.returncode == 0, bought.stderr
    assert service.count("POST") == 2
    again = songbench_here("generate", *words)  # what is stored costs nothing
    assert again.returncode == 0 and service.count("POST") == 2


def test_without_a_key_the_variable_and_the_page_are_named(service, monkeypatch, suite_file, songbench_here):
    monkeypatch.delenv("MUREKA_API_KEY")
    process = songbench_here("generate", "--systems", "mureka", "--suite", suite_file(1))
    output = " ".join(process.stderr.split())
    assert process.returncode == 4 and service.calls == []
    assert "MUREKA_API_KEY is not set" in output and "https://platform.mureka.ai/apiKeys" in output


def test_settings_are_checked():
    with pytest.raises(InputError, match="n'"):
        build_system("mureka", {"n": 4})
    with pytest.raises(InputError, match="Did you mean 'max_songs'"):
        build_system("minimax", {"max_song": 4})
    with pytest.raises(InputError, match="mode"):
        build_system("elevenlabs_music", {"mode": "both"})
