"""What lies elsewhere, as files of this machine."""

from pathlib import Path

import pytest

from fsa_ray.core.local_copy import brought_here, model_here
from fsa_ray.storage.folder import Folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def elsewhere() -> Folder:
    folder = Folder("memory://elsewhere")
    for name in [name for name, _ in folder.walk()]:
        folder.remove(name)
    return folder


def test_a_path_stays_what_it_is(tmp_path: Path) -> None:
    assert brought_here(str(tmp_path)) == model_here(str(tmp_path)) == str(tmp_path)
    assert model_here("organisation/name") == "organisation/name"


def test_a_folder_and_a_file_are_copied(elsewhere: Folder, cache: Path) -> None:
    elsewhere.put("sst2/test.json", b"[1]")
    folder = Path(brought_here(elsewhere.url + "/"))
    assert folder.is_relative_to(cache) and (folder / "sst2/test.json").read_bytes() == b"[1]"
    assert Path(brought_here(f"{elsewhere.url}/sst2/test.json")).read_bytes() == b"[1]"
    assert not list(cache.rglob("*.part"))


def test_marks_of_folders_are_no_files(elsewhere: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere.put("sst2/test.json", b"[1]")
    find = elsewhere.fs.find
    marks = {f"{elsewhere.path}/": {"size": 0}, f"{elsewhere.path}/sst2/": {"size": 0}}
    monkeypatch.setattr(type(elsewhere.fs), "find", lambda self, path, **options: find(path, **options) | marks)
    assert list(Folder(elsewhere.url).versions()) == ["sst2/test.json"] == [name for name, _ in elsewhere.walk()]


def test_what_has_changed_is_another_copy(elsewhere: Folder) -> None:
    elsewhere.put("a.json", b"1")
    first = brought_here(elsewhere.url)
    assert brought_here(elsewhere.url) == first
    elsewhere.put("a.json", b"2")
    second = brought_here(elsewhere.url)
    assert second != first and Path(second, "a.json").read_bytes() == b"2"


def test_what_changes_meanwhile_is_no_copy(elsewhere: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere.put("a.json", b"1")
    fetch = Folder.fetch

    def and_write(self: Folder, name: str, target: Path) -> None:
        fetch(self, name, target)
        elsewhere.put("b.json", b"2")

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="elsewhere changed while it was copied"):
        patch.setattr(Folder, "fetch", and_write)
        brought_here(elsewhere.url)
    assert sorted(path.name for path in Path(brought_here(elsewhere.url)).glob("*.json")) == ["a.json", "b.json"]


def test_nothing_and_too_much_are_refused(elsewhere: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="memory://elsewhere: there is nothing"):
        brought_here(elsewhere.url)
    elsewhere.put("a.json", b"123")
    monkeypatch.setattr("fsa_ray.core.local_copy.MOST_BYTES", 2)
    for url in (elsewhere.url, f"{elsewhere.url}/a.json"):
        with pytest.raises(ValueError, match="too much to copy; name what is needed of it"):
            brought_here(url)


def test_of_a_model_only_what_is_read_is_copied(elsewhere: Folder) -> None:
    others = ("pytorch_model.bin", "checkpoint-500/model.safetensors")
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json", *others):
        elsewhere.put(name, name.encode())
    here = Path(model_here(elsewhere.url))
    found = {str(path.relative_to(here)) for path in here.rglob("*.*") if path.suffix}
    assert found == {"config.json", "model.safetensors", "1_Pooling/config.json"}
