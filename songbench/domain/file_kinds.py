"""What a file is, by its first bytes: suffixes lie, and what is named ``song.mp3`` may be the page of an error."""

from __future__ import annotations

import re
from pathlib import PurePath

from songbench.domain.errors import InputError

READABLE_SUFFIXES = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64",
)  # fmt: skip
"""Sound files that libsndfile decodes."""

CONVERTIBLE_SUFFIXES = (
    ".m4a", ".mp4", ".m4b", ".m4v", ".mov", ".aac", ".wma", ".asf", ".webm", ".mka", ".mkv", ".weba", ".ape", ".wv",
    ".tta", ".mpc", ".dsf", ".dff", ".ac3", ".eac3", ".amr", ".3gp", ".avi", ".flv", ".mp2", ".ra",
)  # fmt: skip
"""Files that hold sound which has to be converted first."""

_READABLE = (b"RIFF", b"RIFX", b"RF64", b"riff\x2e\x91\xcf\x11", b"FORM", b"fLaC", b"OggS", b"caff", b".snd", b"ID3")
_CONVERTIBLE = (
    (0, rb"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, rb"0&\xb2u\x8ef\xcf\x11", "Windows Media (WMA, ASF)"),
    (0, rb"\xff[\xf0\xf1\xf8\xf9]", "AAC (ADTS)"),
    (4, rb"ftyp", "MPEG-4 (m4a, mp4: AAC or ALAC)"),
    (0, rb"#!AMR", "AMR"),
    (0, rb"MAC ", "Monkey's Audio"),
    (0, rb"wvpk", "WavPack"),
    (0, rb"TTA[12]", "True Audio"),
    (0, rb"MP\+|MPCK", "Musepack"),
    (0, rb"DSD |FRM8", "DSD"),
    (0, rb"\x0bw", "AC-3"),
    (0, rb"FLV", "Flash video"),
    (8, rb"AVI ", "AVI"),
    (0, rb"\.ra\xfd|\.RMF", "RealAudio"),
)
_OTHER = (
    (rb"version https://git-lfs", "a git-lfs pointer, not the sound itself", "Run 'git lfs pull' where it came from."),
    (
        rb"/annex/objects/|\.\./.*\.git/annex/",
        "a git-annex pointer, not the sound itself",
        "Run 'git annex get' there.",
    ),
    (
        rb"(?is)(<!doctype html|<html|<head|<body)",
        "a web page (HTML), not sound",
        "The download gave a page instead of the file, such as a log-in or an error: download it again.",
    ),
    (
        rb"(?s)<\?xml|<[A-Za-z]+[ >/]",
        "XML, not sound",
        "The download gave a message instead of the file: see what it says.",
    ),
    (rb"[{\[]\s*[\"{\]}]", "JSON, not sound", "The download gave a message instead of the file: see what it says."),
    (rb"MThd", "MIDI: notes, not sound", "Render it to a sound file first."),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive, not sound", "Unpack it first."),
    (rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8", "a picture or document, not sound", "Give the sound file."),
)


def refuse_other_kinds(head: bytes, file: str) -> None:
    """Say what a file is that is no sound file libsndfile could read.

    Args:
        head: its first bytes, 512 are enough.
        file: its name, for the message.

    Raises:
        InputError: for kinds that have to be converted, and for pages, pointers, archives and text. Nothing is said of
            bytes that could be sound.
    """
    if head.startswith(_READABLE) and head[8:12] != b"AVI ":
        return
    for at, pattern, kind in _CONVERTIBLE:
        if re.match(pattern, head[at:]):
            raise InputError(f"{kind} is not readable here.", file=file, cure=conversion(file))
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for pattern, kind, cure in _OTHER:
        if re.match(pattern, text):
            raise InputError(f"This is {kind}.", file=file, cure=cure)
    if not any(head.strip(b"\0")):
        raise InputError("The file holds nothing but zero bytes.", file=file, cure="Download or copy it again.")
    beginning = _as_text(head)
    if beginning:
        raise InputError(
            f"This is text, not sound: it begins with {beginning!r}.", file=file, cure="Download it again."
        )


def conversion(file: str) -> str:
    """How to make a readable file of one that is not."""
    return f'Convert it: ffmpeg -i "{file}" "{PurePath(file).with_suffix(".wav")}"'


def _as_text(head: bytes) -> str | None:
    """The beginning as text when every byte of it is plain ASCII text, else None."""
    if len(head) < 8 or any(byte > 126 or (byte < 32 and byte not in b"\t\r\n") for byte in head):
        return None
    return " ".join(head[:60].decode("ascii").split())
