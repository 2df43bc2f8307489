"""The bench without its measurements: runs kept and timed, the table, the peers' scripts."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bench.__main__ import measure, read_options  # noqa: E402
from benchmarks.bench.bench import Bench, Measure, Options  # noqa: E402
from benchmarks.bench.corpora import windows  # noqa: E402
from benchmarks.bench.environment import (  # noqa: E402
    PEERS,
    TORCH,
    InstallError,
    interpreter,
    make_environment,
)
from benchmarks.bench.machine import Machine, busy_share, read_machine  # noqa: E402
from benchmarks.bench.measures import MEASURES  # noqa: E402
from benchmarks.bench.measures.build import _row as build_row  # noqa: E402
from benchmarks.bench.measures.rebuilding import _row as rebuild_row  # noqa: E402
from benchmarks.bench.own.embed import operations  # noqa: E402
from benchmarks.bench.running import Case, Kept, Run, Runs, run_command  # noqa: E402
from benchmarks.bench.table import Row, Table, amount, ratio, render, span  # noqa: E402

BENCH = ROOT / "benchmarks" / "bench"
MACHINE = Machine(
    cpu="Test CPU",
    cores=2,
    flags=("avx2",),
    memory_gb=8.0,
    system="Testix 1",
    versions={"Python": "3.11", "ragqa": "0.1"},
)
COUNTS = """
import json, sys
from pathlib import Path
path = Path(sys.argv[1])
count = int(path.read_text()) + 1 if path.exists() else 1
path.write_text(str(count))
if count in map(int, sys.argv[2:]):
    raise SystemExit("no luck")
