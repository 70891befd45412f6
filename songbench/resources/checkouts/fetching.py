"""Getting the source of other people's programs: from a clone, a mirror, or GitHub."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.resources.checkouts.checkout import (
    VARIABLE,
    Checkout,
    folder_of,
    missing_files,
    note_of,
    override_of,
    override_variable,
    path_of,
)
from songbench.resources.checkouts.content import MARKER, code_digest, commit_at
from songbench.resources.checkouts.git import Git, is_repository
from songbench.resources.files import write_atomically
from songbench.resources.locking import locked
from songbench.resources.sources import SourceError

Say = Callable[[str], None]
"""Where progress messages go, one line each."""


def setup_checkout(
    checkout: Checkout, *, say: Say = print, mirror: Path | None = None, upstream: Path | None = None
) -> Path:
    """Get the source unless it is here.

    It appears under its name only when it is whole, and its files are read-only. Two setups at once do not disturb each
    other: the second waits for the first.

    Args:
        checkout: what to get.
        say: called with one line per step.
        mirror: a folder looked in before any network, for ``NAME`` (a repository, or the files), ``NAME.git``,
            ``NAME.bundle`` or ``NAME.tar.gz``. Default: ``SONGBENCH_MIRROR``.
        upstream: a clone of the user's own, bare or not. The commit is copied from it where it holds that; else the
            folder is used as it is, and its path noted.

    Returns:
        The folder with the files.

    Raises:
        InputError: `upstream` is no such folder, or a variable names another one already.
        SongbenchError: the source cannot be had; the message says from where it was tried, and names the other ways.
        StoreWriteError: there is no room for it.
    """
    if upstream is None and (folder := path_of(checkout)):
        return folder
    if override := override_of(checkout):
        raise InputError(
            f"{override_variable(checkout)} names '{override}', so the source '{checkout.name}' is looked for there.",
            cure=f"Correct or unset {override_variable(checkout)} first.",
        )
    mirror = mirror or (Path(configured) if (configured := os.environ.get("SONGBENCH_MIRROR")) else None)
    folder = folder_of(checkout)
    with locked(folder, VARIABLE, say) as lock:
        git = Git(lock)
        if upstream is not None:
            upstream = upstream.expanduser().absolute()
            if not (is_repository(upstream) and git.has(upstream, checkout.commit)):
                return _use_as_it_is(checkout, upstream, say)
            origins: Iterator[_Origin] = iter([_Repository(upstream, [upstream])])
        else:
            origins = _origins(checkout, mirror)
        note_of(checkout).unlink(missing_ok=True)
        if path_of(checkout) is None:  # nobody got it while we waited
            _require_space(checkout)
            _fetch(checkout, folder, origins, git, say)
    return folder


def _use_as_it_is(checkout: Checkout, folder: Path, say: Say) -> Path:
    if not folder.is_dir():
        raise InputError(f"'{folder}' is no folder.", field="--upstream")
    if missing := missing_files(checkout, folder):
        raise InputError(
            f"'{folder}' is no checkout of {checkout.repository}: it lacks {', '.join(missing)}.",
            field="--upstream",
            cure="Where it is a repository without a work tree, fetch the pinned commit into it:"
            f" git fetch {checkout.address} {checkout.commit}",
        )
    commit = commit_at(folder)
    state = f"at commit {commit[:12]}, changes included" if commit else "whose commit nothing tells"
    say(
        f"{checkout.name}: {folder} is used as it is, {state}; the pinned commit is {checkout.commit[:12]}. What is in"
        " it becomes part of every song's key"
    )
    write_atomically(note_of(checkout), json.dumps({"path": str(folder)}).encode())
    return folder


# -- where it can come from ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Repository:
    """A repository of git: its path, or the address of a server.

    Attributes:
        address: of it.
        places: where its submodules may lie.
    """

    address: str | Path
    places: list[Path]

    def place(self, checkout: Checkout, folder: Path, git: Git) -> str | None:
        git.fetch(self.address, checkout.commit, folder)
        return _without_history(checkout, folder, self.places, git)


@dataclass(frozen=True)
class _Bundle:
    """A file made by ``git bundle``."""

    address: Path

    def place(self, checkout: Checkout, folder: Path, git: Git) -> str | None:
        git.unbundle(self.address, checkout.commit, folder)
        return _without_history(checkout, folder, [self.address.parent], git)


@dataclass(frozen=True)
class _Archive:
    """A file made by ``git archive``, such as GitHub's own, which names its commit."""

    address: Path

    def place(self, checkout: Checkout, folder: Path, git: Git) -> str | None:
        try:
            with tarfile.open(self.address) as archive:
                commit = archive.pax_headers.get("comment")
                if commit and commit != checkout.commit:
                    raise SourceError(f"it is of commit {commit[:12]}, not {checkout.commit[:12]}")
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise SourceError(f"it cannot be unpacked ({error})") from None
        if missing_files(checkout, folder) and len(entries := list(folder.iterdir())) == 1:
            inner = entries[0].rename(folder / ".songbench-inner")  # all of it is in one folder, as GitHub does
            for entry in inner.iterdir():
                entry.rename(folder / entry.name)
            inner.rmdir()
        return commit


