from contextlib import closing

import pytest

from components.io.files import open_output
from components.io.objects import create_object, open_object
from tests.s3_server import s3_server


def test_objects_of_s3_are_written_whole_empty_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        server.client().create_bucket(Bucket="beats")
        for content in (b"", b"one\n", b"x" * 100_000):
            with create_object("s3://beats/as-object") as sink:
                sink.write(content[:3])
                sink.write(content[3:])
            with closing(open_output("s3://beats/as-file")) as output:
                output.write(content)
            for name in ("as-object", "as-file"):
                with open_object(f"s3://beats/{name}") as source:
                    assert source.read() == content, name
