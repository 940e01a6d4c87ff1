import sys

from release_static.management.output import bar


def test_no_progress_is_shown_and_nothing_imported_for_it_where_nobody_looks(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)

    bar("Publishing")(1, 2)

    assert capsys.readouterr().err == ""
    assert "tqdm" not in sys.modules
