import re
import shutil
import subprocess
from pathlib import Path

from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.cache import cached, recipe_hash
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress

JAVA_MAJOR = 17


def java_and_maven_found() -> bool:
    return _java_major() >= JAVA_MAJOR and shutil.which("mvn") is not None


def kafka_jars(layout: Layout, progress: Progress) -> Path:
    """The folder of Apache Kafka's jars, fetched with Maven when the pom is new."""
    return jars_of(layout.checkout / "tools" / "kafka" / "pom.xml", "kafka", layout, progress)


def jars_of(pom: Path, name: str, layout: Layout, progress: Progress) -> Path:
    """The folder of a pom's dependencies, fetched with Maven when the pom is new."""

    def build(folder: Path) -> None:
        progress.building(name, f"the jars of {name} with Maven", 20)
        build_step(
            "maven",
            [
                *("mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"),
                *(f"-DoutputDirectory={folder}", "-DincludeScope=runtime"),
            ],
        )

    return cached(layout.cache / f"{name}-{recipe_hash([pom])}", build)


def _java_major() -> int:
    if shutil.which("java") is None:
        return 0
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0
