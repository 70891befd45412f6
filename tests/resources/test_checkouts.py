"""The source of other people's programs, from repositories that the test makes; no network is asked."""

import json
import shutil
import subprocess
import tarfile
import threading
import time

import pytest

from songbench.contracts import registry
from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.execution import doctor
from songbench.resources import checkouts, needs
from songbench.resources.checkouts import Checkout, commit_at, folder_of, identity_of, path_of, setup_checkout

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*words, cwd):
    identity = [word for name in ("user.name", "user.email") for word in ("-c", f"{name}=nobody@nowhere")]
    settings = ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=trunk", *identity]
    return subprocess.run(
        ["git", *settings, *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def github(tmp_path_factory):
    """A folder to which GitHub's address leads."""
    folder = tmp_path_factory.mktemp("github")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_COUNT", "1")
        patch.setenv("GIT_CONFIG_KEY_0", f"url.file://{folder}/.insteadOf")
        patch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
        yield folder


@pytest.fixture(scope="module")
def upstream(github):
    """A clone whose pinned commit is neither the newest nor on a branch's tip, with a submodule, and changed files."""
    inner, outer = github / "authors/helper.git", github / "authors/singer.git"
    for folder in (inner, outer):
        folder.mkdir(parents=True)
        git("init", "-q", cwd=folder)
    (inner / "helper.py").write_text("HELP = 1\n")
    git("add", ".", cwd=inner)
    git("commit", "-qm", "first", cwd=inner)
    git("submodule", "--quiet", "add", "https://github.com/authors/helper.git", "parts/helper", cwd=outer)
    (outer / "infer.py").write_text("VERSION = 1\n")
    (outer / "config").mkdir()
    (outer / "config/base.json").write_text("{}")
    (outer / "lines.txt").write_bytes(b"a\nb\n")
    git("add", ".", cwd=outer)
    git("commit", "-qm", "pinned", cwd=outer)
    commit = git("rev-parse", "HEAD", cwd=outer)
    (outer / "infer.py").write_text("VERSION = 2\n")
    git("commit", "-qam", "newer", cwd=outer)
    (outer / "infer.py").write_text("VERSION = 3\n")
    return outer, commit


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_CHECKOUTS", str(tmp_path / "checkouts"))
    for name in ("SONGBENCH_MIRROR", "SONGBENCH_UPSTREAM_SINGER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def singer(upstream):
    _, commit = upstream
    return Checkout(
        name="singer",
        summary="A toy.",
        repository="authors/singer",
        commit=commit,
        licence="CC0-1.0",
        files=("infer.py", "config/base.json"),
        about=20_000,
    )


def with_submodule(checkout):
    return Checkout(**{**vars(checkout), "submodules": True, "files": (*checkout.files, "parts/helper/helper.py")})


def test_a_checkout_from_github_is_whole_pinned_and_read_only(singer, tmp_path):
    rows = []
    assert not checkouts.availability(singer).ready
    assert checkouts.availability(singer).cure == "songbench setup singer"
    assert needs.facts(singer) == needs.NeedFacts(
        name="singer",
        kind="source",
        size="about 20 kB",
        bytes=20_000,
        revision=singer.commit,
        licence="CC0-1.0",
        restricted=False,
        present=False,
    )
    leftover = folder_of(singer).with_name(f".{folder_of(singer).name}.part")
    (leftover / ".git").mkdir(parents=True)  # of a setup that was killed
    (leftover / ".git/index.lock").touch()
    checkout = with_submodule(singer)
    folder = needs.set_up(checkout, say=rows.append)
    assert folder == path_of(checkout) == folder_of(checkout) and not leftover.exists()
    assert (folder / "infer.py").read_text() == "VERSION = 1\n", "the pinned commit, not the newest"
    assert (folder / "parts/helper/helper.py").is_file() and not list(folder.rglob(".git"))
    assert (folder / "infer.py").stat().st_mode & 0o222 == 0
    assert identity_of(checkout) == checkout.commit == commit_at(folder) and not checkouts.is_changed(checkout)
    assert "https://github.com/authors/singer.git" in rows[0] and "CC0-1.0" in rows[0]
    rows.clear()
    assert setup_checkout(checkout, say=rows.append) == folder and rows == []


def test_a_clone_gives_the_pinned_commit_and_not_what_lies_in_its_work_tree(singer, upstream, tmp_path):
    clone, commit = upstream
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", str(clone), str(bare), cwd=tmp_path)
    for place in (clone, bare):
        folder = setup_checkout(singer, say=lambda _: None, upstream=place)
        assert (folder / "infer.py").read_text() == "VERSION = 1\n"
        assert identity_of(singer) == commit
        shutil.rmtree(folder)


def test_every_form_of_a_mirror(singer, upstream, tmp_path, monkeypatch):
    clone, commit = upstream
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.file:///nowhere/.insteadOf")  # no network
    stick = tmp_path / "stick"
    stick.mkdir()
    forms = {
        "singer": lambda place: git("clone", "-q", str(clone), str(place), cwd=tmp_path),
        "singer.git": lambda place: git("clone", "-q", "--bare", str(clone), str(place), cwd=tmp_path),
        "singer.bundle": lambda place: git("bundle", "create", "-q", str(place), "HEAD", cwd=clone),
        "singer.tar.gz": lambda place: git("archive", "--prefix=singer-1/", "-o", str(place), commit, cwd=clone),
    }
    for name, make in forms.items():
        make(stick / name)
        monkeypatch.setenv("SONGBENCH_MIRROR", str(stick))
        folder = setup_checkout(singer, say=lambda _: None)
        assert (folder / "infer.py").read_text() == "VERSION = 1\n", name
        assert (folder / "lines.txt").read_bytes() == b"a\nb\n"
        assert identity_of(singer) == commit
        shutil.rmtree(folder)
        (stick / name).rename(tmp_path / f"used-{name}")
    # files that nothing proves to be of the commit: an archive without its header, and a plain folder
    (stick / "singer/config").mkdir(parents=True)
    (stick / "singer/infer.py").write_text("VERSION = 1\n")
    (stick / "singer/config/base.json").write_text("{}")
    rows, identities = [], set()
    setup_checkout(singer, say=rows.append)
    identities.add(identity_of(singer))
    shutil.rmtree(folder_of(singer))
    with tarfile.open(stick / "singer.tar.gz", "w:gz") as archive:
        archive.add(stick / "singer", "singer-main")
    shutil.rmtree(stick / "singer")
    setup_checkout(singer, say=rows.append)
    identities.add(identity_of(singer))
    assert len(identities) == 1 and identities.pop().startswith("a copy, code ")
    assert sum("nothing says that this is commit" in row for row in rows) == 2
    assert commit_at(folder_of(singer)) is None
    # an archive of another commit is refused, and so is one that is cut
    shutil.rmtree(folder_of(singer))
    (stick / "singer.tar.gz").unlink()
    git("archive", "-o", str(stick / "singer.tar.gz"), "HEAD", cwd=clone)
    with pytest.raises(SongbenchError, match=r"it is of commit \w{12}, not "):
        setup_checkout(singer, say=lambda _: None)
    (stick / "singer.tar.gz").write_bytes((tmp_path / "used-singer.tar.gz").read_bytes()[:150])
    with pytest.raises(SongbenchError, match="cannot be unpacked"):
        setup_checkout(singer, say=lambda _: None)
    assert path_of(singer) is None and not list(tmp_path.glob("checkouts/.*"))


def test_a_submodule_comes_from_the_same_mirror(singer, upstream, tmp_path, monkeypatch):
    clone, _ = upstream
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.file:///nowhere/.insteadOf")
    git("clone", "-q", "--bare", str(clone), str(tmp_path / "stick/singer.git"), cwd=clone)
    git("clone", "-q", "--bare", str(clone.parent / "helper.git"), str(tmp_path / "stick/helper.git"), cwd=clone)
    folder = setup_checkout(with_submodule(singer), say=lambda _: None, mirror=tmp_path / "stick")
    assert (folder / "parts/helper/helper.py").is_file()


def test_a_folder_of_ones_own_is_used_as_it_is(singer, upstream, tmp_path, monkeypatch):
    clone, commit = upstream
    work_tree = tmp_path / "work_tree"
    shutil.copytree(clone, work_tree)
    older = Checkout(**{**vars(singer), "commit": "0" * 40})
    rows = []
    assert setup_checkout(older, say=rows.append, upstream=work_tree) == work_tree == path_of(older)
    assert "used as it is, at commit" in rows[0] and not folder_of(older).exists()
    assert needs.facts(older).revision == "of your own" and needs.facts(older).present
    newest = git("rev-parse", "HEAD", cwd=clone)
    assert commit_at(work_tree) == newest != commit
    before = identity_of(older)
    assert before.startswith(f"of your own, commit {newest}, code ")
    (work_tree / "outputs").mkdir()
    (work_tree / "outputs/song.wav").write_bytes(b"RIFF")
    (work_tree / ".venv").mkdir()
    (work_tree / ".venv/any.py").write_text("")
    assert identity_of(older) == before, "songs and virtual environments are no code"
    work_tree.rename(tmp_path / "elsewhere")
    assert path_of(older) is None
    assert "is no folder" in checkouts.availability(older).reason
    monkeypatch.setenv("SONGBENCH_UPSTREAM_SINGER", str(tmp_path / "elsewhere"))
    assert identity_of(older) == before, "wherever it lies"
    (tmp_path / "elsewhere/infer.py").write_text("VERSION = 10\n")
    assert identity_of(older) != before
    with pytest.raises(InputError, match="SONGBENCH_UPSTREAM_SINGER names"):
        setup_checkout(older, say=rows.append, upstream=clone)
    (tmp_path / "elsewhere/infer.py").unlink()
    state = checkouts.availability(older)
    assert "which lacks infer.py" in state.reason and "unset it and run songbench setup singer" in state.cure
    monkeypatch.delenv("SONGBENCH_UPSTREAM_SINGER")
    # a clone that has the commit takes the place of what was noted
    folder = setup_checkout(singer, say=rows.append, upstream=clone)
    assert path_of(singer) == folder and identity_of(singer) == commit


def test_the_commit_of_a_work_tree_is_read_in_all_its_forms(upstream, tmp_path):
    clone, commit = upstream
    newest = git("rev-parse", "HEAD", cwd=clone)
    assert commit_at(clone) == newest
    packed = tmp_path / "packed"
    git("clone", "-q", str(clone), str(packed), cwd=tmp_path)
    git("pack-refs", "--all", cwd=packed)
    assert commit_at(packed) == newest
    git("worktree", "add", "-q", "--detach", str(tmp_path / "second"), commit, cwd=packed)
    assert commit_at(tmp_path / "second") == commit
    git("worktree", "add", "-q", "-b", "third", str(tmp_path / "third"), commit, cwd=packed)
    assert commit_at(tmp_path / "third") == commit
    assert commit_at(tmp_path) is None


def test_what_is_wrong_names_the_ways_to_mend_it(singer, upstream, tmp_path, monkeypatch):
    clone, _ = upstream
    absent = Checkout(**{**vars(singer), "repository": "authors/gone"})
    with pytest.raises(SongbenchError) as caught:
        setup_checkout(absent, say=lambda _: None)
    for way in ("network", "--upstream PATH", "--from FOLDER", "singer.bundle", "SONGBENCH_UPSTREAM_SINGER"):
        assert way in str(caught.value)
    lacking = Checkout(**{**vars(singer), "files": ("infer.py", "weights.py")})
    with pytest.raises(SongbenchError, match=r"what arrived lacks weights\.py"):
        setup_checkout(lacking, say=lambda _: None, upstream=clone)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no checkout of authors/singer: it lacks infer\.py"):
        setup_checkout(singer, say=lambda _: None, upstream=tmp_path / "empty")
    with pytest.raises(InputError, match="no folder"):
        setup_checkout(singer, say=lambda _: None, upstream=tmp_path / "nowhere")
    with pytest.raises(StoreWriteError, match="no room for the source 'singer'"):
        setup_checkout(Checkout(**{**vars(singer), "about": 10**18}), say=lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SongbenchError, match=r"git is not installed(?s:.*)Three ways"):
        setup_checkout(singer, say=lambda _: None)
    assert path_of(singer) is None
    closed = Checkout(**{**vars(singer), "restricted": True})
    with pytest.raises(InputError, match=r"source 'singer' is under a restricted licence.*--accept-licence"):
        needs.set_up(closed, say=lambda _: None)
    for wrong in ({"repository": "singer"}, {"commit": "main"}, {"files": ()}):
        with pytest.raises(ValueError, match="singer"):
            Checkout(**{**vars(singer), **wrong})


def test_two_setups_do_not_disturb_each_other(singer):
    import fcntl

    folder = folder_of(singer)
    folder.parent.mkdir(parents=True)
    rows = []
    with open(folder.parent / f"{folder.name}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: setup_checkout(singer, say=rows.append))
        thread.start()
        while not rows:
            time.sleep(0.01)
        folder.mkdir()
        (folder / ".songbench-checkout.json").write_text(json.dumps({"commit": singer.commit}))
    thread.join(20)
    assert len(rows) == 1 and "waiting" in rows[0]


def test_the_doctor_looks_at_it(singer, upstream, monkeypatch):
    clone, commit = upstream
    monkeypatch.setattr(registry, "load", lambda *_: singer)
    check = doctor._source("singer")
    assert (check.state, check.cure) == ("note", "songbench setup singer")
    folder = setup_checkout(singer, say=lambda _: None, upstream=clone)
    check = doctor._source("singer")
    assert check.state == "ok" and commit in check.finding
    (folder / "infer.py").chmod(0o644)
    (folder / "infer.py").write_text("VERSION = 1.1\n")
    assert checkouts.is_changed(singer)
    assert doctor._source("singer").cure == f"remove {folder} and run songbench setup singer"
    monkeypatch.setenv("SONGBENCH_UPSTREAM_SINGER", str(clone.parent))
    assert doctor._source("singer").state == "bad"
