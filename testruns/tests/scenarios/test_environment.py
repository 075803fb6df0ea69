"""Where a run happened, and what was judged: read and measured, never assumed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from testruns.environment import floor_of, identify_build, measure_disk_floor, read_environment
from testruns.load import Histogram


def git(root: Path, *arguments: str) -> str:
    """Git with an identity of its own."""
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clean tree under Git with one file."""
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "code.py").write_text("print(1)\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "First")
    return tmp_path


def test_a_clean_tree_is_its_commit(tree: Path) -> None:
    """Commit, clean, and a digest that stays as long as nothing changes."""
    build = identify_build(root=tree)

    assert build.commit == git(tree, "rev-parse", "HEAD")
    assert build.branch == "trunk"
    assert build.is_clean
    assert build.problem is None
    assert identify_build(root=tree) == build


def test_a_commit_that_is_on_no_branch_has_none(tree: Path) -> None:
    """A detached head is common in pipelines."""
    git(tree, "checkout", "-q", "--detach")

    assert identify_build(root=tree).branch is None


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_a_changed_or_new_file_makes_it_another_build(tree: Path, name: str) -> None:
    """The commit is still the same; what is judged is not."""
    before = identify_build(root=tree)

    (tree / name).write_text("print(2)\n")
    after = identify_build(root=tree)

    assert after.commit == before.commit
    assert not after.is_clean
    assert after.tree_digest != before.tree_digest


def test_a_deleted_file_makes_it_another_build(tree: Path) -> None:
    """Absence is part of the digest."""
    before = identify_build(root=tree)

    (tree / "code.py").unlink()

    assert identify_build(root=tree).tree_digest != before.tree_digest


def test_ignored_files_are_not_part_of_the_build(tree: Path) -> None:
    """Databases and journals beside the code change nothing."""
    (tree / ".gitignore").write_text("storage/\n")
    git(tree, "add", ".gitignore")
    git(tree, "commit", "-q", "-m", "Ignore")
    before = identify_build(root=tree)

    (tree / "storage").mkdir()
    (tree / "storage" / "rows").write_text("rows")

    assert identify_build(root=tree) == before


def test_a_link_counts_by_where_it_leads(tree: Path) -> None:
    """Not by what lies there, which may be outside of the tree."""
    (tree / "link").symlink_to("code.py")
    before = identify_build(root=tree)

    (tree / "link").unlink()
    (tree / "link").symlink_to("elsewhere.py")

    assert identify_build(root=tree).tree_digest != before.tree_digest


def test_a_machine_without_git_says_so(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the system's own, and the digest is the same as with Git there."""
    monkeypatch.setenv("PATH", "/nonexistent")

    build = identify_build(root=tree)

    assert build.commit is None
    assert "git" in str(build.problem)
    assert len(build.tree_digest) == 64


def test_without_git_there_is_no_commit_but_a_digest_and_a_reason(tmp_path: Path) -> None:
    """A tree from an archive can be told apart too, and is never called clean."""
    (tmp_path / "code.py").write_text("print(1)\n")
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "rows").write_text("rows")

    build = identify_build(root=tmp_path)
    (tmp_path / "storage" / "rows").write_text("other rows")

    assert (build.commit, build.branch) == (None, None)
    assert not build.is_clean
    assert build.problem
    assert identify_build(root=tmp_path).tree_digest == build.tree_digest
    (tmp_path / "code.py").write_text("print(2)\n")
    assert identify_build(root=tmp_path).tree_digest != build.tree_digest


def test_the_disk_floor_is_measured_where_the_run_writes_and_leaves_nothing(tmp_path: Path) -> None:
    """Some fsyncs were made in every slice, and the file is gone."""
    floor = measure_disk_floor(directory=tmp_path, slice_seconds=0.02)

    assert 0 < floor.fsyncs_per_second_low <= floor.fsyncs_per_second <= floor.fsyncs_per_second_high
    assert 0 < floor.p50_us <= floor.p95_us <= floor.p99_us
    assert (floor.slices, floor.slice_ms) == (3, 20)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_stalls_for_a_slice_shows_in_the_spread_and_not_in_the_median() -> None:
    """One slow slice of three must not pass for the speed of the disk, and must not be hidden either."""
    latencies = Histogram()
    latencies.add(100, count=96)
    latencies.add(40_000, count=4)

    floor = floor_of(rates=[14_474, 233, 9_000], latencies=latencies, slice_seconds=0.5)

    rates = (floor.fsyncs_per_second_low, floor.fsyncs_per_second, floor.fsyncs_per_second_high)
    assert rates == (233, 9_000, 14_474)
    assert (floor.p50_us, floor.p95_us) == (100, 100)
    assert floor.p99_us >= 40_000


def test_the_environment_is_plain_json(tmp_path: Path) -> None:
    """Machine, Python and disk, as a row and a report can keep them."""
    environment = read_environment(directory=tmp_path, slice_seconds=0.02)

    assert orjson.loads(orjson.dumps(environment)) == environment
    assert environment["machine"]["cores"] >= 1
    assert environment["python"]["version"].startswith("3.")
    assert environment["disk"]["file_system"] != "unknown"
    assert environment["disk"]["floor"]["fsyncs_per_second"] > 0
