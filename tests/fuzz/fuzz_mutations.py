"""Seeded damage to bytes, text and decoded JSON, of the kinds that files and typing fingers bring about."""

import copy
import json

NUMBERS = [0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")]
TEXTS = [
    *(
        "",
        " ",
        "0",
        "true",
        "null",
        "NaN",
        "\n",
        "\t",
        "\0",
        "\x1b[31m",
        "\ufeff",
        "\u200b",
        "\u2028",
        "\xad",
        "\ud800",
    ),
    *(
        "\u202eabc",
        "é",
        "e\u0301",
        "歌",
        "🎵",
        "👩\u200d👩\u200d👧",
        "&#39;",
        "&amp;amp;",
        "\\n",
        "'",
        '"',
        "\\",
        "/",
        "..",
    ),
    *(
        "../x",
        "a/b",
        "C:\\a",
        "%s%n",
        "${seed}",
        "{x}",
        "[x]",
        "[[",
        "]]",
        "[verse]",
        "[Verse 1]",
        "[chorus]",
        "[intro]",
    ),
    *(
        "[00:12.30]",
        "(x2)",
        "100%",
        "$5",
        "1999",
        "<br>",
        "x" * 300,
        "歌" * 90,
        "p0_s1",
        "p0",
        "-",
        "_",
        ".",
        ",",
        ";",
        "en",
    ),
]
DECODED = [
    None,
    True,
    False,
    *NUMBERS,
    *TEXTS,
    [],
    {},
    [[]],
    {"": None},
    ["a"],
    [None],
    {"a": {"b": 1}},
    [1, "2", None],
]
"""Values for any place of decoded JSON."""


def mutated_bytes(rng, data, words=()):
    """A few small changes, or one large one.

    Args:
        rng: a seeded `random.Random`.
        data: what is damaged.
        words: byte strings that mean something in such a file.
    """
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.randrange(len(data) + 1)
        head = min(at, rng.choice([16, 64, 256, len(data) + 1]))  # headers decide; most damage goes there
        at = rng.choice([at, head])
        length = rng.choice([1, 1, 2, 4, 8, 64])
        match rng.randrange(9):
            case 0:
                data[at : at + length] = rng.randbytes(length)
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = rng.randbytes(length)
            case 3:
                del data[at:]
            case 4 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 5:
                data[at:at] = data[at : at + rng.choice([1, 16, 256])]
            case 6:
                data[at : at + length] = rng.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * length
            case 7 if words:
                data[at : at + rng.choice([0, 0, length])] = rng.choice(words)
            case 8:
                data[at:at] = (rng.choice(words) if words else rng.randbytes(1)) * rng.choice([2, 50, 3000])
    return bytes(data)


def mutated_text(rng, text, words=()):
    """The same for text, ending as the bytes of a file in one of the encodings that are met."""
    words = [*TEXTS, *words]
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice([0, 1, 3, 20]))
        lines = text.split("\n")
        match rng.randrange(7):
            case 0:
                text = text[:at] + rng.choice(words) + text[end:]
            case 1:
                text = text[:at] + text[end:]
            case 2:
                text = text[:at] + text[at:end] * 2 + text[end:]
            case 3:
                rng.shuffle(lines)
                text = "\n".join(lines)
            case 4:
                lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
                text = "\n".join(lines)
            case 5:
                text = text[:at]
            case 6 if rng.random() < 0.2:
                text = text[:at] + rng.choice(words) * rng.choice([100, 3000, 50_000]) + text[at:]
    text = text.replace("\n", rng.choice(["\n"] * 8 + ["\r\n", "\r", "\u2028"]))
    encoding = rng.choice(["utf-8"] * 10 + ["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "gb18030", "utf-32"])
    data = text.encode(encoding, errors=rng.choice(["replace", "surrogatepass"]) if "utf" in encoding else "replace")
    return mutated_bytes(rng, data) if rng.random() < 0.1 else data


def mutated_json(rng, value):
    """One or a few places of decoded JSON changed: another value, name, order, or nothing any more."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        holder, place = _somewhere(rng, value)
        if holder is None:
            return rng.choice(DECODED)
        match rng.randrange(6):
            case 0 | 1 | 2:
                holder[place] = rng.choice(DECODED)
            case 3:
                del holder[place]
            case 4 if isinstance(holder, dict):
                old = holder.pop(place)
                name = place[:-1] if rng.random() < 0.5 else rng.choice(TEXTS)
                holder[name] = old
            case 5 if isinstance(holder, list):
                holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[place]))
            case _:
                holder[place] = [holder[place]]
    return value


def written_json(rng, value):
    """Decoded JSON as text, now and then with a name twice, nested too deep, or with characters as escapes."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.05 and "{" in text:
        text = text.replace("{", '{"id": "x", "seconds": 1, ', 1)
    if rng.random() < 0.02:
        text = text.replace(":", ": " + "[" * 2000, 1)
    return text


def _somewhere(rng, value):
    """A random place in nested data: what holds it, and its name or number there."""
    places = []

    def walk(inner):
        entries = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        for place, below in entries:
            places.append((inner, place))
            walk(below)

    walk(value)
    return rng.choice(places) if places else (None, None)
