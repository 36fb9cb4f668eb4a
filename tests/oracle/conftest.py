"""Makes `twins` and `programs` importable; without PyTorch there is nothing to compare with."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
