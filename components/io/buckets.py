"""Buckets of S3 servers, through boto3, and of Google Cloud Storage, through its own client.

The first request has short timeouts, so that a wrong address or bucket fails within seconds; later ones are patient.
"""

from __future__ import annotations

import io
import logging
import mimetypes
import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

from components.errors import EnvironmentRefused
from components.io.storage import InputFile

CONNECT_SECONDS: Final = 4.0
"""Longest that the first connection may take: it takes well under a second, from anywhere."""

ANSWER_SECONDS = 10.0
"""Longest that the first answer may take."""

ATTEMPTS: Final = 8
"""Attempts per request to a store that has answered before, with pauses that grow to 20 s."""

CONNECTIONS: Final = 32
"""Connections kept open to a bucket: one per reading thread."""

NOT_FOUND, CONFLICT, PRECONDITION_FAILED = 404, 409, 412
"""HTTP statuses: no such object; another conditional write is under way; the condition does not hold."""

WRAPPED: Final = ("reason", "cause", "__cause__")
"""Attributes in which errors of urllib3, of Google's clients and of Python hold the underlying one."""

CONNECTION: Final = re.compile(r"^(<[^>]*>|\w+\(host=[^)]*\)): ")
"""How urllib3 1 and 2 name the connection in their messages."""


class Versioned(NamedTuple):
    """An object's bytes, and the version that a conditional write names."""

    content: bytes
    version: str


class Bucket(Protocol):
    """Operations of a store; errors are those of its client."""

    def list(self, prefix: str) -> Iterator[InputFile]:
        """List the objects whose keys have this prefix."""

    def stat(self, key: str) -> InputFile | None:
        """Look up one object."""

    def get(self, key: str) -> Versioned | None:
        """Read one object."""

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes of one object from start up to end."""

    def put(self, key: str, file: BinaryIO) -> object:
        """Upload an object, in parts if it is large."""

    def put_if(self, key: str, content: bytes, version: str | None) -> str | None:
        """Upload an object if it still has a version, or if there is none (None); return the new version."""

    def delete(self, key: str) -> None:
        """Remove an object that may not be there."""


def bucket_of(scheme: str, name: str) -> Bucket:
    """Return a bucket, connected.

    Raises:
        EnvironmentRefused: there are no credentials, no connection, or no such bucket.
    """
    deciding = tuple(sorted(item for item in os.environ.items() if item[0].upper().startswith(DECIDING)))
    return _connected(scheme, name, deciding)


DECIDING: Final = ("AWS_", "GOOGLE_", "STORAGE_EMULATOR_HOST", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Prefixes of the variables in which clients find stores and credentials: different values mean a different bucket."""


@lru_cache(maxsize=64)
def _connected(scheme: str, name: str, environment: object) -> Bucket:
    return _S3Bucket(name) if scheme == "s3" else _GsBucket(name)


class _S3Bucket:
    """A bucket of an S3 server; AWS_ENDPOINT_URL names one that is not Amazon's."""

    def __init__(self, name: str) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        session = boto3.session.Session()
        if session.get_credentials() is None:
            raise EnvironmentRefused(
                "There are no credentials for s3://. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
                "AWS_ENDPOINT_URL where the store is not Amazon's."
            )
        once_more = {"total_max_attempts": 2, "mode": "standard"}
        hurried = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries=once_more)
        client = session.client("s3", config=hurried)
        endpoint = str(client.meta.endpoint_url)
        try:
            client.head_bucket(Bucket=name)
        except ClientError as error:
            if _status(error) == NOT_FOUND:
                raise _no_bucket(name, endpoint) from error
            # Without permission for the bucket there may be permission for its objects.
        except (ConnectionError, HTTPClientError) as error:
            raise _unreached(endpoint, error) from error
        except BotoCoreError as error:
            raise EnvironmentRefused(f"{endpoint} does not answer as an S3 server: {error}.") from error
        often = {"total_max_attempts": ATTEMPTS, "mode": "standard"}
        patient = Config(retries=often, max_pool_connections=CONNECTIONS)
        self._name, self._client = name, session.client("s3", config=patient)

    def _described(self, key: str, size: int, modified: Any) -> InputFile:
        return InputFile(f"s3://{self._name}/{key}", size, f"mtime {modified.timestamp()} s")

    def list(self, prefix: str) -> Iterator[InputFile]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
            for each in page.get("Contents", ()):
                yield self._described(each["Key"], each["Size"], each["LastModified"])

    def stat(self, key: str) -> InputFile | None:
        head = _unless(lambda: self._client.head_object(Bucket=self._name, Key=key), NOT_FOUND)
        return None if head is None else self._described(key, head["ContentLength"], head["LastModified"])

    def get(self, key: str) -> Versioned | None:
        answer = _unless(lambda: self._client.get_object(Bucket=self._name, Key=key), NOT_FOUND)
        return None if answer is None else Versioned(answer["Body"].read(), answer["ETag"])

    def get_range(self, key: str, start: int, end: int) -> bytes:
        from botocore.exceptions import ConnectionError, HTTPClientError, IncompleteReadError

        for attempt in range(1, ATTEMPTS + 1):
            answer = self._client.get_object(Bucket=self._name, Key=key, Range=f"bytes={start}-{end - 1}")
            try:
                return bytes(answer["Body"].read())
            except (ConnectionError, HTTPClientError, IncompleteReadError):
                if attempt == ATTEMPTS:  # boto3 itself does not retry a body that breaks off
                    raise
        raise AssertionError

    def put(self, key: str, file: BinaryIO) -> None:
        self._client.upload_fileobj(file, self._name, key, ExtraArgs={"ContentType": _media_type(key)})

    def put_if(self, key: str, content: bytes, version: str | None) -> str | None:
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        put = partial(self._client.put_object, Bucket=self._name, Key=key, Body=content, **condition)
        answer = _unless(put, NOT_FOUND, CONFLICT, PRECONDITION_FAILED)
        return None if answer is None else str(answer["ETag"])

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._name, Key=key)


