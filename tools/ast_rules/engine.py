"""Reads files, runs rules over them, and knows the one way to allow an exception: a comment with a reason on the line."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

Finding = tuple[int, str]
"""A line number and what is wrong there."""

SUFFIXES = frozenset({".py", ".html", ".js", ".css"})
_SKIPPED_DIRECTORIES = frozenset({"node_modules", "__pycache__", "dist", "build", "var", ".venv"})
_ALLOWED = re.compile(r"allow\[(?P<rule>[a-z-]+)\]: \S.{8,}")


@dataclass(frozen=True)
class Source:
    """One file: its path from the repository's root, and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file; empty for any other."""
        return ast.parse(self.text) if self.path.suffix == ".py" else ast.Module(body=[], type_ignores=[])

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """Ids of the constant nodes that are docstrings or strings standing alone: prose, not code."""
        return frozenset(
            id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )

    @cached_property
    def is_test(self) -> bool:
        """Whether the file belongs to tests or to the helpers of tests."""
        return "tests" in self.path.parts or self.is_under("app/core/testing") or self.path.name == "conftest.py"

    def is_under(self, *folders: str) -> bool:
        """Whether the file is one of these paths or lies below one of them."""
        return any(self.path.is_relative_to(folder) for folder in folders)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name it calls; what is not a name (`f()()`) is an empty string."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, dotted_name(node.func)

    def texts(self) -> Iterator[tuple[int, str]]:
        """Every string in the code that is not a docstring, pieces of f-strings included, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in self.docstrings:
                yield node.lineno, node.value

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function, methods and inner ones included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@dataclass(frozen=True)
class Rule:
    """A name, and a function that finds what the rule forbids."""

    name: str
    find: Callable[[Source], Iterator[Finding]]


@dataclass(frozen=True, order=True)
class Violation:
    """One finding, ready to be printed as `path:line: rule: message`."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for a chain of names; for a chain on something else only the attributes (`.b.c`); else an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))


def last_name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return dotted_name(node).rpartition(".")[2]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a call's keyword argument, or None."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def check_source(source: Source, rules: Sequence[Rule]) -> list[Violation]:
    """Run the rules over one file. A line, or the comment line above it, may say `allow[rule]: why` to be excepted."""
    violations = []
    for rule in rules:
        for line, message in rule.find(source):
            if not _is_allowed(source, line, rule.name):
                violations.append(Violation(str(source.path), line, rule.name, message))
    return violations


def check_paths(root: Path, paths: Sequence[str], rules: Sequence[Rule]) -> list[Violation]:
    """Run the rules over every file below `paths`, which are relative to `root`; sorted by place."""
    violations: list[Violation] = []
    for file in find_files(root, paths):
        source = Source(PurePosixPath(file.relative_to(root).as_posix()), file.read_text(encoding="utf-8"))
        violations.extend(check_source(source, rules))
    return sorted(violations)


def find_files(root: Path, paths: Sequence[str]) -> Iterator[Path]:
    """The files the rules read, below `paths`, without what was built or installed."""
    for path in paths:
        start = root / path
        candidates = [start] if start.is_file() else sorted(start.rglob("*"))
        for file in candidates:
            inside = file.relative_to(root).parts
            if file.suffix in SUFFIXES and file.is_file() and not _SKIPPED_DIRECTORIES.intersection(inside):
                yield file


def _is_allowed(source: Source, line: int, rule: str) -> bool:
    near = source.lines[max(line - 2, 0) : line]
    if len(near) == 2 and not near[0].lstrip().startswith(("#", "//", "{#", "/*")):
        near = near[1:]
    return any(match["rule"] == rule for text in near for match in _ALLOWED.finditer(text))
