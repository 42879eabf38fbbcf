"""List every check in the order in which they run.

Names and texts only: importing this module does not load Great Expectations.
"""

from __future__ import annotations

from magodoo.quality.checks import SCHEMA_CHECKS, Check
from magodoo.quality.checks_of_results import CHANGE_CHECKS, FINDING_CHECKS, PAIR_CHECKS, RESULT_CHECKS
from magodoo.quality.checks_of_staging import DOCUMENT_CHECKS, EXTRACT_CHECKS, LINE_CHECKS

ALL_CHECKS: tuple[Check, ...] = (
    *SCHEMA_CHECKS, *DOCUMENT_CHECKS, *LINE_CHECKS, *EXTRACT_CHECKS, *PAIR_CHECKS, *RESULT_CHECKS, *FINDING_CHECKS, *CHANGE_CHECKS,
)  # fmt: skip
