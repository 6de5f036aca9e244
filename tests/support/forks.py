"""Work in processes of their own, forked so that imports and kernels are loaded; none shares its parent's store."""

import os
import time
import traceback

from lightgbm.basic import _LIB


def in_process(work, log=None):
    """Begin some work; returns the number of its process. An error ends it with 1 and is written into `log`."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        # Of the threads that its parent had for OpenMP a forked child has none, and waits for them for ever.
        _LIB.LGBM_SetMaxThreads(1)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 a forked child must not return into its parent's test
        if log is not None:
            log.write_text(traceback.format_exc())
    os._exit(code)


def ended(pid):
    """The exit code of a process, waited for; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_until(true, seconds=60.0):
    """Wait until something is so; an AssertionError if it takes longer."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
