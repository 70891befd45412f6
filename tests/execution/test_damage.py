"""Whatever is changed, cut or lost under the store or the run's folder is named by `verify`, or changes nothing."""

import json
import shutil
from pathlib import Path

import pytest

from songbench.domain.errors import InputError
from songbench.execution import runner
from songbench.execution.checksums import SUMS
from songbench.execution.config import build_experiment, compose
from songbench.execution.damage import discard_damage
from songbench.execution.gather import completion, gather, stored_completion
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD, make_record, read_record
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.execution.verification import verify
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.report import write_report

RECIPE = {
    "reference": {"render": "probe", "seed": 3},
    "prompt_wav": {"cut": "reference", "start": 0.05, "seconds": 0.1},
}
NOTHING_RESTS_ON = ("journal.jsonl",)
"""What happened and when: nobody's number depends on it."""


class Bench:
    """A small run with every kind of file in its store."""

    def __init__(self, folder, suite):
        self.folder, self.suite = folder, suite

    def experiment(self, *overrides):
        options = {
            "suite.source": str(self.suite),
            "systems": ["probe", "copy_prompt", "silence"],
            "metric.select": ["level@probe", "spread@probe"],
            "store": str(self.folder / "store"),
            "runs": str(self.folder / "runs"),
            "statistics.replicates": 100,
        }
        return build_experiment(compose(["engine=inline", "system.probe.misbehave={p1: fail}", *overrides], options))

    def run(self):
        experiment = self.experiment()
        store = Store(experiment.store)
        outcome = Runner(experiment, store).run()
        self.report()
        return outcome

    def report(self):
        write_report(self.board(), self.experiment().folder)

    def results(self):
        experiment = self.experiment()
        return gather(experiment, Store(experiment.store))

    def counted(self):
        experiment = self.experiment()
        return stored_completion(experiment, Store(experiment.store))

    def board(self):
        return build_leaderboard(self.results(), **self.experiment().statistics)

    def verify(self):
        experiment = self.experiment()
        store = Store(experiment.store)
        record = read_record(experiment.folder / RECORD)
        return verify(record, experiment.folder, store, record)

    def discard(self):
        return discard_damage(list(self.verify().damaged), Store(self.experiment().store))

    def numbers(self):
        """Every number of the leaderboard, and what the record says was stored."""
        return self.board().to_frame().to_csv(), read_record(self.experiment().folder / RECORD)["stored"]

    def files(self):
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".lock")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine")
    suite = folder.parent / f"{folder.name}.jsonl"
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{i}", "lyrics": "[verse]\nla la la", "seconds": 0.2, **RECIPE} for i in range(2)]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    bench = Bench(folder, suite)
    bench.run()
    return bench


@pytest.fixture
def bench(pristine, tmp_path):
    shutil.copytree(pristine.folder, tmp_path / "copy")
    return Bench(tmp_path / "copy", pristine.suite)


def test_an_untouched_run_is_whole(pristine):
    verification = pristine.verify()
    assert verification.intact
    experiment = pristine.experiment()
    now = make_record(experiment, Planner(experiment, Store(experiment.store)))
    assert not verify(now, experiment.folder, Store(experiment.store), now).changed
    assert now == {name: value for name, value in read_record(experiment.folder / RECORD).items() if name != "digest"}
    kinds = {path.relative_to(pristine.folder).parts[1:3] for path in pristine.files()}
    assert {("records", kind) for kind in ("songs", "assets", "scores", "failures")} <= kinds
    assert verification.checked == len([p for p in (pristine.folder / "store").rglob("*") if p.is_file()])


def place(path, bench):
    """How `verify` names a file: below the store's root or the run's folder."""
    parts = path.relative_to(bench.folder).parts
    return "/".join(parts[1:] if parts[0] == "store" else parts[2:])


def damaged_places(bench):
    """The places that `verify` names."""
    return {damage.place for damage in bench.verify().damaged}


HOW = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
}


def changed(data, where):
    """Bytes of which one is another: by a share of the length, so that headers, bodies and ends are met."""
    place = min(len(data) - 1, round(where * len(data)))
    return data[:place] + bytes([data[place] ^ 0x15]) + data[place + 1 :]


