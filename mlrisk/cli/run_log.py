"""Log of a running command on standard error: steps and log records, as JSON lines or above a progress bar.

Libraries log and never print; this module installs the handler that shows their records. Without options it shows the
steps of the command and warnings, with `--verbose` every record of INFO and above, with `--quiet` warnings alone.
A record with `done` and `total` (`LOGGER.debug(..., extra={"done": 3, "total": 9})`) moves the progress bar.
"""

import json
import logging
import sys
from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

# The packages whose records are shown; those of other libraries keep the handlers of their own.
PACKAGES = ("features", "models", "training", "mlrisk")


class RunLog(logging.Handler):
    """The log of one command; `RunLog(...)("features")` starts a step of that name."""

    def __init__(self, stream: TextIO, *, verbose: bool = False, quiet: bool = False) -> None:
        super().__init__(logging.DEBUG)
        self.stream, self.verbose, self.quiet = stream, verbose, quiet
        self.started = monotonic()
        self.on_terminal = stream.isatty()
        self.bar: Bar | None = None
        self.task: TaskID | None = None

    def __call__(self, step: str) -> None:
        """Report that a step begins; `done` is the step that ends a command."""
        if self.quiet:
            return
        if self.on_terminal:
            self._draw_step(step)
        else:
            self._write({"step": step})

    def install(self) -> None:
        """Show the records of PACKAGES in this log alone; an earlier log is removed."""
        least = logging.INFO if self.verbose else logging.WARNING
        if self.on_terminal and not self.quiet:
            least = logging.DEBUG
        for package in PACKAGES:
            logger = logging.getLogger(package)
            for handler in [one for one in logger.handlers if isinstance(one, RunLog)]:
                logger.removeHandler(handler)
            logger.addHandler(self)
            logger.setLevel(least)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record: advance the bar, or write a line."""
        try:
            done, total = getattr(record, "done", None), getattr(record, "total", None)
            if self.bar is not None and self.task is not None and total is not None:
                self.bar.update(self.task, completed=done, total=total)
            if record.levelno >= (logging.INFO if self.verbose else logging.WARNING):
                self._write_record(record)
        except Exception:  # noqa: BLE001 logging's own rule: a log that fails must not end the run
            self.handleError(record)

    def stop(self) -> None:
        """Remove the bar from the terminal before results are printed."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = self.task = None

    def _write_record(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not self.on_terminal:
            self._write({"level": record.levelname.lower(), "logger": record.name, "message": message})
            return
        line = f"{monotonic() - self.started:6.1f} s  {record.levelname.lower()}: {message}"
        if self.bar is None:
            self.stream.write(line + "\n")
        else:
            self.bar.console.print(line, markup=False, highlight=False)

    def _write(self, fields: dict[str, str]) -> None:
        seconds = round(monotonic() - self.started, 1)
        self.stream.write(json.dumps({"seconds": seconds, **fields}, ensure_ascii=True) + "\n")
        self.stream.flush()

    def _draw_step(self, step: str) -> None:
        # Rich takes a tenth of a second to load, and a pipe does not need it.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        if step == "done":
            self.stop()
            return
        if self.bar is None:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
            console = Console(file=self.stream)
            self.bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)
            self.bar.start()
        elif self.task is not None:
            finished = self.bar.tasks[-1]
            self.bar.remove_task(self.task)
            self.bar.console.print(f"{monotonic() - self.started:6.1f} s  {finished.description}", highlight=False)
        self.task = self.bar.add_task(step, total=None)


_CURRENT: list[RunLog] = []


def start_log(*, verbose: bool = False, quiet: bool = False) -> RunLog:
    """Install the log of the command that begins now, on the present standard error."""
    log = RunLog(sys.stderr, verbose=verbose, quiet=quiet)
    log.install()
    _CURRENT[:] = [log]
    return log


def current_log() -> RunLog:
    """The log of the running command."""
    return _CURRENT[0] if _CURRENT else start_log()
