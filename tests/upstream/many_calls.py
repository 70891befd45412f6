"""Runs an upstream program for many songs in one process of an environment in which its models are absent.

Standard input: ``{"worker": path of songbench's script_worker.py, "settings": of its worker, "invocations": [...]}``.
Standard output, last line: for each ``{"options": what the program's own parser made of the arguments, "notes": what
the models were given, "error": None or how it ended}``.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import runpy
import sys
import tempfile
import traceback


def module_at(path):
    spec = importlib.util.spec_from_file_location("script_worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(namespace):
    """The options as JSON has them."""
    return {
        key: value if isinstance(value, str | int | float) else str(value) for key, value in vars(namespace).items()
    }


def ran(script, arguments, notes):
    """One call, and what came of it."""
    parsed, parse = [], argparse.ArgumentParser.parse_args

    def parse_and_keep(parser, *values, **options):
        parsed.append(parse(parser, *values, **options))
        return parsed[-1]

    argparse.ArgumentParser.parse_args = parse_and_keep
    sys.argv, error = [script, *arguments], None
    notes.write_text("")
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        error = f"exit code {end.code}" if end.code else None
    except BaseException:
        error = traceback.format_exc()
    finally:
        argparse.ArgumentParser.parse_args = parse
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    return {"options": plain(parsed[-1]) if parsed else None, "notes": lines, "error": error}


def main():
    job = json.load(sys.stdin)
    module = module_at(job["worker"])
    worker, answers = module.Worker(job["settings"]), []
    with tempfile.TemporaryDirectory() as folder:
        notes = pathlib.Path(folder) / "notes.jsonl"
        os.environ["SONGBENCH_TEST_NOTES"] = str(notes)
        for number, invocation in enumerate(job["invocations"]):
            place = pathlib.Path(folder) / str(number)
            place.mkdir()
            sounds = module.sounds_of({"prompt_audio": str(place / "prompt.wav")})
            places = {**worker.places(place), **sounds}
            (place / "prompt.wav").touch()
            for name, text in invocation["files"].items():
                (pathlib.Path(places["in"]) / name).write_bytes(module.fill(text, places).encode("utf-8"))
            script = worker.tree / worker.script
            path = module.fill(worker.variables.get("PYTHONPATH", ""), places).split(os.pathsep)
            sys.path[:0] = [str(script.parent), *filter(None, path)]
            os.chdir(worker.cwd)
            answers.append(ran(str(script), [module.fill(word, places) for word in invocation["arguments"]], notes))
        os.chdir("/")
    print()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