@pytest.mark.parametrize("where", [0.0, 0.1, 0.35, 0.5, 0.75, 0.98, 1.0])
def test_one_byte_changed_anywhere_is_named_or_changes_nothing(bench, where):
    numbers = bench.numbers()
    files = {path: path.read_bytes() for path in bench.files() if path.name not in (RECORD, SUMS)}
    for path, data in files.items():
        path.write_bytes(changed(data, where))
    places = damaged_places(bench)
    unseen = [path for path in files if place(path, bench) not in places]
    for path in files.keys() - set(unseen):
        path.write_bytes(files[path])
    for path in unseen:
        assert path.name in NOTHING_RESTS_ON or path.suffix in (".json", ".npz"), f"a changed {path} is not named"
    assert bench.numbers() == numbers, f"of {unseen} one changed the result unseen"


@pytest.mark.parametrize("where", [0.0, 0.2, 0.6, 0.9, 1.0])
def test_one_byte_changed_in_the_record_or_the_list_of_files_is_named(bench, where):
    folder = bench.experiment().folder
    for path in (folder / SUMS, folder / RECORD):
        data = path.read_bytes()
        path.write_bytes(changed(data, where))
        if path.name == SUMS:
            assert bench.verify().damaged
        else:
            numbers = json.loads(data)
            try:
                assert read_record(path) == numbers, "white space at most"
            except InputError as error:
                assert "record.json" in str(error)
        path.write_bytes(data)


@pytest.mark.parametrize("how", HOW)
def test_what_is_cut_emptied_or_deleted_is_named(bench, how):
    folder = bench.experiment().folder
    files = [path for path in bench.files() if path.name not in (*NOTHING_RESTS_ON, RECORD, SUMS)]
    for path in files:
        HOW[how](path)
    assert {place(path, bench) for path in files} <= damaged_places(bench)
    bench.report()
    HOW[how](folder / SUMS)
    assert SUMS in damaged_places(bench)
    HOW[how](folder / RECORD)
    with pytest.raises(InputError, match=r"record\.json.*(cut or unreadable|gone)"):
        bench.verify()


@pytest.mark.parametrize("how", HOW)
def test_a_run_mends_whatever_is_cut(bench, how):
    numbers = bench.numbers()[0]
    for path in bench.files():
        if path.name not in NOTHING_RESTS_ON:
            HOW[how](path)
    assert bench.counted() == completion(bench.results())
    outcome = bench.run()
    assert bench.verify().intact
    assert bench.counted() == completion(bench.results())
    assert bench.numbers()[0] == numbers
    assert how == "deleted" or outcome.damaged


@pytest.mark.parametrize("kind", ["records/songs", "records/assets", "records/scores", "features", "blobs"])
def test_a_run_mends_one_cut_file_and_what_rests_on_it(bench, kind):
    HOW["cut"](sorted(path for path in (bench.folder / "store" / kind).rglob("*.*") if path.is_file())[0])
    assert bench.run().damaged or kind == "features"
    assert bench.verify().intact


def test_an_edited_score_is_not_a_score(bench):
    scores = sorted((bench.folder / "store/records/scores").rglob("*.json"))
    path = next(path for path in scores if "values" in json.loads(path.read_text()))
    numbers = bench.numbers()[0]
    edited = json.loads(path.read_text())
    edited["values"] = dict.fromkeys(edited["values"], 0.999)
    path.write_text(json.dumps(edited))
    assert place(path, bench) in damaged_places(bench)
    assert "0.999" not in bench.numbers()[0]
    bench.run()
    assert bench.verify().intact and bench.numbers()[0] == numbers


def test_a_forged_digest_is_named_and_can_be_discarded(bench):
    """Who edits a record and its digest still meets the run's own record."""
    store = Store(bench.experiment().store)
    records = {key: store.get("scores", key) for key in sorted(store.keys("scores"))}
    key, record = next((key, record) for key, record in records.items() if "values" in record)
    store.save("scores", key, {**record, "values": dict.fromkeys(record["values"], 0.999)})
    numbers = bench.numbers()[0]
    (damage,) = [one for one in bench.verify().damaged if one.kind == "score"]
    assert key in damage.place and "another one now" in damage.problem
    assert bench.discard() == 1
    bench.run()
    assert bench.verify().intact and bench.numbers()[0] != numbers


