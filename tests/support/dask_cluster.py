"""A Dask cluster of two processes on this machine."""

import warnings

import pytest


def cluster_of_two():
    """The cluster, to be closed by its caller; the test skips where distributed is absent."""
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        # Another test's cluster or a service may hold the dashboard's port; there is no dashboard here.
        warnings.filterwarnings("ignore", "Port 8787 is already in use")
        return distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        )
