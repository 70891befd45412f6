"""The few calls of git that fetch one commit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from songbench.resources.sources import SourceError

_SETTINGS = (
    "advice.detachedHead=false",
    "core.autocrlf=false",  # the same bytes on every machine
    "core.hooksPath=/dev/null",  # nothing of the user's own runs
    "http.lowSpeedLimit=1000",  # a network that has gone quiet is an error, not a wait without end
    "http.lowSpeedTime=60",
    "protocol.file.allow=always",  # submodules from a mirror
    "safe.directory=*",  # a mirror that belongs to somebody else, named by the user
)
_SERVED = "git -c safe.directory=* -c uploadpack.allowAnySHA1InWant=true upload-pack"
_LINES = 4


class Git:
    """Runs git without asking for passwords, and ends it with us.

    Args:
        lock: the number of an open lock file, which git holds, too.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __call__(self, *words: str | Path) -> str:
        """Run git to its end.

        Returns:
            What it wrote to stdout.

        Raises:
            SourceError: it fails or is not installed; with the last lines of what it said.
        """
        program = shutil.which("git")
        if program is None:
            raise SourceError("git is not installed")
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        process = subprocess.Popen(
            [program, *settings, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_variables(),
            pass_fds=(self._lock,),
            start_new_session=True,
            text=True,
            errors="replace",
        )
        try:
            output, messages = process.communicate()
        except BaseException:  # Ctrl-C: git starts other programs, so all of them have to go
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode:
            rows = [row.strip() for row in messages.splitlines() if row.strip()]
            raise SourceError("; ".join(rows[-_LINES:]) or f"git ended with exit code {process.returncode}")
        return output

    def has(self, repository: Path, commit: str) -> bool:
        """Whether a repository, bare or not, holds a commit; False without git."""
        try:
            self("-C", repository, "cat-file", "-e", f"{commit}^{{commit}}")
        except SourceError:
            return False
        return True

    def fetch(self, address: str | Path, commit: str, folder: Path) -> None:
        """Make a folder with the files of one commit, and the repository of only that in its ``.git``.

        Args:
            address: of a server, or the path of a repository.
            commit: 40 hex digits.
            folder: not there yet.

        Raises:
            SourceError: it cannot be reached, or does not have the commit.
        """
        self("init", "--quiet", "--template=", folder)
        local = [f"--upload-pack={_SERVED}"] if isinstance(address, Path) else []
        self("-C", folder, "fetch", "--quiet", "--no-tags", "--depth", "1", *local, address, commit)
        self("-C", folder, "checkout", "--quiet", "--detach", commit)

    def unbundle(self, bundle: Path, commit: str, folder: Path) -> None:
        """The same from a file made by ``git bundle``.

        Raises:
            SourceError: it is no bundle, rests on commits that it does not hold, or does not have the commit.
        """
        self("init", "--quiet", "--template=", folder)
        self("-C", folder, "bundle", "unbundle", bundle.absolute())
        self("-C", folder, "checkout", "--quiet", "--detach", commit)

    def fetch_submodules(self, folder: Path, places: list[Path]) -> None:
        """Fetch the submodules of a work tree.

        Args:
            folder: of the work tree.
            places: where repositories of them may lie already: at the submodule's own path, or named after it as in its
                address, with ``.git`` or without.

        Raises:
            SourceError: one cannot be fetched.
        """
        self("-C", folder, "submodule", "init", "--quiet")
        for row in self("-C", folder, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$").splitlines():
            key, _, path = row.partition(" ")
            name = key.removeprefix("submodule.").removesuffix(".path")
            address = self("-C", folder, "config", f"submodule.{name}.url").strip()
            stem = address.rstrip("/").rpartition("/")[2].removesuffix(".git")
            near = [place / spelling for place in places for spelling in (path, stem, f"{stem}.git")]
            if repository := next((place for place in near if is_repository(place)), None):
                self("-C", folder, "config", f"submodule.{name}.url", repository.absolute())
        self("-C", folder, "submodule", "--quiet", "update", "--recursive", "--depth", "1")


def is_repository(folder: Path) -> bool:
    """Whether a folder is a repository of git or the top of a work tree."""
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


def _variables() -> dict[str, str]:
    """Ours, without those that lead git to another repository, and with what keeps it from asking or fetching more."""
    foreign = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_PREFIX")
    variables = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**variables, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
