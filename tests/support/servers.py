"""Servers on loopback that tests start and end: a port, a wait until one answers, a PostgreSQL of the test's own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAMS = [*Path("/usr/lib/postgresql").glob("*/bin")]


def program(name):
    return shutil.which(name) or next((str(folder / name) for folder in PROGRAMS if (folder / name).exists()), None)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(check, seconds=120):
    until = time.monotonic() + seconds
    while True:
        try:
            return check()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


@contextmanager
def postgres_at(folder):
    """The address of a PostgreSQL that keeps its data in `folder`; the test is skipped where there is none."""
    if not (program("initdb") and program("postgres") and find_spec("psycopg")):
        pytest.skip("PostgreSQL or its driver (psycopg) is absent")
    user = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        owner = pwd.getpwnam("postgres")
        user = {"user": "postgres", "group": owner.pw_gid}
        for path in (folder, *folder.parents):
            if str(path) == "/tmp":  # noqa: S108 where pytest keeps its folders
                break
            path.chmod(0o755)
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    line = [program("initdb"), "-D", str(data), "-U", "anna", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(line, check=True, capture_output=True, cwd=folder, **user)
    line = [program("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user)
    try:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        yield f"postgresql://anna:secret@127.0.0.1:{port}/postgres"
    finally:
        # At once: a gentle end waits for clients, and MLflow keeps its connections.
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
