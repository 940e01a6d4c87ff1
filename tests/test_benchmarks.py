"""The benchmark runs, and the documented figures are those that it measured."""

import json
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from benchmarks import report
from benchmarks.measure import median
from benchmarks.peers import BOTO3, BOTO3_AT_ONCE, COPY, DJANGO, OURS, STORAGES, THREADS
from benchmarks.proxy import Proxy
from benchmarks.scenarios import FIRST, SCENARIOS, UNCHANGED
from release_static.s3 import settings as s3_settings
from tests.project import ROOT, environment


@pytest.fixture(scope="module")
def results():
    return json.loads((ROOT / "benchmarks" / "results.json").read_text())


@pytest.mark.long
def test_all_of_the_benchmark_runs(server, tmp_path):
    kept = tmp_path / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--few", "--endpoint", server.endpoint, "--results", kept],
        cwd=ROOT,
        env=environment(AWS_ACCESS_KEY_ID=server.key, AWS_SECRET_ACCESS_KEY=server.secret),
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    sections = json.loads(kept.read_text())
    for section, peers, scenarios in (
        ("disk", {OURS, DJANGO, COPY}, set(SCENARIOS)),
        ("s3", {OURS, STORAGES, BOTO3, BOTO3_AT_ONCE}, {FIRST, UNCHANGED}),
    ):
        records = sections[section]["records"]
        assert peers <= {record["peer"] for record in records}
        assert {record["scenario"] for record in records} == scenarios
        assert [record for record in records if "wall" not in record] == []
        # The whole process takes longer than what it does once Django is set up.
        assert [record for record in records if record["wall"] <= record["inside"]] == []
    requests = {(record["peer"], record["scenario"]): record["requests"] for record in sections["s3"]["records"]}
    # Three files under two names each, the marker, the manifest, and the lock: written, written again, and emptied.
    assert requests[OURS, FIRST] == {"LIST": 1, "PUT": 3 * 2 + 1 + 1 + 3}
    assert requests[OURS, UNCHANGED] == {"LIST": 1, "PUT": 1 + 1 + 3}
    assert requests[BOTO3, FIRST] == requests[BOTO3_AT_ONCE, FIRST] == {"PUT": 3 * 2}
    assert requests[BOTO3, UNCHANGED] == {"LIST": 1}
    printed = done.stdout
    for section in sections:
        assert f"## {section}\n" in printed
    assert "### few: 3 files" in printed and "fails" not in printed


def test_the_baselines_use_as_many_threads_as_this_project():
    assert THREADS == s3_settings.CONNECTIONS


def test_an_unknown_section_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "memory"], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "no such section: memory; there are disk, growth, s3" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--endpoint", "foo"], "--endpoint is foo: write it as http://"),
        (["--endpoint", "http://127.0.0.1:9"], "which does not respond"),
        (["--results", "/not/there/results.json"], "in a folder that is there"),
        (["--results", "README.md"], "ends in .json"),
        (["--results", "{folder}/list.json"], "holds no figures"),
        (["--results", "{folder}/text.json"], "holds no figures"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_measured(tmp_path, options, said):
    (tmp_path / "list.json").write_text('{"disk": []}')
    (tmp_path / "text.json").write_text("figures")
    options = [option.format(folder=tmp_path) for option in options]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "s3", *options], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_several_runs_are_summed_up_by_the_one_in_the_middle_and_the_extremes():
    runs = [{"wall": wall, "cpu": wall / 2} for wall in (3.0, 1.0, 9.0)]

    assert median(runs) == {"wall": 3.0, "cpu": 1.5, "runs": 3, "fastest": 1.0, "slowest": 9.0}
    assert median([*runs, {"over": 600}]) == {"over": 600}


def test_the_wire_makes_a_server_as_distant_as_it_says_and_counts_requests(server):
    for distance in (0, 0.2):
        with Proxy(server.endpoint, distance) as proxy:
            start = time.perf_counter()
            with urlopen(f"{proxy.endpoint}/") as response:
                response.read()
            # For the connection, and for the request.
            assert time.perf_counter() - start >= 2 * distance
            assert proxy.requests == {"LIST": 1}


def test_the_readme_has_what_was_measured(results):
    assert report.readme(results) in (ROOT / "README.md").read_text()


def test_all_that_was_measured_can_be_read(results):
    assert (ROOT / "benchmarks" / "results.md").read_text() == report.markdown(results) + "\n"
