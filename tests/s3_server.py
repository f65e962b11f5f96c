"""An S3-compatible server on loopback, in a process of its own, and the environment that leads S3 clients to it."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass

ADDRESS = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class S3Server:
    """Where the server is; `environ` holds all that boto3 needs to use it."""

    endpoint: str

    @property
    def environ(self):
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDHEARTBEATTESTS",
            "AWS_SECRET_ACCESS_KEY": "planted-secret-of-the-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self):
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environ["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environ["AWS_DEFAULT_REGION"],
        )


SERVER = """
import os, sys, threading
from moto.s3.responses import S3Response
from moto.server import main

put, turn = S3Response.put_object, threading.Lock()

def put_in_turn(self):
    with turn:  # S3 looks at a condition and writes in one; moto in two
        return put(self)

S3Response.put_object = put_in_turn
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["-H", "127.0.0.1", "-p", "0"])
"""


@contextmanager
def s3_server():
    """Yield an S3Server that ends with the test, also when the test dies: it ends when its standard input does."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-u", "-W", "ignore", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
    )
    try:
        for line in process.stdout:
            if found := ADDRESS.search(line):
                break
        else:
            raise AssertionError(f"the S3 server ended with {process.wait()} before it said where it is")
        # What it goes on to print must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield S3Server(found[1])
    finally:
        process.kill()
        process.wait()
