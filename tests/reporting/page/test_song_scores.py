"""The scores of a song: what is said at once of most songs is what is said of each number by itself."""

from dataclasses import replace

from made_up_run import full_run

from songbench.domain.score import DOUBT, Scores
from songbench.reporting.document.blocks import FilledForm, Table
from songbench.reporting.page.song_scores import PromptScores


def rewritten(run, change):
    """The run with other verdicts on songs."""
    metrics = [
        replace(metric, songs={song: change(verdict) for song, verdict in metric.songs.items()})
        for metric in run.metrics
    ]
    return replace(run, metrics=tuple(metrics))


def plain_table(scores, song):
    """Laid out number by number."""
    table = scores.table_of_song(song)
    return Table(
        columns=(table.table if isinstance(table, FilledForm) else table).columns, rows=tuple(scores._rows(song))
    )


def tables(run):
    """Of every song, each held against the plain one."""
    scores = PromptScores(run)
    laid_out = [scores.table_of_song(song) for song in run.songs]
    for song, table in zip(run.songs, laid_out, strict=True):
        assert (table.table if isinstance(table, FilledForm) else table) == plain_table(scores, song)
    return laid_out


def with_every_number(verdict):
    """With a number in every field."""
    if not isinstance(verdict, Scores):
        return verdict
    return replace(verdict, values={**dict.fromkeys(verdict.missing, -0.00001), **verdict.values}, missing={})


def test_what_is_there_at_once_and_what_is_not():
    tables(full_run())
    run = full_run()
    run = replace(
        run,
        metrics=tuple(metric for metric in run.metrics if any(isinstance(v, Scores) for v in metric.songs.values())),
    )
    forms = [isinstance(table, FilledForm) for table in tables(rewritten(run, with_every_number))]
    assert any(forms) and not all(forms), "some songs of the run failed"
    assert not any(
        isinstance(table, FilledForm)
        for change in (
            lambda verdict: (
                verdict and replace(verdict, detail={DOUBT: "it is short"}) if isinstance(verdict, Scores) else verdict
            ),
            lambda verdict: replace(verdict, weights={"none": 0.0}) if isinstance(verdict, Scores) else verdict,
        )
        for table in tables(rewritten(rewritten(run, with_every_number), change))
    )


def test_numbers_of_a_prompt_are_those_of_its_songs():
    run = full_run()
    scores = PromptScores(run)
    songs = [song for song in run.songs if song.prompt == run.suite.prompts[0].id]
    table = scores.table_of_prompt(songs, [song.system for song in songs], [False for _ in songs])
    places = [place for place, (_, column) in enumerate(scores.columns) if column.field.headline]
    for song, row in zip(songs, table.rows, strict=True):
        assert [*row.cells[1:]] == [scores._values(song)[place][0] for place in places]
