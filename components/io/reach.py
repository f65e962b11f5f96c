"""Whether a store can be reached at all: known within seconds, where the clients of stores try for minutes."""

from __future__ import annotations

import functools
import os
import socket
import time
import urllib.parse
import urllib.request
from typing import Final

from components.errors import EnvironmentRefused

TRIES: Final = 2
"""A connection that does not come about is tried once more."""

PAUSE_SECONDS: Final = 0.5
"""Between the two tries."""

CONNECT_SECONDS: Final = 4.0
"""Longest that a connection may take: a store answers in well under one, from anywhere."""

GOOGLE: Final = "https://storage.googleapis.com"
"""Where gs:// is, unless STORAGE_EMULATOR_HOST says otherwise."""

NOT_FOUND: Final = 404
"""Status with which an S3 server says that there is no such bucket."""

PORTS: Final = {"http": 80, "https": 443}


def check_reach(uri: str) -> None:
    """Find out whether the store behind a URI answers, and for s3:// whether the bucket is there; asked once a process.

    Args:
        uri: of anything; only s3:// and gs:// are looked at.

    Raises:
        EnvironmentRefused: there are no credentials for s3://, no connection comes about, or there is no such bucket.
    """
    scheme, _, rest = uri.partition("://")
    if scheme == "s3":
        _check_s3(rest.partition("/")[0])
    elif scheme == "gs":
        _check(os.environ.get("STORAGE_EMULATOR_HOST") or GOOGLE)


@functools.lru_cache(maxsize=64)
def _check_s3(bucket: str) -> None:
    """Beam takes a bucket that is not there for an empty one."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return  # Beam's file system says so
    session = boto3.session.Session()
    if session.get_credentials() is None:
        raise EnvironmentRefused(
            "There are no credentials for s3://. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
            "AWS_ENDPOINT_URL where the store is not Amazon's."
        )
    client = session.client("s3")
    _check(str(client.meta.endpoint_url))
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
            raise EnvironmentRefused(
                f"There is no bucket {bucket} at {client.meta.endpoint_url}. Check its name and the address."
            ) from error
        # Who may not ask for the bucket may still be let to what is in it.
    except BotoCoreError as error:
        raise EnvironmentRefused(f"{client.meta.endpoint_url} does not answer as an S3 server: {error}.") from error


@functools.lru_cache(maxsize=8)
def _check(endpoint: str) -> None:
    try:
        connect(endpoint)
    except OSError as error:
        raise EnvironmentRefused(
            f"{endpoint} cannot be reached: {error.strerror or error}. Check the address "
            "(AWS_ENDPOINT_URL for s3://), the network and the proxy."
        ) from error


def connect(endpoint: str) -> None:
    """Connect to a URL's host, or to the proxy before it, and close again.

    Raises:
        OSError: no connection comes about within seconds.
    """
    url = urllib.parse.urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    proxy = urllib.request.getproxies().get(url.scheme)
    if proxy and not urllib.request.proxy_bypass(url.netloc):
        url = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        address = (url.hostname or "", url.port or PORTS.get(url.scheme, 443))
    except ValueError as error:
        raise OSError(f"{endpoint} is no address") from error
    for left in reversed(range(TRIES)):
        try:
            socket.create_connection(address, timeout=CONNECT_SECONDS).close()
            return
        except OSError:
            if left == 0:
                raise
        time.sleep(PAUSE_SECONDS)
