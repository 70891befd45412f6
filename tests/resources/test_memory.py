"""Limits of containers, read from made-up trees of files as Linux has them."""

from songbench.resources import memory


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def groups(root, rows):
    write(root / "proc/self", cgroup=rows)


def test_version_2_counts_every_group_above_too(tmp_path):
    groups(tmp_path, "0::/slice/job")
    top = tmp_path / "sys/fs/cgroup"
    stat = "anon 5\ninactive_file 100\nactive_file 7"
    write(top / "slice/job", memory__max="max", memory__current="900", memory__stat=stat)
    write(top / "slice", memory__max="4000", memory__current="1000", memory__stat=stat)
    write(top, memory__stat=stat)
    assert memory.container_limits(tmp_path) == [(4000, 900)]


def test_version_1_and_a_path_that_only_exists_outside_of_the_container(tmp_path):
    groups(tmp_path, "5:devices:/\n4:memory:/docker/1234\n0::/")
    top = tmp_path / "sys/fs/cgroup/memory"
    stat = "inactive_file 1\ntotal_inactive_file 300"
    write(top, memory__limit_in_bytes="2000", memory__usage_in_bytes="1500", memory__stat=stat)
    assert memory.container_limits(tmp_path) == [(2000, 1200)]
    write(top, memory__limit_in_bytes="9223372036854771712")
    assert memory.container_limits(tmp_path) == [], "that is no limit"


def test_without_groups_there_is_no_limit(tmp_path):
    assert memory.container_limits(tmp_path) == []
    groups(tmp_path, "0::/")
    assert memory.container_limits(tmp_path) == []


def test_what_is_available_is_no_more_than_any_limit_leaves(monkeypatch):
    free = memory.available_bytes()
    assert free > 0
    monkeypatch.setattr(memory, "container_limits", lambda: [(5000, 1000), (3000, 2500)])
    assert memory.available_bytes() == 500
    monkeypatch.setattr(memory, "container_limits", lambda: [(3000, 4000)])
    assert memory.available_bytes() == 0