class _GsBucket:
    """A bucket of Google Cloud Storage, or of the emulator that STORAGE_EMULATOR_HOST names."""

    def __init__(self, name: str) -> None:
        import google.auth.exceptions
        import requests
        from google.api_core.exceptions import GoogleAPICallError
        from google.cloud.storage import Client

        try:
            client = Client(project=None)
        except google.auth.exceptions.DefaultCredentialsError:
            client = Client.create_anonymous_client()  # some buckets are public
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it warns if threads outnumber its 10
        endpoint = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
        self._name, self._bucket = name, client.bucket(name)
        try:
            there = self._bucket.exists(timeout=(CONNECT_SECONDS, ANSWER_SECONDS), retry=None)
        except GoogleAPICallError:
            return  # without permission for the bucket there may be permission for its objects
        except (requests.RequestException, google.auth.exceptions.TransportError) as error:
            raise _unreached(endpoint, error) from error
        if not there:
            raise _no_bucket(name, endpoint)

    def _described(self, blob: Any) -> InputFile:
        return InputFile(f"gs://{self._name}/{blob.name}", blob.size, f"mtime {blob.updated.timestamp()} s")

    def list(self, prefix: str) -> Iterator[InputFile]:
        return map(self._described, self._bucket.list_blobs(prefix=prefix))

    def stat(self, key: str) -> InputFile | None:
        blob = self._bucket.get_blob(key)
        return None if blob is None else self._described(blob)

    def get(self, key: str) -> Versioned | None:
        blob = self._bucket.blob(key)
        content = _unless(lambda: blob.download_as_bytes(raw_download=True), NOT_FOUND)
        return None if content is None else Versioned(content, str(blob.generation))

    def get_range(self, key: str, start: int, end: int) -> bytes:
        # Raw: otherwise the server unpacks all of an object with Content-Encoding: gzip and ignores the range.
        blob = self._bucket.blob(key)
        return bytes(blob.download_as_bytes(start=start, end=end - 1, checksum=None, raw_download=True))

    def put(self, key: str, file: BinaryIO, **condition: int) -> str:
        """Upload, and retry if the response is lost: the content is the same. Return the generation."""
        from google.cloud.storage.retry import DEFAULT_RETRY

        blob, size = self._bucket.blob(key), file.seek(0, os.SEEK_END)
        kind = _media_type(key)
        blob.upload_from_file(file, rewind=True, size=size, content_type=kind, retry=DEFAULT_RETRY, **condition)
        return str(blob.generation)

    def put_if(self, key: str, content: bytes, version: str | None) -> str | None:
        put = partial(self.put, key, io.BytesIO(content), if_generation_match=int(version or 0))
        return _unless(put, NOT_FOUND, CONFLICT, PRECONDITION_FAILED)

    def delete(self, key: str) -> None:
        _unless(self._bucket.blob(key).delete, NOT_FOUND)


def _no_bucket(name: str, endpoint: str) -> EnvironmentRefused:
    return EnvironmentRefused(f"There is no bucket {name} at {endpoint}. Check its name and the address.")


def _unreached(endpoint: str, error: Exception) -> EnvironmentRefused:
    return EnvironmentRefused(
        f"{endpoint} cannot be reached: {words_of(error)}. Check the address (AWS_ENDPOINT_URL for s3://), the "
        "network and the proxy."
    )


def _status(error: Exception) -> int | None:
    """Return the HTTP status behind an error of a store's client."""
    response = getattr(error, "response", None)
    return (
        response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(response, dict) else getattr(error, "code", None)
    )


def _unless(request: Callable[[], Any], *statuses: int) -> Any:
    """Return the response to a request, or None if it fails with one of these HTTP statuses."""
    try:
        return request()
    except Exception as error:  # the clients have no common class of errors
        if _status(error) in statuses:
            return None
        raise


def words_of(error: BaseException) -> str:
    """Return the innermost error's message: clients of stores wrap or list the errors of lower clients."""
    while True:
        candidates = [getattr(error, "kwargs", {}).get("error"), *(getattr(error, name, None) for name in WRAPPED)]
        candidates += [*error.args, error.__context__ if isinstance(error.__context__, OSError) else None]
        inner = next((candidate for candidate in candidates if isinstance(candidate, BaseException)), None)
        if inner is None:
            break
        error = inner
    words = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error) or type(error).__name__
    return " ".join(CONNECTION.sub("", str(words)).split()).rstrip(".")


def _media_type(key: str) -> str:
    """Return the media type of an object."""
    kind, encoding = mimetypes.guess_type(key)
    return kind if kind and not encoding else "application/octet-stream"
