"""moto's S3 server, on this machine alone, with buckets in memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import fsspec
import pytest


@contextmanager
def served(*buckets: str) -> Iterator[str]:
    """Serve S3 with these buckets, to this process and to those that it starts; yields its address."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'ganimate[cluster]'")
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'ganimate[dev]'")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    told = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "secret"}
    with mock.patch.dict(os.environ, {**told, "AWS_DEFAULT_REGION": "us-east-1"}):
        fsspec.filesystem("s3").clear_instance_cache()
        storage = fsspec.filesystem("s3")
        for bucket in buckets:  # one that an earlier server had is there still: they share this process's memory
            if not storage.exists(bucket):
                storage.mkdir(bucket)
        yield address
    fsspec.filesystem("s3").clear_instance_cache()
    server.stop()
