"""The whole stack under disturbance: `python -m chaos`. Documents are written meanwhile, and counted in the two systems alone."""
