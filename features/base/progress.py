"""Reports of the steps of a run, for a caller that shows them while it waits."""

from collections.abc import Callable

# A function that is called with the name of each step as it begins.
Progress = Callable[[str], None]


def no_progress(step: str) -> None:
    """Report nothing."""
    del step
