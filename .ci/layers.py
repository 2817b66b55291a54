"""Checks with import-linter that every package imports only from those below it (pyproject.toml has their order).

import-linter reads packages, and our top level holds single modules too; so it is given a copy of the tree as one
package, `project`, in which `import state` reads `import project.state`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

NOT_INSTALLED = ("benchmarks",)
"""Packages of the repository that are under the contracts and not in the wheel."""


def main() -> int:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    names = sorted({*listed["py-modules"], *(name.partition(".")[0] for name in listed["packages"]), *NOT_INSTALLED})
    sources = [path for name in names for path in [ROOT / f"{name}.py", *(ROOT / name).rglob("*.py")] if path.is_file()]
    project_imports = re.compile(rf"^(\s*(?:from|import) )(?=(?:{'|'.join(names)})\b)", re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            copy = Path(folder, "project", source.relative_to(ROOT))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(project_imports.sub(r"\1project.", source.read_text()))
        Path(folder, "project", "__init__.py").touch()
        Path(folder, "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
        command = "import sys; from importlinter.cli import lint_imports_command as run; run()"
        return subprocess.run([sys.executable, "-c", command, "--no-cache"], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
