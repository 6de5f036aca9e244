"""Signals that stop a command: it ends within a second, with one sentence, and leaves no scratch files."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Exit codes are 128 and the number of the signal, as shells count.
NAMES = {"SIGINT": "Ctrl-C", "SIGTERM": "the system asked it to end", "SIGHUP": "its terminal was closed"}
# Time for the run to undo its changes; the process does not wait longer for a library.
GRACE_S = 0.6


# The signals that a running command holds.
_HELD: set[int] = set()
_CAUGHT: list[int] = []


class Stopped(BaseException):
    """The command was asked to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal."""
        return 128 + self.number

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        return f"stopped ({name}: {NAMES.get(name, name)}); outputs and models from before are as they were"


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped in the main thread at the first signal; end the process if that takes longer than GRACE_S.

    In a thread of another program signals belong to that program, and nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    # A signal that the parent process ignores, as nohup does, stays ignored.
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    reader, writer = os.pipe()
    _HELD.update(numbers)
    _CAUGHT.clear()
    before = {number: signal.signal(number, _raise) for number in numbers}
    # On Windows a signal wakes only sockets: there the process waits for a library that does not return.
    woken = -1
    if os.name == "posix":
        os.set_blocking(writer, False)
        woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(reader, set(numbers), ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if os.name == "posix":
            signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        _HELD.clear()
        os.close(writer)


def report_and_exit(stopped: Stopped) -> None:
    """Print one sentence and exit with the code of the signal, without waiting for worker threads."""
    _say(stopped)
    sys.stdout.flush()
    _abandon()
    os._exit(stopped.exit_code)


def _restore_signals() -> None:
    """Restore default signals in a forked worker, which then ends without waking this process."""
    if _HELD:
        signal.set_wakeup_fd(-1)
        for number in _HELD:
            signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_signals)


def received_signal() -> Stopped | None:
    """The signal that arrived, None before one: compiled code replaces an exception raised within it by its own."""
    return Stopped(_CAUGHT[0]) if _CAUGHT else None


def _raise(number: int, _frame: FrameType | None) -> None:
    _CAUGHT.append(number)
    raise Stopped(number)


def _watch(reader: int, numbers: set[int], ended: threading.Event) -> None:
    """Wait for a signal, then for the main thread; if a library holds that thread, end the process without it."""
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while number := pipe.read(1):
            if number[0] in numbers and not ended.wait(GRACE_S):
                stopped = Stopped(number[0])
                _abandon()
                _say(stopped)
                os._exit(stopped.exit_code)


def _abandon() -> None:
    # Imported only if something was written: a command that is stopped earlier has no scratch files.
    scratch = sys.modules.get("mlrisk.outputs.scratch")
    if scratch is not None:
        scratch.abandon()


def _say(stopped: Stopped) -> None:
    sys.stderr.write(f"mlrisk: {stopped}\n")
    sys.stderr.flush()
