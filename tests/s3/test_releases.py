"""manage.py releases, in a bucket."""

import io
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command

from release_static.manifest import TIME


def releases(*arguments):
    out = io.StringIO()
    call_command("releases", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_releases_in_a_bucket(site):
    site.write(logo__svg="<svg/>")
    for release_id in ("one", "two", "three"):
        site.write(example__txt=release_id)
        site.publish(release_id)
    destination = staticfiles_storage.destination
    print(releases())
    for days, release_id in ((60, "one"), (40, "two"), (20, "three")):
        stored = json.loads(destination.read_manifest(release_id))
        stored["release"]["created_at"] = (datetime.now(UTC) - timedelta(days=days)).strftime(TIME)
        destination.put_manifest(release_id, json.dumps(stored).encode(), replace=True)
    print(releases())
    print(releases("verify", "--all"))
    site.requests.clear()
    print(releases("prune", "--keep=1", "--days=30"))
    print("\n".join(site.requests))
    names = sorted(entry.name for entry in destination.entries())
    print(names)
    assert not any(name.startswith(".releases/one") for name in names)
    lost = json.loads(destination.read_manifest("three"))["paths"]["logo.svg"]
    destination.delete([lost])
    with pytest.raises(CommandError, match="is not there"):
        releases("verify")
    print(releases("verify", "--repair"))
    site.requests.clear()
    print(site.publish("three"))
    print("\n".join(site.requests))


def test_stress(server, site, tmp_path, monkeypatch):
    import hashlib
    import time

    from release_static import flags, prune
    from release_static.flags import FlagError, pruning, publishing
    from release_static.manifest import Manifest
    from release_static.publish import StagedFile, prepare, publish
    from release_static.retention import Policy

    monkeypatch.setattr(flags, "_POLL", 0.05)
    site.publish("live")
    make = lambda: type(staticfiles_storage.destination)(
        staticfiles_storage.destination._connect, site.bucket, "static"
    )
    files = {}
    for n in range(8):
        path = tmp_path / f"f{n}.txt"
        path.write_text(f"content {n}")
        digest = hashlib.md5(path.read_bytes()).hexdigest()[:12]
        st = path.stat()
        files[n] = StagedFile(f"f{n}.{digest}.txt", str(path), st.st_size, st.st_mtime_ns, True)
    over = threading.Event()
    counts = {"published": 0, "pruned": 0, "refused": 0, "looks": 0, "waits": 0}
    broken = []

    def publisher(k):
        d = make()
        for n in range(25):
            chosen = [files[i] for i in range(8) if (n + k + i) % 2]
            m = Manifest({f"f{f.name[1]}.txt": f.name for f in chosen}, "x", {}).of_release(f"p{k}-{n}")

            def say(line):
                counts["waits"] += 1

            with publishing(d, say) as flag:
                plan = prepare(chosen, m, d)
                for _ in publish(plan, m, d, flag):
                    pass
            counts["published"] += 1
            time.sleep(0.03)

    def pruner():
        d = make()
        while not over.is_set():
            try:
                with pruning(d) as flag:
                    plan = prune.prepare(d, "live", Policy(1, 0), datetime.now(UTC))
                    for _ in prune.prune(plan, d, flag):
                        pass
                counts["pruned"] += 1
            except FlagError:
                counts["refused"] += 1
            time.sleep(0.02)

    def checker():
        d = make()
        while not over.is_set():
            manifests = [e.name for e in d.entries(".releases/") if e.name.endswith("/staticfiles.json")]
            for name, content in d.read(manifests):
                if content is None:
                    continue
                names = set(json.loads(content)["paths"].values())
                there = {e.name for e in d.entries()}
                if not names <= there and d._read(name) is not None:
                    broken.append((name, names - there))
            counts["looks"] += 1

    errors = []

    def guarded(f, *a):
        def run():
            try:
                f(*a)
            except BaseException as e:
                errors.append(e)

        return threading.Thread(target=run)

    ps = [guarded(publisher, 0), guarded(publisher, 1)]
    others = [guarded(pruner), guarded(checker)]
    for t in ps + others:
        t.start()
    for t in ps:
        t.join()
    over.set()
    for t in others:
        t.join()
    print(counts, "broken:", broken, "errors:", errors)
    assert not broken and not errors