def test_two_records_cannot_change_places(bench):
    first, second = sorted((bench.folder / "store/records/scores").rglob("*.json"))[:2]
    first_content, second_content = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_content), second.write_bytes(first_content)
    assert {place(first, bench), place(second, bench)} <= damaged_places(bench)


def test_damaged_audio_is_made_again_when_something_needs_it(bench):
    """Same size, other bytes: planning cannot see it, reading does; the second round makes the song again."""
    numbers = bench.numbers()[0]
    for blob in (bench.folder / "store/blobs").rglob("*.flac"):
        data = blob.read_bytes()
        blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    shutil.rmtree(bench.folder / "store/records/scores")
    shutil.rmtree(bench.folder / "store/features")
    outcome = bench.run()
    assert outcome.damaged and not [what for what, *_ in outcome.failed if what.startswith("scores")]
    assert bench.verify().intact and bench.numbers()[0] == numbers


def test_workers_find_damage_too(bench):
    """The same with worker processes: one finds the damage, both rounds go through the engine."""
    for blob in (bench.folder / "store/blobs").rglob("*.flac"):
        data = blob.read_bytes()
        blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    shutil.rmtree(bench.folder / "store/records/scores")
    shutil.rmtree(bench.folder / "store/features")
    experiment = bench.experiment("engine=local", "engine.workers=1")
    outcome = Runner(experiment, Store(experiment.store)).run()
    assert outcome.damaged and not [what for what, *_ in outcome.failed if what.startswith("scores")]
    bench.report()
    assert bench.verify().intact


def test_scores_of_a_song_that_was_made_again_are_made_again(bench):
    """A system may give another song the second time: what was measured on the first does not stay."""
    store = Store(bench.experiment().store)
    record = read_record(bench.experiment().folder / RECORD)
    key = record["songs"]["probe/p0/0"]
    song = store.get("songs", key)
    store.save("songs", key, {**song, "words": [["la", 0.0, 0.1]]})
    outcome = bench.run()
    assert outcome.computed["scores of level@probe"] == 1 and outcome.computed["scores of spread@probe"] == 1


def test_a_tampered_feature_is_extracted_again(bench):
    feature = next((bench.folder / "store/features").rglob("*.npz"))
    data = feature.read_bytes()
    feature.write_bytes(data.replace(data[150:160], bytes(10)))
    assert place(feature, bench) in damaged_places(bench)
    shutil.rmtree(bench.folder / "store/records/scores")
    bench.run()
    assert feature.read_bytes() == data and bench.verify().intact


def test_scratch_files_of_the_dead_go_and_those_of_the_living_stay(bench):
    import os

    dead, old = f".x.json.{2**22 + 1}-0123abcd.tmp", ".y.json.0123abcd.tmp"
    living = f".z.json.{os.getpid()}-0123abcd.tmp"
    places = [bench.folder / "store/records/scores/ab", bench.experiment().folder / "figures"]
    for folder in places:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (dead, old, living):
            (folder / name).write_bytes(b"half")
    assert {Path(one.place).name for one in bench.verify().damaged} >= {dead, old}
    bench.run()
    for folder in places:
        assert [path.name for path in folder.glob(".*.tmp")] == [living]


def test_a_run_with_nothing_to_do_writes_its_record_once(bench, monkeypatch):
    writes, save = [], runner.save_record
    monkeypatch.setattr(runner, "save_record", lambda *words: writes.append(1) or save(*words))
    bench.run()
    assert len(writes) == 1
    shutil.rmtree(bench.folder / "store/records/scores")
    bench.run()
    assert len(writes) == 3, "at the beginning and at the end; no songs were made between"
    assert bench.verify().intact


def test_a_report_removes_its_own_stale_files_and_nobody_elses(bench):
    folder = bench.experiment().folder
    stale = folder / "figures/level-probe.png"
    assert stale.is_file()
    (folder / "figures/mine.png").write_bytes(b"mine")
    (folder / "notes.txt").write_text("mine")
    experiment = bench.experiment()
    results = gather(experiment, Store(experiment.store))
    fewer = results.__class__(**{**vars(results), "metrics": results.metrics[1:]})
    write_report(build_leaderboard(fewer, replicates=100), folder)
    assert not stale.exists()
    assert (folder / "figures/mine.png").exists() and (folder / "notes.txt").exists()
    assert {damage.place for damage in bench.verify().damaged} == {"figures/mine.png"}
