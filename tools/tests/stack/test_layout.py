import io
from pathlib import Path

import pytest

from lineshaft.tools.stack.accounts import Account, reachable_by
from lineshaft.tools.stack.cache import cached, recipe_hash
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.progress import Progress

NOBODY = Account("nobody", 65534, 65534)


def test_the_checkout_is_found_from_anywhere() -> None:
    assert (find_checkout() / "tools" / "kafka" / "pom.xml").is_file()


def test_the_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINESHAFT_VAR", str(tmp_path / "elsewhere"))
    layout = Layout.discover()
    assert layout.stack_file == tmp_path / "elsewhere" / "stack.json"
    assert layout.logs == tmp_path / "elsewhere" / "logs"
    assert layout.named("test").logs == tmp_path / "elsewhere" / "logs" / "test"


def test_a_private_folder_is_replaced_for_another_account(private_layout: Layout, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = private_layout.folder_for(NOBODY)
    assert not folder.is_relative_to(tmp_path)
    assert reachable_by(NOBODY, folder.parent)
    folder.parent.rmdir()
    assert private_layout.folder_for(None).is_relative_to(tmp_path)


def test_the_cache_is_built_once_and_never_half(tmp_path: Path) -> None:
    built: list[Path] = []

    def fail(_: Path) -> None:
        raise OSError("disk full")

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").touch()

    with pytest.raises(OSError, match="disk full"):
        cached(tmp_path / "thing", fail)
    assert not (tmp_path / "thing").exists()
    assert cached(tmp_path / "thing", build) == cached(tmp_path / "thing", build)
    assert len(built) == 1
    assert (tmp_path / "thing" / "file").exists()


def test_a_recipe_is_known_by_all_of_its_inputs(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe"
    recipe.write_text("1")
    hashes = {recipe_hash([recipe]), recipe_hash([recipe], "a"), recipe_hash([recipe], "a", "b")}
    recipe.write_text("2")
    assert len(hashes | {recipe_hash([recipe])}) == 4


def test_a_port_is_handed_out_once() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20


def test_progress_lines() -> None:
    output = io.StringIO()
    Progress(output).say("kafka", "ready on 127.0.0.1:43121")
    assert output.getvalue() == "[  0.0s] kafka            ready on 127.0.0.1:43121\n"
