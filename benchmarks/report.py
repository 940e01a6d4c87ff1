"""Figures -> Markdown."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.peers import BASELINES, BOTO3_AT_ONCE, COLLECTFASTA, DJANGO, ENHANCED, OURS, STORAGES
from benchmarks.scenarios import FIRST, FRESH, SCENARIOS, UNCHANGED

Record = dict[str, Any]
Rows = list[list[str]]

# "No slower, within noise".
_NOISE = 1.05

ABOUT = """Measured and written by `uv run --group benchmarks python -m benchmarks`.

All tools publish the same files in turn. Times are for the whole process, from the start of Python to its exit, unless a
column says otherwise: *in process* starts once Django is set up. They are the median of several runs; slow cases ran once,
with a 600 s limit. × is the time relative to this project. *Nothing changed* is a new release with the same files; *fresh
checkout* is the same with new time stamps, as after a git clone in CI.

*Without syncing* shows the cost of durability: this project waits until the disk has stored every file before a manifest
names it; Django and -enhanced do not.

The copy, the loops of boto3 and rclone are baselines, not alternatives: they upload files as they are, and have no notion of
releases. The second loop sends a body of up to 1 MiB without asking the server first, as this project does, which saves a
round trip for each file. Its distance from rclone, which is not written in Python, is the cost of Python and boto3. This
project's distance from that loop is four requests that wait for each other, however many files there are: a lock, a listing,
the manifest, and the end of the lock."""


def markdown(results: dict[str, Any], *, judged: bool = True) -> str:
    """All sections with figures, and the targets if `judged`."""
    parts = [ABOUT]
    for section, tables in _TABLES.items():
        if section in results:
            parts += [_heading(section, results[section]["machine"]), *tables(results[section]["records"])]
    if judged and (rows := targets(results)):
        parts += ["## Targets", _table(["what", "target", "measured", "met"], rows)]
    return "\n\n".join(parts)


def readme(results: dict[str, Any]) -> str:
    """The table in README.md, or "" if one of its sections has not been measured."""
    if not {"disk", "growth", "s3", "web"} <= results.keys():
        return ""
    disk, s3 = results["disk"]["records"], results["s3"]["records"]
    growth, web = results["growth"]["records"], results["web"]["records"]
    rows = [
        _publication(f"{work} to disk, {scenario}", disk, DJANGO, "", work=work, scenario=scenario)
        for work, scenario in (("admin", FIRST), ("admin", UNCHANGED), ("npm", FIRST), ("npm", FRESH))
    ]
    rows += [
        _publication(f"admin to S3, {scenario}", s3, STORAGES, COLLECTFASTA, work="admin", scenario=scenario)
        for scenario in (FIRST, UNCHANGED)
    ]
    found = [_find(growth, peer=peer, files=20_000, scenario=FIRST) for peer in (OURS, DJANGO, ENHANCED)]
    rows.append(
        ["20,000 files to disk, peak memory", *(_number(record, "memory", "{:.0f} MB") for record in found), ""]
    )
    found = [_find(web, peer=peer, manifest="on disk") for peer in (OURS, DJANGO)]
    files = found[0]["files"]
    rows.append([f"a web process reads a manifest of {files:,} names"])
    rows[-1] += [*(f"{record['wall'] * 1e3:.1f} ms" for record in found), "", ""]
    sizes = [f"{work} has {_find(disk, work=work)['files']:,} files" for work in ("admin", "npm")]
    heads = ["", OURS, "Django; django-storages on S3", "-enhanced", "Collectfasta"]
    return f"{_table(heads, rows)}\n\n{'; '.join(sizes)}. S3 is 30 ms away."


def _publication(what: str, records: list[Record], django: str, fast: str, **which: Any) -> list[str]:
    found = [_find(records, peer=peer, **which) for peer in (OURS, django, ENHANCED, fast)]
    cells = [_cell(record, found[0]) for record in found]
    counts = [f", {_requests(record)} requests" if "requests" in record else "" for record in found]
    return [what, *(cell.replace("–", "") + count for cell, count in zip(cells, counts, strict=True))]


def targets(results: dict[str, Any]) -> Rows:
    """The targets and whether they were met, for the sections that were measured."""
    rows: Rows = []

    def compare(what: str, limit: float, section: str, other: str, name: str = "wall", **which: Any) -> None:
        records = results.get(section, {}).get("records", [])
        ours, peer = _find(records, peer=OURS, **which), _find(records, peer=other, **which)
        if name in ours and name in peer:
            ratio = ours[name] / peer[name]
            rows.append(
                [f"{what}, to {other}", f"at most {limit:g}", f"{ratio:.2f}", "yes" if ratio <= limit else "**no**"]
            )

    disk = results.get("disk", {}).get("records", [])
    for work in dict.fromkeys(record["work"] for record in disk):
        for scenario in (FIRST, UNCHANGED):
            compare(f"{work} to disk, {scenario}", 1, "disk", DJANGO, work=work, scenario=scenario)
        compare(f"{work} to disk, {UNCHANGED}", _NOISE, "disk", ENHANCED, work=work, scenario=UNCHANGED)
    growth = results.get("growth", {}).get("records", [])
    for files in dict.fromkeys(record["files"] for record in growth):
        for scenario in (FIRST, UNCHANGED):
            compare(f"{files:,} small files to disk, {scenario}", 1, "growth", DJANGO, files=files, scenario=scenario)
        compare(
            f"{files:,} small files to disk, {UNCHANGED}", _NOISE, "growth", ENHANCED, files=files, scenario=UNCHANGED
        )
    for scenario in (FIRST, UNCHANGED):
        what = f"20,000 small files to disk, {scenario}, peak memory"
        compare(what, 1.5, "growth", DJANGO, "memory", files=20_000, scenario=scenario)
    for work in dict.fromkeys(record["work"] for record in results.get("s3", {}).get("records", [])):
        compare(f"{work} to S3, {FIRST}", 1.15, "s3", BOTO3_AT_ONCE, work=work, scenario=FIRST)
        compare(f"{work} to S3, {UNCHANGED}", 1, "s3", COLLECTFASTA, work=work, scenario=UNCHANGED)
    return rows


def _publications(records: list[Record]) -> list[str]:
    """Two tables for each set of files: times, then CPU time, memory and requests."""
    parts = []
    for work in dict.fromkeys(record["work"] for record in records):
        group = [record for record in records if record["work"] == work]
        distance = group[0].get("milliseconds")
        where = "" if distance is None else f", {distance} ms away"
        parts.append(f"### {work}: {group[0]['files']:,} files, {group[0]['megabytes']} MB{where}")
        scenarios = [scenario for scenario in SCENARIOS if any(r["scenario"] == scenario for r in group)]
        times, costs = [], []
        for peer in _peers(group):
            found = [_find(group, peer=peer, scenario=scenario) for scenario in scenarios]
            ours = [_find(group, peer=OURS, scenario=scenario) for scenario in scenarios]
            times.append([_bold(peer, peer), *map(_cell, found, ours)])
            for scenario in (FIRST, UNCHANGED):
                record = _find(group, peer=peer, scenario=scenario)
                requests = [] if distance is None else [_kinds(record)]
                costs.append([_bold(peer, peer), scenario, *_behind(record), *requests])
        parts.append(_table(["", *scenarios], times))
        parts.append(_table(["", "", *_BEHIND, *([] if distance is None else ["requests"])], costs))
    return parts


_BEHIND = ["runs", "fastest", "slowest", "in process", "CPU", "peak memory"]


def _behind(record: Record) -> list[str]:
    forms = {name: "{:.2f} s" for name in ("fastest", "slowest", "inside", "cpu")}
    return [_number(record, name, form) for name, form in ({"runs": "{}"} | forms | {"memory": "{:.0f} MB"}).items()]


def _growth(records: list[Record]) -> list[str]:
    sizes = list(dict.fromkeys(record["files"] for record in records))
    rows = []
    for scenario, name, form in (
        (FIRST, "wall", "{:.2f} s"),
        (UNCHANGED, "wall", "{:.2f} s"),
        (FIRST, "cpu", "{:.2f} s"),
        (UNCHANGED, "cpu", "{:.2f} s"),
        (FIRST, "memory", "{:.0f} MB"),
        (UNCHANGED, "memory", "{:.0f} MB"),
    ):
        for peer in _peers(records):
            found = [_find(records, peer=peer, scenario=scenario, files=files) for files in sizes]
            what = {"wall": scenario, "cpu": f"{scenario}, CPU", "memory": f"{scenario}, peak memory"}[name]
            rows.append([what, _bold(peer, peer), *(_number(record, name, form) for record in found)])
    runs = [str(max(record["runs"] for record in records if record["files"] == files)) for files in sizes]
    about = (
        "A third each images, stylesheets that refer to two of them, and modules that import another; about 2 kB each."
    )
    heads = ["to disk", "", *(f"{size:,} files" for size in sizes)]
    return [about, _table(heads, [*rows, ["runs", "", *runs]])]


def _previews(records: list[Record]) -> list[str]:
    rows = [
        [f"{r['previews']:,}", f"`{r['peer']}`{', ' + r['scenario'] if 'scenario' in r else ''}"]
        + [_number(r, "wall", "{:.2f} s"), _number(r, "memory", "{:.0f} MB"), _requests(r)]
        for r in records
    ]
    about = "One bucket, 30 ms away, with the admin; each preview has two releases in an environment of its own."
    return [about, _table(["previews before", "command", "takes", "peak memory", "requests"], rows)]


def _web(records: list[Record]) -> list[str]:
    starts = [
        [r["peer"], r["manifest"], f"{r['wall'] * 1e3:.1f} ms", f"{r['url'] * 1e6:.1f} µs", _memory_of_manifest(r)]
        for r in records
        if "manifest" in r
    ]
    pools = [[r["peer"], "yes" if r["preload"] else "no", f"{r['shared']:.0f} MB"] for r in records if "workers" in r]
    number = next(record["workers"] for record in records if "workers" in record)
    return [
        _table(["", "manifest", f"until it is read, {records[0]['files']:,} names", "url()", "its memory"], starts),
        _table(["", "`gunicorn --preload`", f"memory of {number} workers, with shared pages counted once"], pools),
    ]


def _memory_of_manifest(record: Record) -> str:
    # In a process with boto3 that is mostly boto3.
    return f"{record['bytes'] / 1e6:.2f} MB" if record["manifest"] == "on disk" else ""


def _retention(records: list[Record]) -> list[str]:
    rows = [
        [r["work"], f"{r['releases']} × {r['files']:,}", f"{r['objects']:,}", f"`{r['peer']}`"]
        + [f"{r['wall']:.2f} s", f"{r['inside']:.2f} s", f"{r['memory']:.0f} MB"]
        for r in records
    ]
    heads = ["where", "releases × files", "objects", "command", "takes", "in process", "peak memory"]
    return [_table(heads, rows)]


def _commands(records: list[Record]) -> list[str]:
    return [_table(["command", "takes"], [[r["peer"], f"{r['wall']:.1f} s"] for r in records])]


_TABLES: dict[str, Callable[[list[Record]], list[str]]] = {
    "disk": _publications,
    "growth": _growth,
    "s3": _publications,
    "previews": _previews,
    "web": _web,
    "retention": _retention,
    "template": _commands,
    "suite": _commands,
}


def _heading(section: str, machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    system = f"{machine['system']}, {machine['cores']} cores, Python {machine['python']}, {machine['file_system']}"
    return f"## {section}\n\n{machine['date']}, {system}; {packages}."


def _peers(records: list[Record]) -> list[str]:
    """This project, then the peers, and the baselines last."""
    names = list(dict.fromkeys(record["peer"] for record in records))
    return sorted(names, key=lambda name: (name != OURS, name in BASELINES))


def _find(records: Iterable[Record], **which: Any) -> Record:
    return next((r for r in records if all(r.get(name) == value for name, value in which.items())), {})


def _cell(record: Record, ours: Record) -> str:
    if "over" in record:
        return f"over {record['over']} s"
    if "failed" in record:
        return "fails"
    if "wall" not in record:
        return "–"
    if record["peer"] == OURS or "wall" not in ours:
        return _bold(f"{record['wall']:.2f} s", record["peer"])
    return f"{record['wall'] / ours['wall']:.2f}× ({record['wall']:.2f} s)"


def _number(record: Record, name: str, form: str) -> str:
    return form.format(record[name]) if name in record else "–"


def _requests(record: Record) -> str:
    return f"{sum(record['requests'].values()):,}" if "requests" in record else "–"


def _kinds(record: Record) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in record.get("requests", {}).items()) or "–"


def _bold(text: str, peer: str) -> str:
    return f"**{text}**" if peer == OURS else text


def _table(heads: list[str], rows: Rows) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(readme(json.loads(Path(__file__).with_name("results.json").read_text())))
