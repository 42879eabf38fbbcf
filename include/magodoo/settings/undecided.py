"""Choices that a draft of the settings leaves to a person: comments that list the candidates, and the blank that they are to fill."""

from __future__ import annotations

OPEN = "# choose one of:"
"""Stands before the candidates in a line of which a person has to choose."""
BLANK = "..."
"""What stands in such a line where the choice belongs."""


def open_lines(text: str) -> list[tuple[int, str]]:
    """Return (line number from 1, setting with its blank) of each line that is still open: it is a comment and lists candidates."""
    return [
        (number, line.strip().removeprefix("#").partition(OPEN)[0].strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.lstrip().startswith("#") and BLANK in line.partition(OPEN)[0] and OPEN in line
    ]