@dataclass(frozen=True)
class _Copy:
    """A folder with the files, of which nothing proves that they are of the commit."""

    address: Path

    def place(self, checkout: Checkout, folder: Path, git: Git) -> str | None:
        try:
            shutil.copytree(self.address, folder, symlinks=True)
        except (OSError, shutil.Error) as error:
            raise SourceError(f"it cannot be copied ({error})") from None
        return None


_Origin = _Repository | _Bundle | _Archive | _Copy


def _origins(checkout: Checkout, mirror: Path | None) -> Iterator[_Origin]:
    """What a mirror holds, then GitHub."""
    if mirror is not None:
        folders = (mirror / checkout.name, mirror / f"{checkout.name}.git")
        yield from (_Repository(folder, [folder, mirror]) for folder in folders if is_repository(folder))
        if (bundle := mirror / f"{checkout.name}.bundle").is_file():
            yield _Bundle(bundle)
        if (archive := mirror / f"{checkout.name}.tar.gz").is_file():
            yield _Archive(archive)
        # Weights of the same name lie in a folder of that name, too.
        if not is_repository(folders[0]) and folders[0].is_dir() and not missing_files(checkout, folders[0]):
            yield _Copy(folders[0])
    yield _Repository(checkout.address, [mirror] if mirror else [])


def _without_history(checkout: Checkout, folder: Path, places: list[Path], git: Git) -> str:
    if checkout.submodules:
        git.fetch_submodules(folder, places)
        for link in folder.rglob("*/.git"):
            link.unlink()
    shutil.rmtree(folder / ".git")
    return checkout.commit


# -- putting it in place -------------------------------------------------------------------------------------------


def _fetch(checkout: Checkout, folder: Path, origins: Iterator[_Origin], git: Git, say: Say) -> None:
    scratch, problems = folder.with_name(f".{folder.name}.part"), []
    for origin in origins:
        say(
            f"{checkout.name}: {checkout.repository} at {checkout.commit[:12]} from {origin.address} (licence:"
            f" {checkout.licence})"
        )
        shutil.rmtree(scratch, ignore_errors=True)  # of a setup that was killed
        try:
            commit = origin.place(checkout, scratch, git)
            if missing := missing_files(checkout, scratch):
                raise SourceError(f"what arrived lacks {', '.join(missing)}")
            _install(checkout, folder, scratch, commit, say)
            return
        except SourceError as error:
            problems.append(f"  {origin.address}: {error}")
            say(f"{checkout.name}: not from there: {error}")
        except OSError as error:
            raise StoreWriteError(
                f"The source '{checkout.name}' cannot be written to {folder.parent}: {error.strerror}. Free space or"
                f" set {VARIABLE}."
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    name = checkout.name
    raise SongbenchError(
        f"The source '{name}' could not be had:\n"
        + "\n".join(problems)
        + f"\nThree ways to get it: git and a network that reaches github.com; songbench setup {name} --upstream PATH"
        f" with a clone of {checkout.repository}; songbench setup {name} --from FOLDER with {name}.git, {name}.bundle"
        f" or {name}.tar.gz in it. Or name a checkout of your own by {override_variable(checkout)}."
    )


def _install(checkout: Checkout, folder: Path, scratch: Path, commit: str | None, say: Say) -> None:
    digest = code_digest(scratch, checkout.files)
    if commit is None:
        say(f"{checkout.name}: nothing says that this is commit {checkout.commit[:12]}; code {digest[:12]} recorded")
    for path in scratch.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    facts = {"name": checkout.name, "repository": checkout.repository, "commit": commit, "digest": digest}
    write_atomically(scratch / MARKER, (json.dumps(facts, indent=1) + "\n").encode())
    shutil.rmtree(folder, ignore_errors=True)  # one without a marker is none
    scratch.rename(folder)


def _require_space(checkout: Checkout) -> None:
    from songbench.resources.weights import in_words

    free = shutil.disk_usage(folder_of(checkout).parent).free
    if checkout.about > free:
        raise StoreWriteError(
            f"There is no room for the source '{checkout.name}': it needs about {in_words(checkout.about)}, and"
            f" {folder_of(checkout).parent} has {in_words(free)} free. Free space or set {VARIABLE}."
        )
