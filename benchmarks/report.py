"""Figures -> Markdown. A ratio says how many times as long as this project a peer takes."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.peers import BOTO3, COLLECTFASTA, COPY, DJANGO, OURS, STORAGES
from benchmarks.scenarios import CHANGED, FIRST, SCENARIOS, UNCHANGED

Record = dict[str, Any]
Rows = list[list[str]]


def markdown(results: dict[str, Any], *, judged: bool = True) -> str:
    """All sections that there are figures of; `judged` by the targets or not."""
    parts = []
    for section, tables in _TABLES.items():
        if section in results:
            parts += [_heading(section, results[section]["machine"]), *tables(results[section]["records"])]
    if judged and (rows := targets(results)):
        parts += ["## Targets", _table(["what", "target", "measured", "met"], rows)]
    return "\n\n".join(parts)


def readme(results: dict[str, Any]) -> str:
    """The tables that README.md has."""
    s3 = [record for record in results["s3"]["records"] if record["work"] == "admin" and record["milliseconds"] == 30]
    npm = results["s3 npm"]["records"]
    rows = []
    for peer in _peers(s3):
        first, again = (_find(s3, peer=peer, scenario=scenario) for scenario in (FIRST, UNCHANGED))
        ours = _find(s3, peer=OURS, scenario=FIRST), _find(s3, peer=OURS, scenario=UNCHANGED)
        cells = [_cell(first, ours[0]), _requests(first), _cell(again, ours[1]), _requests(again)]
        cells.append(_cell(_find(npm, peer=peer, scenario=FIRST), _find(npm, peer=OURS, scenario=FIRST)))
        rows.append([_bold(peer, peer), *cells])
    heads = ["to S3, 30 ms away, the admin", "first", "requests", "nothing changed", "requests"]
    bucket = _table([*heads, f"first, npm: {npm[0]['files']:,} files"], rows)
    # Of what takes long there is one run, which says less: on disk, times vary by half.
    disk = [record for record in results["disk"]["records"] if record["work"] in ("few", "admin", "apps")]
    works = list(dict.fromkeys(record["work"] for record in disk))
    names = [f"{work}: {_find(disk, work=work)['files']:,} files" for work in works]
    rows = []
    for peer in _peers(disk):
        cells = []
        for scenario in (FIRST, UNCHANGED):
            for work in works:
                record = _find(disk, peer=peer, scenario=scenario, work=work)
                cells.append(_cell(record, _find(disk, peer=OURS, scenario=scenario, work=work)))
        rows.append([_bold(peer, peer), *cells])
    heads = [f"{head}, {name}" for head in ("first", "nothing changed") for name in names]
    return f"{bucket}\n\n{_table(['to disk', *heads], rows)}"


def targets(results: dict[str, Any]) -> Rows:
    """What was to be reached, and what was; only of sections that were measured."""
    rows: Rows = []

    def add(what: str, target: str, ratio: float | None, met: Callable[[float], bool]) -> None:
        if ratio is not None:
            rows.append([what, target, f"{ratio:.2f}", "yes" if met(ratio) else "**no**"])

    def ratio(section: str, peer: str, other: str, **which: Any) -> float | None:
        records = results.get(section, {}).get("records", [])
        one, two = _find(records, peer=peer, **which), _find(records, peer=other, **which)
        return one["wall"] / two["wall"] if "wall" in one and "wall" in two else None

    admin = {"work": "admin", "milliseconds": 30}
    first = ratio("s3", OURS, BOTO3, **admin, scenario=FIRST)
    add("admin to S3, first, to a loop of boto3", "at most 1.25", first, lambda it: it <= 1.25)
    slow = ratio("s3", STORAGES, OURS, **admin, scenario=FIRST)
    add("admin to S3, first, django-storages to this", "at least 40", slow, lambda it: it >= 40)
    again = ratio("s3", OURS, COLLECTFASTA, **admin, scenario=UNCHANGED)
    add("admin to S3, nothing changed, to Collectfasta", "below 1", again, lambda it: it < 1)
    for work in dict.fromkeys(record["work"] for record in results.get("disk", {}).get("records", [])):
        for scenario in (FIRST, UNCHANGED):
            disk = ratio("disk", OURS, DJANGO, work=work, scenario=scenario)
            add(f"{work} to disk, {scenario}, to Django", "at most 1", disk, lambda it: it <= 1)
    growing = results.get("growth", {}).get("records", [])
    for work in dict.fromkeys(record["work"] for record in growing):
        for scenario in (FIRST, UNCHANGED):
            sizes = [r for r in growing if (r["peer"], r["work"], r["scenario"]) == (OURS, work, scenario)]
            few, many = min(sizes, key=lambda it: it["files"]), max(sizes, key=lambda it: it["files"])
            each = (many["wall"] / many["files"]) / (few["wall"] / few["files"])
            what = f"{work}, {scenario}, a file among {many['files']:,} to one among {few['files']:,}"
            add(what, "at most 1.1", each, lambda it: it <= 1.1)
    past = results.get("past releases", {}).get("records", [])
    for work in dict.fromkeys(record["work"] for record in past):
        releases = sorted(
            (r for r in past if (r["peer"], r["work"]) == (OURS, work)), key=lambda record: record["releases"]
        )
        one, many = releases[0], releases[-1]
        what = f"{work}, one CSS file changed, after {many['releases']} releases to after one"
        if work == "disk":
            add(what, "at most 1.1", many["wall"] / one["wall"], lambda it: it <= 1.1)
        else:  # the listing is longer, but no further request is needed
            requests = sum(many["requests"].values()) / sum(one["requests"].values())
            add(f"{what}, requests", "1", requests, lambda it: it == 1)
    return rows


def _publications(records: list[Record]) -> list[str]:
    """Two tables for each work, and for each distance: times, then what else it takes."""
    parts = []
    groups = dict.fromkeys((record["work"], record.get("milliseconds")) for record in records)
    for work, distance in groups:
        group = [r for r in records if (r["work"], r.get("milliseconds")) == (work, distance)]
        where = "" if distance is None else f", {distance} ms away"
        about = f"{group[0]['files']:,} files, {group[0]['megabytes']} MB"
        runs = max(record.get("runs", 1) for record in group)
        parts.append(f"### {work}: {about}{where}, {f'best of up to {runs} runs' if runs > 1 else 'one run'}")
        scenarios = [scenario for scenario in SCENARIOS if any(r["scenario"] == scenario for r in group)]
        times, costs = [], []
        for peer in _peers(group):
            found = [_find(group, peer=peer, scenario=scenario) for scenario in scenarios]
            ours = [_find(group, peer=OURS, scenario=scenario) for scenario in scenarios]
            times.append([_bold(peer, peer), *map(_cell, found, ours)])
            each = [_find(group, peer=peer, scenario=scenario) for scenario in (FIRST, UNCHANGED)]
            cost = [_number(record, "cpu", "{:.2f} s") for record in each]
            cost += [_number(each[0], "memory", "{:.0f} MB")] + ([_kinds(it) for it in each] if where else [])
            costs.append([_bold(peer, peer), *cost])
        parts.append(_table(["", *scenarios], times))
        heads = ["", "CPU, first", "CPU, nothing changed", "peak memory"]
        parts.append(_table([*heads, *(["requests, first", "nothing changed"] if where else [])], costs))
    return parts


def _growth(records: list[Record]) -> list[str]:
    sizes = list(dict.fromkeys(record["files"] for record in records))
    rows = []
    for work, peer, scenario in dict.fromkeys((r["work"], r["peer"], r["scenario"]) for r in records):
        found = [_find(records, work=work, peer=peer, scenario=scenario, files=files) for files in sizes]
        rows.append([work, peer, scenario, *(_number(record, "wall", "{:.2f} s") for record in found)])
    return [_table(["where", "", "", *(f"{size:,} files" for size in sizes)], rows)]


def _past(records: list[Record]) -> list[str]:
    rows = [[r["work"], r["peer"], str(r["releases"]), _number(r, "wall", "{:.3f} s"), _requests(r)] for r in records]
    return [_table(["where", "", "releases before", CHANGED, "requests"], rows)]


def _web(records: list[Record]) -> list[str]:
    rows = [
        [r["peer"], r["manifest"], f"{r['wall'] * 1e3:.1f} ms", f"{r['url'] * 1e6:.1f} µs", _memory_of_manifest(r)]
        for r in records
    ]
    return [_table(["", "manifest", f"until it is read, {records[0]['files']:,} files", "url()", "its memory"], rows)]


def _memory_of_manifest(record: Record) -> str:
    # In a process with boto3 that is mostly boto3.
    return f"{record['bytes'] / 1e6:.2f} MB" if record["manifest"] == "on disk" else ""


def _retention(records: list[Record]) -> list[str]:
    rows = [
        [r["work"], f"{r['releases']} × {r['files']:,}", f"{r['objects']:,}", f"`{r['peer']}`"]
        + [f"{r['wall']:.2f} s", f"{r['memory']:.0f} MB"]
        for r in records
    ]
    return [_table(["where", "releases × files", "objects", "command", "takes", "peak memory"], rows)]


def _template(records: list[Record]) -> list[str]:
    return [_table(["command", "takes"], [[f"`{r['peer']}`", f"{r['wall']:.1f} s"] for r in records])]


_TABLES: dict[str, Callable[[list[Record]], list[str]]] = {
    "disk": _publications,
    "s3": _publications,
    "s3 npm": _publications,
    "growth": _growth,
    "past releases": _past,
    "web": _web,
    "retention": _retention,
    "template": _template,
}


def _heading(section: str, machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return f"## {section}\n\n{machine['date']}, {machine['system']}, Python {machine['python']}; {packages}."


def _peers(records: list[Record]) -> list[str]:
    """This project, then the peers, and the yardsticks last."""
    names = list(dict.fromkeys(record["peer"] for record in records))
    return sorted(names, key=lambda name: (name != OURS, name == COPY or name.startswith(("a loop", "rclone"))))


def _find(records: Iterable[Record], **which: Any) -> Record:
    return next((r for r in records if all(r.get(name) == value for name, value in which.items())), {})


def _cell(record: Record, ours: Record) -> str:
    if "over" in record:
        return f"over {record['over']} s"
    if "failed" in record:
        return "fails"
    if "wall" not in record:
        return "–"
    seconds = f"{record['wall']:.3f} s" if record["wall"] < 1 else f"{record['wall']:.2f} s"
    if record["peer"] == OURS or "wall" not in ours:
        return _bold(seconds, record["peer"])
    return f"{record['wall'] / ours['wall']:.2f}× ({seconds})"


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
