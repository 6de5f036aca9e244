"""Object stores for tests: one in memory that fails after so many writes, and an S3 server on loopback."""

import os
import shutil
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.support.servers import free_port, wait_for


class FailingStore(MemoryFileSystem):
    """A store in memory that takes `allowed` more files and then fails as a network does."""

    protocol = "failing"
    store: dict = {}  # noqa: RUF012 fsspec's own way
    pseudo_dirs = [""]  # noqa: RUF012
    allowed = 10**9

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(str(path).replace("failing://", "memory://"))

    def _count(self):
        if FailingStore.allowed <= 0:
            raise ConnectionError("no answer from https://anna:secret@store/bucket?signature=abc")
        FailingStore.allowed -= 1

    def put_file(self, lpath, rpath, **kwargs):
        self._count()
        super().put_file(lpath, rpath, **kwargs)

    def cp_file(self, path1, path2, **kwargs):
        self._count()
        super().cp_file(path1, path2, **kwargs)


class CopiesLater(FailingStore):
    """A store as Azure's, whose copies are not there when the call returns."""

    protocol = "adl"

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(str(path).replace("adl://", "memory://"))

    def cp_file(self, path1, path2, **kwargs):
        pass


fsspec.register_implementation("adl", CopiesLater, clobber=True)
fsspec.register_implementation("failing", FailingStore, clobber=True)
fsspec.register_implementation(
    "absent", "absentstore.Store", clobber=True, errtxt="Install absentstore to access absent"
)


def objects(address):
    """The content of each object under an address by its path there."""
    system, root = fsspec.core.url_to_fs(address)
    system.invalidate_cache()
    return {
        path.strip("/").removeprefix(root.strip("/")).strip("/"): system.cat_file(path) for path in system.find(root)
    }


@contextmanager
def s3_server(folder):
    """The environment of programs that use an S3 server on loopback with a bucket `maps`; skips where there is none."""
    if find_spec("s3fs") is None or shutil.which("moto_server") is None:
        pytest.skip("s3fs (pip install s3fs) or an S3 server (moto_server) is absent")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    # The server is a program of another Python, which must not find the libraries of this one.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [shutil.which("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=clean, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: urllib.request.urlopen(f"{address}/moto-api/data.json", timeout=2).close())  # noqa: S310 on loopback
        request = urllib.request.Request(f"{address}/maps", method="PUT")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
        yield {
            "AWS_ACCESS_KEY_ID": "anna", "AWS_SECRET_ACCESS_KEY": "canary-of-a-key", "AWS_ENDPOINT_URL": address,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
