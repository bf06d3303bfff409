"""Writes the Dockerfile of every service from the one template; with --check, only compares."""  # noqa: INP001  a script, not a package

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Path(__file__).with_name("service.Dockerfile.template")


def rendered(service: str) -> str:
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("@SERVICE@", service).replace("@MODULE@", service.replace("-", "_"))


def main() -> None:
    check = "--check" in sys.argv[1:]
    stale = []
    for folder in sorted((ROOT / "services").iterdir()):
        if not (folder / "pyproject.toml").is_file():
            continue
        dockerfile, text = folder / "Dockerfile", rendered(folder.name)
        if not dockerfile.is_file() or dockerfile.read_text(encoding="utf-8") != text:
            stale.append(str(dockerfile.relative_to(ROOT)))
            if not check:
                dockerfile.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit(f"not as the template has it: {', '.join(stale)}; run python deploy/docker/render.py")


if __name__ == "__main__":
    main()
