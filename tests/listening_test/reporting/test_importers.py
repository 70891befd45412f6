"""Other tools' files: read as documented, refused with file and line where they are not."""

import csv
import io
import json
import math

import pytest
from shared_files import shared

from listening_test.analysis.analyse import analyse
from listening_test.importers import read_import
from listening_test.importers.options import DEFAULTS, Options
from listening_test.protocol import load_protocol
from listening_test.reporting.assemble import make_report
from listening_test.reporting.listening_result import listening_result_of
from songbench.domain.errors import InputError

MUSHRA = ["rating_stimulus", "rating_score", "rating_time", "rating_comment"]
BY_NAME = Options(rater_columns=("name",))
STIMULI = {"reference": 96, "anchor35": 18, "anchor70": 40, "suno": 78, "yue": 60}


def table(path, header, rows):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([header, *rows])
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


def mushra_rows(raters=6, trials=3, uuid=True):
    return [
        [
            *("codec", f"person{r}@example.org", str(20 + r), *([f"uuid-{r}"] if uuid else []), f"song{t}", name),
            *(str(min(100, level + 2 * r - t)), "41500", 'said "fine", twice' if t == 0 else ""),
        ]
        for r in range(raters)
        for t in range(trials)
        for name, level in STIMULI.items()
    ]


def mushra_file(path, **more):
    uuid = ["session_uuid"] if more.get("uuid", True) else []
    return table(path, ["session_test_id", "email", "age", *uuid, "trial_id", *MUSHRA], mushra_rows(**more))


def read(kind, path, protocol=None, options=DEFAULTS):
    return read_import(f"{kind}:{path}", protocol, options)


