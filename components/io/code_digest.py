"""Digests of code, from which TFX's cache sees that a stage has changed, and which a pushed model records.

Prose changes no result, so code is digested as parsed, without docstrings and comments.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import components

OURS: Final = ("components", "schema")
"""Packages whose code a stage may run; TFX, Beam and the like are pinned by the lock."""


def digest_text(text: str) -> str:
    """Return the SHA-256 of a text as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest(*modules: str) -> str:
    """Return the SHA-256 over the code of modules and of everything of ours that they import, as 64 hex digits.

    Without any it is that of all modules of components.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for name, file in sorted(imported_files(*(modules or _all_modules())).items()):
        digest.update(name.encode() + b"\0" + _code(file.read_text(encoding="utf-8")).encode() + b"\0")
    return digest.hexdigest()


def imported_files(*modules: str) -> dict[str, Path]:
    """Map modules and all of ours that they import, at once or when a function is called, to their files.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    files: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        file = _file(name)
        if file is None:
            raise ModuleNotFoundError(f"{name} is not a module of {' or '.join(OURS)}")
        files[name] = file
        waiting += [each for each in _imports(file.read_text(encoding="utf-8")) if _file(each) is not None]
    return files


def _all_modules() -> Iterator[str]:
    top = Path(components.__path__[0])
    for file in top.rglob("*.py"):
        parts = file.relative_to(top.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if file.name == "__init__.py" else parts)


def _file(name: str) -> Path | None:
    """Return the file of one of our modules; None for a name of something else, such as a function."""
    parts = name.split(".")
    if parts[0] not in OURS:
        return None
    path = Path(components.__path__[0]).parent.joinpath(*parts)
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache
def _imports(text: str) -> tuple[str, ...]:
    """List what a module imports: every dotted name, and every name in it that may be a module itself."""
    dotted: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            dotted += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            dotted += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    packages = [".".join(name.split(".")[:count]) for name in dotted for count in range(1, name.count(".") + 2)]
    return tuple(dict.fromkeys(packages))


@cache
def _code(text: str) -> str:
    """Return a module's syntax tree as text, without comments and docstrings, those under constants included."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_prose(each)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_prose(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
