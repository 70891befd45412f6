"""The part that all stand-ins share: arguments, failures that the lyrics ask for, and the sound they give.

A stand-in is a program with the arguments, the files and the quirks of one of other people's programs, and without its
model. It runs as that would, in a process of another Python, so only the standard library is here. Its folder holds
``contract.json``, the contract data of the program it stands for, and ``sounds``, what it gives out.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import time

ROOT = next(
    (folder for folder in pathlib.Path(__file__).absolute().parents if (folder / "contract.json").exists()), None
)
KINDS = {"str": str, "int": int, "float": float, "bool": bool}
FAULT = "fault"
"""A sung line that begins so names a fault, as in "fault crash"."""


class Overrides:
    """Reads options of the form ``key=value`` into a mapping; a key that no contract has ends the program."""

    def __init__(self, options):
        self.defaults = {option["flag"]: option["default"] for option in options}

    def parse_args(self, words=None):
        values = dict(word.split("=", 1) for word in (sys.argv[1:] if words is None else words))
        for key in values:
            if key not in self.defaults:
                print("unknown option:", key, file=sys.stderr)
                sys.exit(2)
        return {**self.defaults, **values}


def parser_of(contract):
    """The parser that contract data describe: of options, of each command's own, or of overrides.

    Options whose help begins with a command are that one's.
    """
    if all(option["action"] == "dotlist" for option in contract["options"]):
        return Overrides(contract["options"])
    parser = argparse.ArgumentParser(allow_abbrev=contract["entry"].get("allow_abbrev", True))
    if not contract["entry"].get("subcommand_required"):
        add_options(parser, contract["options"])
        return parser
    subparsers = parser.add_subparsers(dest="command", required=True)
    commands = contract["entry"]["argv"][-1].split("|")
    for command in commands:
        first_words = {name for name in commands if name != command}
        options = [
            option
            for option in contract["options"]
            if (option.get("help") or "-").split()[0].rstrip(":") not in first_words
        ]
        add_options(subparsers.add_parser(command), options)
    return parser


def add_options(parser, options):
    """Give a parser the options of contract data."""
    for option in options:
        flags = option["flag"] if isinstance(option["flag"], list) else [option["flag"]]
        if not all(flag.startswith("-") for flag in flags):
            continue
        facts = {"required": bool(option["required"]), "default": option["default"], "help": option.get("help")}
        if facts["help"]:
            facts["help"] = facts["help"].replace("%", "%%")
        if option["action"] in ("store_true", "store_false"):
            parser.add_argument(*flags, action=option["action"])
        else:
            kind = KINDS.get(option["type"], str)
            parser.add_argument(*flags, type=kind, choices=option.get("choices") or None, **facts)


def arguments():
    """What this program was called with, read by the parser of its contract."""
    return parser_of(json.loads((ROOT / "contract.json").read_text(encoding="utf-8"))).parse_args()


def fault_in(text):
    """The fault that lyrics ask for, "" where they ask for none; those that end the program do so here."""
    position = text.find(FAULT + " ")
    fault = text[position + len(FAULT) + 1 :].split()[0].strip(".,;\"'\\[]") if position >= 0 else ""
    if fault == "crash":
        raise ValueError("tensors of different sizes")
    if fault == "memory":
        print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB", flush=True)
        sys.exit(1)
    if fault == "killed":
        os.kill(os.getpid(), 9)
    if fault == "hang":
        time.sleep(600)
    return fault


def give(path, fault="", channels=2):
    """Write the sound of a song, in the format of its name; "nothing" writes no file at all.

    Args:
        path: of the file.
        fault: as `fault_in` gives it.
        channels: of the sound.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if fault == "nothing":
        return
    if fault == "empty":
        path.write_bytes(b"")
    elif fault == "broken":
        path.write_bytes(b"no sound at all, but a message of the service")
    elif fault == "nan":
        shutil.copyfile(ROOT / "sounds" / "nan.wav", path)
    else:
        shutil.copyfile(ROOT / "sounds" / f"{channels}{path.suffix}", path)
