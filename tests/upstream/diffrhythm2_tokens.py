"""Reads lyrics as DiffRhythm 2's inference.py does, by its own functions; run in its environment, from its checkout.

Standard input: a list of lyrics. Standard output, last line: for each ``{"lines": tokens of each line, "error": None or
its message}``.
"""

import json
import sys


def read(inference, lyrics):
    try:
        return {"lines": inference.parse_lyrics(lyrics), "error": None}
    except Exception as error:
        return {"lines": [], "error": str(error)}


def main():
    songs = json.load(sys.stdin)
    sys.path.insert(0, ".")
    import inference

    inference.lrc_tokenizer = inference.CNENTokenizer()
    print(json.dumps([read(inference, lyrics) for lyrics in songs]))


if __name__ == "__main__":
    main()
