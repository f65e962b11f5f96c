"""What workers on other machines can read and write: object stores, and what is mounted on all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from components.errors import UsageError
from components.io.files import is_remote, local_path


def check_visible(inputs: Sequence[str], output: str, model: str, assume_shared: bool) -> None:
    """Refuse paths that workers on other machines cannot be expected to see.

    Args:
        inputs: paths, globs, URIs.
        output: directory or URI.
        model: directory or URI of the model.
        assume_shared: local paths are those of a file system that every worker has mounted at the same place.

    Raises:
        UsageError: there is such a path.
    """
    named = [*(("--input", path) for path in inputs), ("--output", output), ("the model", model)]
    local = [(what, path) for what, path in named if not is_remote(path)]
    if local and not assume_shared:
        raise UsageError(
            f"Workers of a cluster do not see {', '.join(f'{path} ({what})' for what, path in local)}: use s3:// or "
            "gs://, or, if every worker has the path mounted at the same place, say so with --assume-shared."
        )
    relative = [path for what, path in local if what == "--input" and not os.path.isabs(local_path(path))]
    if relative:
        raise UsageError(
            f"Workers of a cluster run in folders of their own: name {', '.join(relative)} by its absolute path, such "
            f"as {os.path.abspath(local_path(relative[0]))}."
        )
