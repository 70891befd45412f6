"""The score as a standard MIDI file (format 1), written byte by byte so that equal songs give equal files.

Layout of chunks and events: "Standard MIDI Files 1.0", MIDI Manufacturers Association, 1996.
"""

import struct
from collections.abc import Iterable, Sequence

from systems.rulebased.harmony import Harmony
from systems.rulebased.melody import MelodyNote
from systems.rulebased.plan import Plan
from systems.rulebased.score import DRUM_BANK, InstrumentTrack
from systems.rulebased.theory import Key

TICKS = 480
"""Ticks per beat."""

_LYRIC, _TRACK_NAME, _TEXT, _MARKER, _TEMPO, _METRE, _KEY = 0x05, 0x03, 0x01, 0x06, 0x51, 0x58, 0x59
_CHOIR_PROGRAM = 53
_SHARPS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}

_Event = tuple[int, int, bytes]
"""Tick, order among events of the same tick, message."""


def write_midi(
    plan: Plan, harmony: Harmony, melody: Sequence[tuple[MelodyNote, str]], tracks: Sequence[InstrumentTrack]
) -> bytes:
    """Writes a song as MIDI.

    Args:
        plan: tempo and sections (as markers).
        harmony: key and chords (as text events and a key signature).
        melody: sung notes, each with the word that starts on it, or "" within a word.
        tracks: the accompaniment.

    Returns:
        The file: conductor track, vocals (channel 1) with lyric events, then one track per instrument; drums are on
        channel 10.
    """
    channels = iter([1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15])
    chunks = [_conductor(plan, harmony), _vocals(melody)]
    chunks += [_instrument(track, 9 if track.bank == DRUM_BANK else next(channels)) for track in tracks]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), TICKS) + b"".join(chunks)


def _conductor(plan: Plan, harmony: Harmony) -> bytes:
    events: list[_Event] = [
        (0, 0, _meta(_TRACK_NAME, b"song")),
        (0, 0, _meta(_TEMPO, round(60_000_000 / plan.bpm).to_bytes(3, "big"))),
        (0, 0, _meta(_METRE, bytes([4, 2, 24, 8]))),
        (0, 0, _meta(_KEY, _key_signature(harmony.key))),
    ]
    events += [(_tick(section.start), 1, _meta(_MARKER, section.tag.encode())) for section in plan.sections]
    events += [(_tick(placed.start), 2, _meta(_TEXT, placed.chord.name.encode())) for placed in harmony.chords]
    return _track(events)


def _key_signature(key: Key) -> bytes:
    major = (key.tonic + (3 if key.mode == "minor" else 0)) % 12
    return struct.pack("bB", _SHARPS[major], key.mode == "minor")


def _vocals(melody: Iterable[tuple[MelodyNote, str]]) -> bytes:
    events: list[_Event] = [(0, 0, _meta(_TRACK_NAME, b"vocals")), (0, 0, bytes([0xC0, _CHOIR_PROGRAM]))]
    for note, word in melody:
        if word:
            events.append((_tick(note.start), 2, _meta(_LYRIC, word.encode())))
        events += _note(0, note.pitch, note.start, note.end, note.velocity)
    return _track(events)


def _instrument(track: InstrumentTrack, channel: int) -> bytes:
    events: list[_Event] = [
        (0, 0, _meta(_TRACK_NAME, track.name.encode())),
        (0, 0, bytes([0xC0 | channel, track.program])),
    ]
    for tone in track.tones:
        events += _note(channel, tone.pitch, tone.start, tone.end, tone.velocity)
    return _track(events)


def _note(channel: int, pitch: int, start: float, end: float, velocity: int) -> list[_Event]:
    first = _tick(start)
    last = max(first + 1, _tick(end))
    return [(first, 3, bytes([0x90 | channel, pitch, velocity])), (last, 1, bytes([0x80 | channel, pitch, 0]))]


def _tick(beat: float) -> int:
    return max(0, round(beat * TICKS))


def _track(events: list[_Event]) -> bytes:
    body, at = b"", 0
    for tick, _, message in sorted(events, key=lambda event: (event[0], event[1])):
        body += _variable_length(tick - at) + message
        at = tick
    body += _variable_length(0) + bytes([0xFF, 0x2F, 0])
    return b"MTrk" + struct.pack(">I", len(body)) + body


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable_length(len(data)) + data


def _variable_length(value: int) -> bytes:
    """Seven bits per byte, most significant first, the high bit set on all but the last."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))
