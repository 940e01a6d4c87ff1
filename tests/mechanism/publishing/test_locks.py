import os
import sys
from threading import Event

import pytest

from release_static.directory import Directory
from release_static.flags import PREFIX, publishing
from release_static.progress import bar


class Distant(Directory):
    """One that takes its flag only once there are names."""

    def __init__(self, root: str, names_found: Event) -> None:
        super().__init__(root)
        self.names_found = names_found

    def write(self, name, content):
        assert self.names_found.wait(60)
        super().write(name, content)


def test_the_flag_is_raised_while_names_are_found_and_stands_before_anything_is_looked_at(tmp_path):
    names_found = Event()
    destination = Distant(str(tmp_path), names_found)
    (tmp_path / "a.css").touch()

    def find_names():
        names_found.set()
        return ["a.css", "b.css"]

    with publishing(destination, pytest.fail, find_names) as flag:
        [standing] = destination.entries(PREFIX)
        assert list(flag.seen.there) == ["a.css"]
        assert standing.name in {entry.name for entry in flag.seen.releases}


def test_no_flag_is_left_where_no_names_are_found(tmp_path):
    destination = Directory(str(tmp_path))

    def find_names():
        raise ValueError("a dangling reference")

    with pytest.raises(ValueError, match="a dangling reference"), publishing(destination, pytest.fail, find_names):
        pytest.fail("went on")

    assert list(destination.entries(PREFIX)) == []
    assert not any(name.startswith(".tmp-") for name in os.listdir(tmp_path / ".releases"))


def test_no_progress_is_shown_and_nothing_imported_for_it_where_nobody_looks(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)

    bar("Publishing")(1, 2)

    assert capsys.readouterr().err == ""
    assert "tqdm" not in sys.modules