class TestWebMushra:
    def test_mushra_results(self, tmp_path):
        data = read("webmushra", mushra_file(tmp_path / "mushra.csv")).data
        assert data.protocol.form == "mushra" and data.systems == ("suno", "yue") and data.test == data.run == ""
        roles = data.ratings.groupby("system")["role"].first().to_dict()
        assert roles == {
            **{"reference": "reference", "lowpass-3500": "anchor", "lowpass-7000": "anchor"},
            **{"suno": "system", "yue": "system"},
        }
        assert len(data.ratings) == 6 * 3 * 5 and set(data.ratings["seconds"]) == {41.5}
        assert 'said "fine", twice' in set(data.ratings["comment"])
        assert data.ratings["order"].max() == 3
        means = {one.system: one.mean for one in analyse(data).scales[0].means}
        assert means["suno"] == pytest.approx(78 + 5 - 1) and means["yue"] < means["suno"]

    def test_nobody_is_named(self, tmp_path):
        data = read("webmushra", mushra_file(tmp_path / "mushra.csv")).data
        everything = data.ratings.to_csv() + data.raters.to_csv()
        assert "@example.org" not in everything and "uuid-" not in everything
        assert list(data.raters["background_age"]) == [str(20 + r) for r in range(6)]

    def test_without_a_session_the_experimenter_says_what_tells_raters_apart(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv", uuid=False)
        with pytest.raises(InputError, match=r"who answered.*no column 'session_uuid'.*--rater-columns email,age"):
            read("webmushra", path)
        data = read("webmushra", path, options=Options(rater_columns=("email",))).data
        assert data.ratings["rater"].nunique() == 6 and "@example.org" not in data.ratings.to_csv()
        assert any("told apart by 'email'" in note for note in data.notes)
        with pytest.raises(InputError, match=r"'emial'.*Did you mean 'email'"):
            read("webmushra", path, options=Options(rater_columns=("emial",)))

    @pytest.mark.parametrize("columns", [("age",), ("gender",), ("age", "gender")])
    def test_columns_that_merge_people_are_refused(self, columns):
        path = shared("cases/16_webmushra_same_people") / "a_same_demographics.csv"
        with pytest.raises(InputError, match="--rater-columns age,gender"):
            read("webmushra", path)
        with pytest.raises(InputError, match=r"line \d+.*(two people|do not tell raters apart)"):
            read("webmushra", path, options=Options(rater_columns=columns))

    def test_with_sessions_the_same_people_are_twelve(self):
        path = shared("cases/16_webmushra_same_people") / "a_with_uuid.csv"
        data = read("webmushra", path).data
        assert data.ratings["rater"].nunique() == 12 and len(data.ratings) == 360
        assert set(data.ratings["kind"]) == {"test"}
        assert set(data.raters["background_age"]) == {"23", "24", "25"}

    def test_a_session_left_empty_names_nobody(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv")
        path.write_text(path.read_text().replace("uuid-3", ""))
        with pytest.raises(InputError, match=r"line 47.*who answered here: 'session_uuid' is empty.*--rater-columns"):
            read("webmushra", path)

    def test_only_columns_known_to_be_harmless_leave(self):
        data = read("webmushra", shared("cases/18_webmushra_private") / "g_private.csv").data
        assert [name for name in data.raters if name.startswith("background_")] == ["background_age"]
        everything = "".join(frame.to_csv() for frame in (data.ratings, data.raters, data.pairs, data.checks))
        private = ("Person", "1230", "P0", "s0", "王", "abc", "cd613e30")
        assert not [text for text in private if text in everything + " ".join(data.notes)]
        assert any(note.startswith("6 columns") and "'Matrikelnummer'" in note for note in data.notes)

    def test_a_harmless_name_does_not_make_its_values_harmless(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv")
        path.write_text(path.read_text().replace(",25,uuid", ",25 (Jane Roe),uuid"))
        data = read("webmushra", path).data
        assert not [name for name in data.raters if name.startswith("background_")]
        assert "Jane" not in data.raters.to_csv() and any("'age'" in note for note in data.notes)

    def test_quotation_marks_as_php_writes_them(self, tmp_path):
        data = read("webmushra", shared("cases/18_webmushra_private") / "h_php.csv").data
        assert 'said "good", mostly' in set(data.ratings["comment"]) and len(data.ratings) == 120
        path = mushra_file(tmp_path / "mushra.csv")  # a backslash at the end of a value, as everybody else writes it
        path.write_text(path.read_text().replace('"said ""fine"", twice"', '"in C:\\songs\\"'))
        assert "in C:\\songs\\" in set(read("webmushra", path).data.ratings["comment"])

    def test_tables_as_excel_saves_them(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv")
        text = path.read_text()
        for delimiter in ";\t":
            again = tmp_path / "again.csv"
            rows = csv.reader(io.StringIO(text))
            with open(again, "w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file, delimiter=delimiter).writerows(rows)
            assert read("webmushra", again).data.ratings.equals(read("webmushra", path).data.ratings)
        path.write_bytes(text.replace("fine", "schön").encode("latin-1"))
        with pytest.raises(InputError, match=r"mushra\.csv, line 2: This is not UTF-8.*Save it as UTF-8"):
            read("webmushra", path)

    def test_without_reference_it_is_not_mushra(self, tmp_path):
        rows = [row for row in mushra_rows() if row[5] != "reference"]
        header = ["session_test_id", "email", "age", "session_uuid", "trial_id", *MUSHRA]
        assert read("webmushra", table(tmp_path / "m.csv", header, rows)).data.protocol.form == "multistimulus"

    def test_likert_results_with_one_or_several_ratings(self, tmp_path):
        header = ["session_test_id", "name", "trial_id", "stimuli_rating", "stimuli", "rating_time"]
        rows = [
            ["mos", f"p{r}", f"t{t}", " NA " if (r, t) == (0, 0) else f" {3 + (r + t) % 2} ", name, "9000"]
            for r in range(4)
            for t in range(3)
            for name in ("a", "b")
        ]
        data = read("webmushra", table(tmp_path / "lms.csv", header, rows), options=BY_NAME).data
        assert data.protocol.form == "acr" and data.protocol.range("rating") == (1.0, 5.0)
        assert data.ratings["value"].isna().sum() == 2 and set(data.ratings["answer"]) == {"na", "3", "4"}
        assert any("1 to 5 is taken" in note for note in data.notes)
        header[3:4] = ["stimuli_rating1", "stimuli_rating2"]
        several = [[*row[:3], "4", "2", *row[4:]] for row in rows]
        two = read("webmushra", table(tmp_path / "lss.csv", header, several), options=BY_NAME).data
        assert set(two.ratings["scale"]) == {"rating1", "rating2"}

    def test_paired_comparisons(self, tmp_path):
        header = ["session_test_id", "name", "trial_id", "choice_reference", "choice_non_reference", "choice_answer"]
        header += ["choice_time", "choice_comment"]
        answers = ["correct", "incorrect", "undecided", "unknown"]
        rows = [
            ["pc", f"p{r}", f"t{t}", "reference", "C1", answers[(r + t) % 4], "5000", ""]
            for r in range(4)
            for t in range(4)
        ]
        imported = read("webmushra", table(tmp_path / "pc.csv", header, rows), options=BY_NAME)
        assert not imported.places_known and len(imported.data.pairs) == 12
        assert imported.data.pairs["outcome"].value_counts().to_dict() == {"first": 4, "second": 4, "tie": 4}
        assert any("4 comparisons without an answer" in note for note in imported.data.notes)
        report = make_report(imported.data, analyse(imported.data), "no run.", places_known=False)
        assert listening_result_of(report).test_digest == ""

    def test_what_was_sent_twice_counts_once_and_a_second_session_is_a_repetition(self, tmp_path):
        header = ["session_test_id", "email", "age", "session_uuid", "trial_id", *MUSHRA]
        rows = mushra_rows(raters=3)
        data = read("webmushra", table(tmp_path / "m.csv", header, [*rows, *rows[:5]])).data
        assert len(data.ratings) == len(rows) and set(data.ratings["kind"]) == {"test"}
        assert any("5 lines came twice" in note for note in data.notes)
        later = [[*row[:7], "39000", row[8]] for row in rows[:5]]
        data = read("webmushra", table(tmp_path / "m.csv", header, [*rows, *later])).data
        assert (data.ratings["kind"] == "repeat").sum() == 5

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda text: "", "line 1: The file is empty"),
            (lambda text: text.split("\n")[0] + "\n", "nothing below it"),
            (lambda text: text.replace(",", "|"), "line 1: The values are separated by bars"),
            (lambda text: text.replace('"said ""fine"", twice"', '"said "fine", twice"'), "line 2: This line is"),
            (lambda text: '{"a": 1}', "line 1: This is JSON"),
            (lambda text: text.replace("session_test_id", "test"), "no column 'session_test_id'"),
            (lambda text: text.replace("rating_score", "points"), "points"),
            (lambda text: text.replace("person0@example.org,20,uuid-0", ",,"), "line 2.*who answered"),
            (lambda text: text.replace(",uuid-1,song1", ",uuid-0,song1", 1), "line 22.*'email'.*two people"),
            (lambda text: text.replace(",78,", ",seventy,", 1), r"line \d+.*'rating_score'.*'seventy' is not a number"),
            (lambda text: text.replace(",78,41500", ",178,41500", 1), r"line \d+.*0 to 100"),
            (lambda text: text.replace(",78,41500,", ",78,41500,x,y,", 1), r"line \d+: This line has 11 values"),
            (lambda text: text.replace("codec", "other", 3).replace("other", "codec", 2), "Another test begins here"),
            (lambda text: text.replace("rating_comment", "rating_time"), "'rating_time' is there twice"),
        ],
    )  # fmt: skip
    def test_broken_files_are_refused_by_name_and_line(self, tmp_path, change, message):
        path = mushra_file(tmp_path / "mushra.csv")
        text = path.read_text()
        path.write_text(change(text))
        with pytest.raises(InputError, match=rf"mushra\.csv.*{message}"):
            read("webmushra", path)

    def test_a_comment_over_several_lines_does_not_shift_the_count(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv")
        text = path.read_text().replace('"said ""fine"", twice"', '"one\ntwo"', 1)
        path.write_text(text.replace(",18,", ",x,", 1))
        with pytest.raises(InputError, match=r"line 4.*rating_score"):  # the first answer fills lines 2 and 3
            read("webmushra", path)

    def test_a_protocol_must_fit(self, tmp_path):
        path = mushra_file(tmp_path / "mushra.csv")
        assert read("webmushra", path, load_protocol("mushra")).data.protocol.name == "mushra"
        with pytest.raises(InputError, match=r"'mushra'.*'levo' is of the form 'acr'"):
            read("webmushra", path, load_protocol("levo"))


def battle(n, preference="A", **more):
    return {
        "uuid": f"b{n}",
        "prompt_detailed": {"overall_prompt": f"a song about {n % 3}", "instrumental": n % 2 == 0, "lyrics": None},
        "prompt_user": {"salted_ip": f"ip{n % 4}", "salted_fingerprint": None},
        "prompt_session": {"uuid": f"s{n % 4}", "create_time": 1.75e9},
        "a_metadata": {"system_key": {"system_tag": "riffusion", "variant_tag": "v1"}, "duration": 30.0},
        "b_metadata": {"system_key": {"system_tag": "musicgen", "variant_tag": "small"}, "duration": 29.0},
        "vote": {
            "preference": preference,
            "preference_time": 1.75e9 + n,
            "a_listen_data": [["PLAY", 10.0], ["TICK", 11.0], ["TICK", 12.5], ["PAUSE", 13.0], ["TICK", 20.0]],
            "b_listen_data": [["PLAY", 15.0], ["STOP", 19.0]],
            "a_feedback": "nice",
        },
        "timings": [["x", 1.0]],
        **more,
    }  # fmt: skip


class TestMusicArena:
    def test_logs(self, tmp_path):
        votes = ["A", "B", "TIE", "BOTH_BAD", "A", "A", "A", "B"]
        path = tmp_path / "battles.jsonl"
        rows = [*(battle(n, vote) for n, vote in enumerate(votes)), battle(9, vote=None)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = read("musicarena", path).data
        assert data.systems == ("musicgen", "riffusion") and len(data.pairs) == 8
        assert data.pairs["outcome"].tolist() == ["first", "second", "tie", "both_bad", *["first"] * 3, "second"]
        assert data.pairs["rater"].nunique() == 4 and data.pairs["prompt"].nunique() == 3
        assert set(data.pairs["heard_first"]) == {3.0} and set(data.pairs["heard_second"]) == {4.0}
        assert math.isnan(data.pairs["value"].iloc[3]) and set(data.pairs["tag_instrumental"]) == {"yes", "no"}
        assert any("1 battle without a vote" in note for note in data.notes)
        assert "ip0" not in data.pairs.to_csv()
        strengths = {one.system: one.win_rate for one in analyse(data).scales[0].strengths}
        assert strengths["riffusion"] == pytest.approx((4 + 0.5) / 7)

    def test_published_records_in_a_folder(self, tmp_path):
        folder = tmp_path / "battle_data/01-2025JULAUG"
        folder.mkdir(parents=True)
        for n in range(4):
            record = {
                "battle_uuid": f"b{n}", "date": "2025-08-01", "prompt": "calm", "is_instrumental": "True",
                "user_pseudonym": f"u{n % 2}", "system_a": "suno", "system_b": "udio", "preference": "B",
                "total_listening_time_a": 5.5, "total_listening_time_b": None, "timestamp": 1.75e9, "lyrics": "",
                "feedback": "", "duration_a": 60.0, "duration_b": 58.0,
            }  # fmt: skip
            (folder / f"{n}.json").write_text(json.dumps(record))
        data = read("musicarena", tmp_path / "battle_data").data
        assert len(data.pairs) == 4 and data.raters["rater"].nunique() == 2
        assert set(data.pairs["outcome"]) == {"second"} and data.pairs["heard_second"].isna().all()

    def test_a_folder_as_a_download_leaves_it(self, tmp_path):
        """Locks, notes of the downloader and half-finished files lie beside the data."""
        data, cache = tmp_path / "battle_data/01-2025JULAUG", tmp_path / ".cache/huggingface/download/battle_data"
        for folder in (data, cache, tmp_path / "__MACOSX"):
            folder.mkdir(parents=True)
        (data / "1.json").write_text(json.dumps(battle(1)))
        (cache / "1.json").write_text(json.dumps(battle(2)))
        for file in (
            cache / "1.json.metadata",
            cache / "1.json.lock",
            data / "2.json.incomplete",
            data / "1.json.lock",
        ):
            file.write_text("not JSON")
        (data / "._1.json").write_text("\0")
        (tmp_path / "__MACOSX/1.json").write_text("\0")
        assert len(read("musicarena", tmp_path).data.pairs) == 1

    def test_a_battle_counts_once(self, tmp_path):
        published = {"battle_uuid": "b0", "preference": "A", "system_a": "riffusion", "system_b": "musicgen"}
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(battle(n)) + "\n" for n in (0, 1, 0)))
        (tmp_path / "b.json").write_text(json.dumps([battle(1), battle(2, vote=None), battle(1, vote=None), published]))
        data = read("musicarena", tmp_path).data
        assert len(data.pairs) == 2 and (data.pairs["kind"] == "test").all()
        assert any("3 records of battles that were there already" in note for note in data.notes)
        assert any("1 battle without a vote" in note for note in data.notes)
        (tmp_path / "c.json").write_text(json.dumps(battle(1, "B")))
        with pytest.raises(
            InputError, match=r"c\.json: The battle 'b1' is also in .*a\.jsonl, line 2, with another vote"
        ):
            read("musicarena", tmp_path)

    @pytest.mark.parametrize("form", ["pairs", "objects", "text"])
    def test_every_form_of_listen_events_gives_the_same_seconds(self, tmp_path, form):
        events = [["PLAY", 10.0], ["TICK", 11.0], ["SEEK", 11.2], ["PAUSE", 13.0], ["PLAY", 20.0], ["STOP", 21.5]]
        objects = [{"action": action, "time": time} for action, time in events]
        record = battle(0)
        record["vote"]["a_listen_data"] = events if form == "pairs" else objects
        if form == "text":
            record = {"battle_uuid": "b0", "preference": "A", "system_a": "x", "system_b": "y"}
            record |= {"listen_data_a": json.dumps(events), "listen_data_b": json.dumps(objects)}
        path = tmp_path / "b.json"
        path.write_text(json.dumps(record))
        assert read("musicarena", path).data.pairs["heard_first"].tolist() == [4.5]

    def test_variants_of_a_system_are_kept_apart(self, tmp_path):
        second = battle(1, a_metadata={"system_key": {"system_tag": "riffusion", "variant_tag": "v2"}, "duration": 1.0})
        path = tmp_path / "b.json"
        path.write_text(json.dumps([battle(0), second]))
        assert read("musicarena", path).data.systems == ("musicgen", "riffusion:v1", "riffusion:v2")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "empty"),
            (json.dumps(battle(0)) + "\n{oops\n", "line 2: Not valid JSON"),
            (json.dumps(battle(0)) + "\n[1]\n", "line 2: A battle is a JSON object"),
            (json.dumps(battle(0, "C")) + "\n", "line 1.*'C' is not a vote.*BOTH_BAD"),
            (json.dumps({"uuid": "x", "vote": {"preference": "A"}}) + "\n", "line 1: This is not a battle"),
            (json.dumps(battle(0, vote=None)) + "\n", "Not one battle here has a vote"),
        ],
    )
    def test_broken_files_are_refused_by_name_and_line(self, tmp_path, text, message):
        path = tmp_path / "battles.jsonl"
        path.write_text(text)
        with pytest.raises(InputError, match=rf"battles\.jsonl.*{message}"):
            read("musicarena", path)


