import songbench


def test_the_python_api_gives_a_leaderboard(tmp_path, suite_file):
    board = songbench.run(
        suite=str(suite_file()),
        systems=["probe", "silence"],
        metrics=["level"],
        store=str(tmp_path / "store"),
        runs=str(tmp_path / "runs"),
    )
    frame = board.to_frame().set_index(["system", "column"])["value"]
    assert frame["silence", "level@probe"] == 0
    assert frame["probe", "level@probe"] > 0.05
    assert (tmp_path / "runs/small/leaderboard.json").exists()
