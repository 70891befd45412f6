"""Scores, songs and transcripts as CSV and Parquet."""

import pandas as pd
import pytest

from songbench.domain.errors import InputError, UnavailableError
from songbench.exporting.formats import check_target
from songbench.exporting.tables import export_tables


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_is_read_back(export, tmp_path, ending):
    run = export()
    paths = export_tables(run, tmp_path, ending)
    assert [path.name for path in paths] == [f"{name}.{ending}" for name in ("scores", "songs", "transcripts")]
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[ending]
    scores, songs = read(paths[0]), read(paths[1])
    assert len(scores) == 3 * 2 + 2 and len(songs) == 6
    values = scores[scores["field"] == "level"].set_index(["system", "prompt"])["value"]
    level = run.results.metrics[0].songs["probe", "aux", 0].values["level"]
    assert values["probe", "aux"] == pytest.approx(level, rel=1e-12)
    failed = songs[songs["state"] == "failed"].iloc[0]
    assert (failed["system"], failed["prompt"], failed["reason"]) == ("probe", "sun", "out of tune")
    assert set(songs["tag.genre"]) == {"pop"} and songs["digest"].notna().sum() >= 5
    if ending == "parquet":
        assert list(read(paths[2]).columns)[:3] == ["system", "prompt", "take"]
        assert scores["take"].dtype == "Int64" and songs["seed_honoured"].dtype == "boolean"


def test_tables_of_others_are_not_overwritten(export, tmp_path):
    run = export()
    export_tables(run, tmp_path, "csv")
    export_tables(run, tmp_path, "csv")
    export_tables(export(systems=["noise"]), tmp_path, "csv")
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(InputError, match=r"would overwrite: scores\.csv.*--force"):
        export_tables(run, tmp_path, "csv")
    export_tables(run, tmp_path, "csv", force=True)
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(InputError, match="no list of such an export"):
        export_tables(run, tmp_path, "csv")


def test_what_cannot_be_is_refused_before_a_run_is_read(tmp_path, monkeypatch):
    def check(name, out=tmp_path, settings=()):
        return check_target(name, out=out, settings=settings)

    with pytest.raises(InputError, match="Did you mean 'parquet'"):
        check("parqet")
    with pytest.raises(InputError, match="--to csv --out FOLDER"):
        check("csv", out=None)
    with pytest.raises(InputError, match="no settings"):
        check("csv", settings=["a=1"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install pyarrow"):
        check("parquet")