print("a line that is no figure")
print(json.dumps({"count": count}))
"""


def runs_of(*seconds: float, **figures: object) -> Runs:
    return Runs(tuple(Run(seconds=value, figures=dict(figures)) for value in seconds))


def failed(reason: str = "it broke") -> Runs:
    return Runs((Run(seconds=0, error=reason),))


def counting(path: Path, *fails: int, **more: object) -> Case:
    command = [sys.executable, "-c", COUNTS, str(path), *map(str, fails)]
    return Case(name=path.name, command=command, **more)


def kept(path: Path, made_by: str = "code", *, again: bool = False, measure: bool = True) -> Kept:
    return Kept(path, made_by, again=again, measure=measure)


def table(*rows: Row, busy: dict[str, float | None] | None = None) -> str:
    return render(
        Table(rows=rows, machine=MACHINE, peers={"torch": "2"}, measured=(), busy=busy or {})
    )


class TestRunning:
    def test_a_process_is_timed_and_its_figures_are_read(self, tmp_path):
        run = run_command([sys.executable, "-c", 'print(\'{"a": {"b": 3}}\')'], cwd=tmp_path)
        assert (run.error, run.figures) == ("", {"a": {"b": 3}})
        assert run.seconds > 0
        assert run.at
        assert Runs((run,)).median("a.b") == 3

    def test_figures_over_several_lines_are_read_too(self, tmp_path):
        whole = "import json; print(json.dumps({'a': 1, 'b': [2]}, indent=2))"
        lines = "print('{\"a\": 1}'); print('{\"b\": [2]}'); print('done')"
        for script in (whole, lines):
            run = run_command([sys.executable, "-c", script], cwd=tmp_path)
            assert run.figures == {"a": 1, "b": [2]}

    def test_a_failure_gives_the_last_words(self, tmp_path):
        script = "import sys; print('{}'); sys.exit('the disk is full')"
        run = run_command([sys.executable, "-c", script], cwd=tmp_path)
        assert run.error == "the disk is full"
        silent = run_command([sys.executable, "-c", "raise SystemExit(4)"], cwd=tmp_path)
        assert silent.error == "exit code 4"

    def test_what_hangs_is_killed(self, tmp_path):
        script = "import time; time.sleep(60)"
        run = run_command([sys.executable, "-c", script], cwd=tmp_path, limit=0.2)
        assert run.error == "took more than 0 s"

    def test_no_library_may_ask_the_network_for_a_model(self, tmp_path):
        script = "import json, os; print(json.dumps({'offline': os.environ['HF_HUB_OFFLINE']}))"
        assert run_command([sys.executable, "-c", script], cwd=tmp_path).figures == {"offline": "1"}


class TestKept:
    def test_cases_take_turns(self, tmp_path):
        told = []
        cases = [
            counting(tmp_path / name, before=lambda number, name=name: told.append((name, number)))
            for name in ("a", "b")
        ]
        found = kept(tmp_path / "m.json").rounds(cases, repeats=2, cwd=tmp_path)
        assert told == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
        assert found["a"].values("count") == [1, 2]

    def test_a_case_may_run_more_or_less_often(self, tmp_path):
        cases = [counting(tmp_path / "a", repeats=3), counting(tmp_path / "b", repeats=1)]
        found = kept(tmp_path / "m.json").rounds(cases, repeats=2, cwd=tmp_path)
        assert [len(found[name].runs) for name in ("a", "b")] == [3, 1]

    def test_what_is_kept_is_not_run_again(self, tmp_path):
        case, path = counting(tmp_path / "a"), tmp_path / "m.json"
        kept(path).rounds([case], repeats=1, cwd=tmp_path)
        found = kept(path).rounds([case], repeats=3, cwd=tmp_path)
        assert found["a"].values("count") == [1, 2, 3]
        kept(path).rounds([case], repeats=3, cwd=tmp_path)
        assert (tmp_path / "a").read_text() == "3"

    def test_what_was_interrupted_goes_on(self, tmp_path):
        def stop(number: int) -> None:
            if number == 1 and not (tmp_path / "stopped").exists():
                (tmp_path / "stopped").touch()
                raise KeyboardInterrupt

        case, path = counting(tmp_path / "a", before=stop), tmp_path / "m.json"
        with pytest.raises(KeyboardInterrupt):
            kept(path).rounds([case], repeats=3, cwd=tmp_path)
        found = kept(path).rounds([case], repeats=3, cwd=tmp_path)
        assert found["a"].values("count") == [1, 2, 3]

    @pytest.mark.parametrize("how", ["again", "other code"])
    def test_what_is_old_is_forgotten(self, tmp_path, how):
        case, path = counting(tmp_path / "a"), tmp_path / "m.json"
        kept(path).rounds([case], repeats=1, cwd=tmp_path)
        other = kept(path, again=True) if how == "again" else kept(path, "other code")
        assert other.rounds([case], repeats=1, cwd=tmp_path)["a"].values("count") == [2]

    def test_a_failure_is_told_and_tried_again_by_the_next_call(self, tmp_path):
        case, path = counting(tmp_path / "a", 2), tmp_path / "m.json"
        found = kept(path).rounds([case], repeats=3, cwd=tmp_path)["a"]
        assert (found.error, found.values("count")) == ("no luck", [1])
        found = kept(path).rounds([case], repeats=3, cwd=tmp_path)["a"]
        assert (found.error, found.values("count")) == ("", [1, 3, 4])

    def test_a_failure_to_make_ready_costs_that_case_only(self, tmp_path):
        def refuse(number: int) -> None:
            raise RuntimeError("no corpus")

        cases = [counting(tmp_path / "a", before=refuse), counting(tmp_path / "b")]
        found = kept(tmp_path / "m.json").rounds(cases, repeats=1, cwd=tmp_path)
        assert (found["a"].error, found["b"].error) == ("making ready: no corpus", "")

    def test_without_measuring_what_is_kept_is_shown(self, tmp_path):
        case, path = counting(tmp_path / "a"), tmp_path / "m.json"
        kept(path).rounds([case], repeats=1, cwd=tmp_path)
        only = kept(path, "other code", measure=False)
        cases = [case, counting(tmp_path / "b")]
        found = only.rounds(cases, repeats=3, cwd=tmp_path)
        assert found["a"].values("count") == [1]
        assert found["b"].error == "not measured yet"
        assert not (tmp_path / "b").exists()


class TestTable:
    @pytest.mark.parametrize(
        ("value", "written"),
        [(0.5371, "0.54"), (9.996, "10.00"), (23.45, "23.4"), (6123.4, "6,123")],
    )
    def test_numbers_have_the_digits_that_count(self, value, written):
        assert amount(value) == written

    def test_runs_are_told_by_median_and_ends(self):
        assert span(runs_of(3.0, 1.0, 2.0)) == "2.00 s (1.00-3.00)"
        assert span(runs_of(3.0)) == "3.00 s"
        assert span(runs_of(0.25), unit="ms") == "250 ms"
        assert span(runs_of(1.0, rate=150), "rate", unit="pages/s") == "150 pages/s"
        assert span(failed()) == "failed: it broke"

    def test_a_ratio_says_how_many_times(self):
        assert ratio(33.0, 10.0) == "3.30x"
        assert ratio(1.0, 0.0) == "-"

    def test_rows_become_markdown(self):
        text = table(
            Row(what="a build, of 12", ours="1 s", met=True, notes=("said so.",)),
            Row(what="b", ours="2 | 3", met=False),
            Row(what="c", ours="failed: x\ny"),
        )
        lines = text.splitlines()
        assert "| a build, of 12 | 1 s | - | - | - | yes |" in lines
        assert "| b | 2 \\| 3 | - | - | - | no |" in lines
        assert "| c | failed: x y | - | - | - | - |" in lines
        assert lines[-1] == "- a build: said so."

    def test_the_machine_is_stated(self):
        text = table()
        assert "Test CPU, 2 cores (AVX2), 8.0 GB; Testix 1." in text
        assert "ragqa: Python 3.11, ragqa 0.1." in text
        assert "Peers: torch 2." in text

    @pytest.mark.parametrize(("share", "warned"), [(0.02, False), (0.4, True), (None, False)])
    def test_a_busy_machine_is_warned_of(self, share, warned):
        assert ("not idle" in table(busy={"before": 0.0, "after": share})) == warned


class TestRows:
    @staticmethod
    def build(stock: Runs, *, int8: bool) -> Row:
        words = {"coverage": 0.8, "outside_left_out": 1.0, "cut": 3, "chunks": 9}
        times = {"ragqa": runs_of(10.0), "langchain": stock, "paperqa": failed("not installed")}
        shares = {f"{name} words": runs_of(1.0, **words) for name in times}

        class FakeBench:
            machine = Machine(
                **{
                    **{name: getattr(MACHINE, name) for name in MACHINE.__slots__},
                    "flags": ("avx512_vnni",) if int8 else ("avx2",),
                }
            )

        return build_row(FakeBench(), {**times, **shares})

    @pytest.mark.parametrize(("int8", "met"), [(False, True), (True, False)])
    def test_the_build_has_a_higher_aim_where_bytes_are_fast(self, int8, met):
        row = self.build(runs_of(50.0, stages={"import": 1}), int8=int8)
        assert (row.ratio, row.met) == ("5.00x", met)
        assert "PaperQA2 failed: not installed" in row.peers

    def test_a_build_without_a_peer_is_neither_met_nor_missed(self):
        row = self.build(failed(), int8=False)
        assert (row.ours, row.met) == ("10.0 s", None)

    @pytest.mark.parametrize(("seconds", "met"), [(5.0, True), (5.1, False)])
    def test_a_rebuild_is_held_to_twice_the_paper_and_a_second(self, seconds, met):
        runs = {"whole": runs_of(50.0), "changed": runs_of(seconds), "alone": runs_of(2.0)}
        assert rebuild_row(runs).met is met
        assert rebuild_row({**runs, "alone": failed("gone")}).ours == "failed: gone"

    def test_cut_papers_are_all_different_and_of_one_paper_each(self):
        cuts = windows([7, 8, 10])
        assert sorted(cuts) == [
            (1, (0, 1, 2, 3, 4, 5, 6, 7)),
            (2, (0, 1, 2, 3, 4, 5, 6, 7)),
            (2, (0, 2, 3, 4, 5, 6, 7, 8)),
            (2, (0, 3, 4, 5, 6, 7, 8, 9)),
        ]
        assert cuts == windows([7, 8, 10])

    def test_operations_follow_from_the_models_shapes(self):
        by_hand = 6 * (2 * (4 * 384**2 + 2 * 384 * 1536) + 4 * 200 * 384)
        assert operations([200]) == 200 * by_hand
        assert operations([200, 10, 10]) == operations([200]) + 2 * operations([10])


class TestMeasures:
    def test_one_that_breaks_is_a_row_with_its_reason(self, tmp_path, monkeypatch):
        def broken(bench: Bench) -> list[Row]:
            raise ValueError("no PDFs")

        def fine(bench: Bench) -> list[Row]:
            return [Row(what="fine", ours="1 s")]

        monkeypatch.setitem(MEASURES, "build", Measure(name="build", run=broken))
        monkeypatch.setitem(MEASURES, "cold", Measure(name="cold", run=fine))
        rows = measure(Bench(options(tmp_path)), ["build", "cold"])
        assert [row.ours for row in rows] == ["failed: ValueError: no PDFs", "1 s"]

    def test_every_measure_makes_a_table_of_nothing(self, tmp_path):
        (tmp_path / "data").mkdir()
        rows = measure(Bench(options(tmp_path, measure=False)), [*MEASURES])
        assert len(rows) >= len(MEASURES)
        assert render(Table(rows=rows, machine=MACHINE, peers={}, measured=(), busy={}))

    def test_code_and_data_decide_what_is_taken_over(self, tmp_path):
        bench, same = Bench(options(tmp_path)), Bench(options(tmp_path))
        assert bench.made_by == same.made_by
        assert bench.made_by != Bench(options(tmp_path / "other")).made_by

    def test_a_peer_that_cannot_be_installed_fails_with_the_reason(self, tmp_path):
        bench = Bench(options(tmp_path))
        bench.__dict__["environment"] = InstallError("torch cannot be installed: no wheel")
        run = run_command(bench.peer("langchain", "encode"), cwd=tmp_path)
        assert run.error == "torch cannot be installed: no wheel"


def options(folder: Path, *, measure: bool = True) -> Options:
    folder.mkdir(exist_ok=True)
    return Options(
        data=folder / "data",
        results=folder / "results",
        peers=folder / "peers",
        work=folder / "work",
        measure=measure,
    )


class TestOptions:
    def test_defaults(self, tmp_path):
        read, names, as_json = read_options(["--data", str(tmp_path)])
        assert (names, as_json) == (tuple(MEASURES), False)
        assert (read.data, read.measure, read.again, read.million) == (tmp_path, True, False, False)
        assert read.results.parent == ROOT

    def test_some_measures_only(self, tmp_path):
        given = ["--data", str(tmp_path), "--only", "cold", "--only", "build", "--table", "--json"]
        read, names, as_json = read_options(given)
        assert (names, read.measure, as_json) == (("cold", "build"), False, True)

    @pytest.mark.parametrize("wrong", [["--only", "nothing"], ["--repeats", "0"], ["--data", "?"]])
    def test_mistakes_are_told(self, tmp_path, wrong, capsys):
        with pytest.raises(SystemExit):
            read_options(["--data", str(tmp_path), *wrong])
        assert wrong[0].strip("-") in capsys.readouterr().err


class TestEnvironment:
    def test_one_that_the_user_made_is_used_as_it_is(self, tmp_path):
        interpreter(tmp_path).parent.mkdir(parents=True)
        interpreter(tmp_path).symlink_to(sys.executable)
        made = make_environment(tmp_path)
        assert made.failed == {}
        assert made.python == interpreter(tmp_path)

    def test_requirements_are_pinned_and_as_the_constraints_have_them(self):
        constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        pinned = dict(line.split("==") for line in constraints if "==" in line)
        assert TORCH == f"torch=={pinned['torch']}"
        for path in PEERS.values():
            lines = path.read_text(encoding="utf-8").splitlines()
            for line in lines:
                if not line.startswith("#"):
                    name, version = line.split("==")
                    assert pinned.get(name, version) == version


class TestScripts:
    @pytest.mark.parametrize("path", sorted(BENCH.glob("peers/*.py")), ids=lambda path: path.stem)
    def test_a_peers_script_parses_and_uses_nothing_of_ragqa(self, path):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        named = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        ]
        named += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in named if name.split(".")[0] in {"ragqa", "benchmarks"}]

    def test_every_script_that_a_measure_names_is_there(self):
        for path in BENCH.glob("measures/*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    constants = [a.value for a in node.args if isinstance(a, ast.Constant)]
                    if node.func.attr == "own":
                        assert (BENCH / "own" / f"{constants[0]}.py").exists()
                    elif node.func.attr == "peer":
                        assert constants[0] in PEERS
                        assert (BENCH / "peers" / f"{constants[1]}.py").exists()

    def test_the_command_runs_from_the_root(self):
        command = [sys.executable, "-m", "benchmarks.bench", "--help"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "--only" in done.stdout


class TestMachine:
    def test_facts_are_told(self):
        machine = read_machine()
        assert machine.cores >= 1
        assert machine.versions["ragqa"]
        assert json.dumps(machine.versions)

    def test_bytes_are_fast_where_the_processor_says_so(self):
        assert not MACHINE.has_int8

    def test_how_busy_it_is_is_a_share(self):
        share = busy_share(0.05)
        assert share is None or 0 <= share <= 1
