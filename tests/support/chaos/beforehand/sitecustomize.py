"""What every Python process of a disturbed stack imports first: a clock that can be moved, and in the scheduler what its tasks need.

The executor forks its tasks, so that each starts in a second instead of ten on a busy machine.
"""

import os
import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[4] / "scripts" / "shifted_clock" / "sitecustomize.py"))

for name in filter(None, os.environ.get("CHAOS_IMPORTS", "").split()):
    __import__(name)
