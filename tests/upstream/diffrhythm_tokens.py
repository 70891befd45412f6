"""Reads lyrics as DiffRhythm's infer.py does, by its own functions; run in its environment, from its checkout.

Standard input: a list of (LRC, seconds of the song, frames of the model). Standard output, last line: for each
``{"lines": [[seconds, text, number of tokens]], "sentences": how many reach the model, "error": None or its message}``.
"""

import json
import sys

END_OF_SENTENCE = 2


def read(functions, tokenizer, lrc, seconds, frames):
    try:
        lines = [(start, text, len(tokenizer.encode(text))) for start, text in functions.parse_lyrics(lrc)]
        tokens, *_ = functions.get_lrc_token(frames, lrc, tokenizer, seconds, "cpu")
    except Exception as error:
        return {"lines": [], "sentences": 0, "error": str(error)}
    return {"lines": lines, "sentences": int((tokens == END_OF_SENTENCE).sum()), "error": None}


def main():
    songs = json.load(sys.stdin)
    sys.path[:0] = [".", "infer"]
    import infer_utils

    tokenizer = infer_utils.CNENTokenizer()
    print(json.dumps([read(infer_utils, tokenizer, *song) for song in songs]))


if __name__ == "__main__":
    main()
