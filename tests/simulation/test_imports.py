"""Playing needs no network, so it starts at once: only the modules that have to do with networks import torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_only_networks_need_torch():
    light = sorted(path.stem for path in (ROOT / "simulation").glob("*.py") if path.stem != "network_agents")
    names = ", ".join(f"simulation.{name}" for name in light if name != "__init__")
    script = f"import sys, judge, {names}; assert not {{'torch', 'scipy', 'pandas'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
