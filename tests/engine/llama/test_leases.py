"""Runs on one machine share its cores: nobody gets none, nobody gets one twice, and a kill gives all back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.engine.llama.leases import TURN, Claim, Leases, core_count, shares
from pyagent.errors import ConfigError, StoreError

HOLD = """
import sys, time
from pathlib import Path
from pyagent.engine.llama.leases import Leases
leases = Leases(Path(sys.argv[1]), cores=2)
leases.want(2)
print(sum(leases.take() is not None for _ in range(3)), flush=True)
time.sleep(60)
"""


def test_a_run_alone_gets_every_core_that_it_wants_and_no_more(home: Path) -> None:
    leases = Leases(home, cores=3)
    leases.want(2)
    taken = [leases.take() for _ in range(3)]
    assert [lease is not None for lease in taken] == [True, True, False]
    assert len({lease.core for lease in taken if lease}) == 2
    assert not leases.surplus()
    leases.close()


def test_a_second_run_gets_its_half_and_both_halves_are_one_again_later(home: Path) -> None:
    first, second = Leases(home, cores=2), Leases(home, cores=2)
    first.want(2)
    one, two = first.take(), first.take()
    assert one
    assert two
    second.want(2)
    assert second.take() is None, "both cores are taken"
    assert first.surplus()
    first.give(one)
    assert not first.surplus()
    assert first.take() is None, "it took back what the other waits for"
    got = second.take()
    assert got
    assert got.core == one.core
    assert second.take() is None
    second.close()
    assert first.take() is not None
    first.close()


def test_a_run_without_work_leaves_its_cores_to_others(home: Path) -> None:
    first, second = Leases(home, cores=2), Leases(home, cores=2)
    first.want(2)
    one, two = first.take(), first.take()
    assert one
    assert two
    first.want(0)
    first.give(one)
    first.give(two)
    assert not list((home / "leases").glob("claim-*"))
    second.want(2)
    assert second.take()
    assert second.take()
    second.close()


def test_a_killed_run_holds_nothing(home: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "2\n"
    mine = Leases(home, cores=2)
    mine.want(2)
    assert mine.take() is None
    holder.kill()
    holder.wait()
    assert mine.take()
    assert mine.take(), "the dead run's claim still counts"
    assert len(list((home / "leases").glob("claim-*"))) == 1
    mine.close()


claims = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=7).map(
    lambda rows: [Claim(f"claim-{index}", have, want) for index, (have, want) in enumerate(rows)]
)


@given(claims, st.integers(1, 8), st.integers(0, 100))
def test_a_deal_is_fair_whole_and_within_the_machine(rows: list[Claim], cores: int, turn: int) -> None:
    dealt = shares(rows, cores, turn)
    assert all(dealt[row.name] <= row.want for row in rows)
    assert sum(dealt.values()) == min(cores, sum(row.want for row in rows))
    for row in rows:
        if dealt[row.name] < row.want:
            assert all(dealt[other.name] <= dealt[row.name] + 1 for other in rows)


@given(st.integers(1, 5), st.integers(1, 9))
def test_with_more_runs_than_cores_everybody_has_a_turn(cores: int, runs: int) -> None:
    rows = [Claim(f"claim-{index}", 0, 2) for index in range(runs)]
    had = {name for turn in range(runs) for name, number in shares(rows, cores, turn).items() if number}
    assert had == {row.name for row in rows}


def test_turns_pass_from_run_to_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [TURN * 1000]
    monkeypatch.setattr("pyagent.engine.llama.leases.time.time", lambda: now[0])
    runs = [Leases(home, cores=1) for _ in range(2)]
    for run in runs:
        run.want(1)
    worked = set()
    for _ in range(4):
        for run in runs:
            if lease := run.take():
                worked.add(run)
                now[0] += TURN
                assert run.surplus()
                run.give(lease)
    assert worked == set(runs)
    for run in runs:
        run.close()


def test_the_number_of_cores_can_be_lowered_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYAGENT_CORES", raising=False)
    cores = core_count()
    monkeypatch.setenv("PYAGENT_CORES", "1")
    assert core_count() == 1
    monkeypatch.setenv("PYAGENT_CORES", str(cores + 5))
    assert core_count() == cores
    for wrong in ("0", "-1", "two"):
        monkeypatch.setenv("PYAGENT_CORES", wrong)
        with pytest.raises(ConfigError, match="PYAGENT_CORES"):
            core_count()


def test_a_container_with_less_than_its_machine_counts_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr("pyagent.engine.llama.leases.QUOTA", quota)
    monkeypatch.delenv("PYAGENT_CORES", raising=False)
    quota.write_text("max 100000\n")
    whole = core_count()
    quota.write_text("150000 100000\n")
    assert core_count() == 1 <= whole


def test_a_folder_that_cannot_be_written_is_one_clear_error(home: Path) -> None:
    (home / "leases").write_text("in the way")
    leases = Leases(home, cores=1)
    with pytest.raises(StoreError, match="cannot be leased"):
        leases.want(1)
