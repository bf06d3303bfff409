import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path


def recipe_hash(inputs: Iterable[Path], *parameters: str) -> str:
    """Changes whenever a file of the recipe or a parameter does."""
    digest = hashlib.sha256()
    for content in (*(path.read_bytes() for path in inputs), *(text.encode() for text in parameters)):
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


def cached(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, built once: `build` fills a neighbour that takes its name only when it is complete.

    Processes that want the same folder at the same time wait for the first one.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        build(unfinished)
        unfinished.rename(folder)
    return folder