class TestP808:
    HEADER = ("AssignmentId", "AssignmentStatus", "WorkerId", "Input.tp", "Input.tp_ans", "Input.gold_clip")
    HEADER += ("Answer.q1_url", "Answer.q1", "Answer.q2_url", "Answer.q2", "Answer.q3_url", "Answer.q3", "Approve")

    def rows(self, *statuses):
        at = "https://store.example.org/clips"
        return [
            [
                *(f"A{w}", status, f"W{w}", f"{at}/tp/t1.wav", "2", f"{at}/gold/g.wav", f"{at}/sysA/p{w % 2}.wav", "4"),
                *(f"{at}/sysB/p{w % 2}.wav", "3", f"{at}/tp/t1.wav", "2" if w else "5", ""),
            ]
            for w, status in enumerate(statuses or ("Approved",) * 4)
        ]

    def test_only_accepted_assignments_count(self, tmp_path):
        rows = self.rows("Approved", "Rejected", "Submitted", "Accepted", "Submitted")
        rows[4][-1] = "X"
        path = table(tmp_path / "batch.csv", self.HEADER, [*rows, rows[0]])
        data = read("p808", path).data
        assert data.ratings["rater"].nunique() == 3 and len(data.ratings) == 6
        assert any("2 assignments not accepted" in note for note in data.notes)
        assert any("1 assignment came twice" in note for note in data.notes)
        everybody = read("p808", path, options=Options(include_rejected=True)).data
        assert everybody.ratings["rater"].nunique() == 5
        assert any("accepted or not" in note for note in everybody.notes)

    def test_what_was_accepted_must_be_known(self, tmp_path):
        header, rows = self.HEADER[2:], [row[2:] for row in self.rows()]
        path = table(tmp_path / "batch.csv", header, rows)
        with pytest.raises(InputError, match=r"no column 'AssignmentStatus'.*--include-rejected"):
            read("p808", path)
        assert len(read("p808", path, options=Options(include_rejected=True)).data.ratings) == 8
        empty = table(tmp_path / "none.csv", self.HEADER, self.rows("Submitted", "Rejected"))
        with pytest.raises(InputError, match="Not one of 2 assignments was accepted"):
            read("p808", empty)

    def test_answers(self, tmp_path):
        data = read("p808", table(tmp_path / "batch.csv", self.HEADER, self.rows())).data
        assert data.systems == ("sysA", "sysB") and set(data.ratings["prompt"]) == {"p0", "p1"}
        assert data.checks["correct"].tolist() == [False, True, True, True]
        assert "W1" not in data.ratings.to_csv()
        screened = {one.rater: one.included for one in analyse(data).screening}
        assert screened["rater-001"] is False

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("WorkerId", "Worker", "WorkerId"),
            (",4,", ",7,", "line 2.*'7' is not a point"),
            ("W0", "", "line 2.*who answered"),
            ("Approved", "Aproved", "line 2.*'Aproved'.*Rejected"),
            ("A1,", "A0,", "line 3.*'A0' is also in line 2"),
            ("https://store.example.org/clips/sysA", "https://[store/clips/sysA", "line 2.*names no folder and file"),
        ],
    )
    def test_broken_files_are_refused_by_name_and_line(self, tmp_path, old, new, message):
        path = table(tmp_path / "batch.csv", self.HEADER, self.rows())
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(InputError, match=rf"batch\.csv.*{message}"):
            read("p808", path)


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"Did you mean 'webmushra'.*musicarena"):
        read_import("webmusra:x.csv")
    with pytest.raises(InputError, match="No such file"):
        read_import(f"webmushra:{tmp_path / 'absent.csv'}")


def test_options_of_another_format_are_refused(tmp_path):
    path = mushra_file(tmp_path / "mushra.csv")
    with pytest.raises(InputError, match="'--include-rejected': This is for p808 only"):
        read("webmushra", path, options=Options(include_rejected=True))
    with pytest.raises(InputError, match="'--rater-columns': This is for webmushra only"):
        read("p808", path, options=Options(rater_columns=("email",)))


def test_the_command_reports_imported_results(songbench, tmp_path):
    path = mushra_file(tmp_path / "mushra.csv")
    process = songbench("listen", "report", "--import", f"webmushra:{path}", "--to", "out", folders=False)
    assert process.returncode == 0, process.stderr
    assert "suno" in process.stdout and "none: imported results" in process.stdout
    assert json.loads((tmp_path / "out/report.json").read_text())["test_digest"] == ""
