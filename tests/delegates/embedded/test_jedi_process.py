"""jedi's child process goes on whatever is left of its cache. Not here: who asks it (`attributes`)."""

import pytest

from delegates.embedded.jedi_process import _Names


@pytest.mark.parametrize("size", [0, 100], ids=["empty", "torn"])
def test_a_cache_that_a_kill_or_a_full_disk_has_torn_is_read_anew(size, tmp_path, monkeypatch):
    jedi, cache = pytest.importorskip("jedi"), pytest.importorskip("parso.cache")
    monkeypatch.setattr(jedi.settings, "cache_directory", None)  # and back to what it was
    cache.parser_cache.clear()
    assert "join" in _Names(tmp_path).at("''.", 1, 3)
    cached = list(tmp_path.glob("*/*.pkl"))
    assert cached
    for path in cached:
        path.write_bytes(path.read_bytes()[:size])
    cache.parser_cache.clear()  # as in the next process
    assert "join" in _Names(tmp_path).at("''.", 1, 3)
    assert all(path.stat().st_size > size for path in cached)
