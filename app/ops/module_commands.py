"""Commands that modules contribute: listed by reading their `cli.py`, imported only when one of them runs.

A module's commands stand on its services and with them on half the application; the help and the other commands need not
wait for that.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES_DIR = Path(__file__).resolve().parents[1] / "modules"


@dataclass(frozen=True, slots=True)
class ModuleCommand:
    """One command: its name, the first paragraph of its docstring, and the module that has it."""

    name: str
    help: str
    module: str


def list_module_commands() -> Iterator[ModuleCommand]:
    """Yield every function below `@cli.command("name")` in a module's `cli.py`, without importing anything."""
    for path in sorted(MODULES_DIR.glob("*/cli.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    name = command_name(decorator)
                    if name is not None:
                        yield ModuleCommand(name, (ast.get_docstring(node) or "").partition("\n\n")[0], path.parent.name)


def command_name(decorator: ast.expr) -> str | None:
    """Return the name in `cli.command("name")`, None for any other decorator."""
    match decorator:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="cli"), attr="command"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return None


def load_module_command(command: ModuleCommand) -> Any:
    """Import the module's commands as its definition names them, and return this one; LookupError when the definition names none.

    All modules are loaded: what a command tells of (a password link, for one) is heard by those who subscribed.
    """
    import typer.main

    from app.core.modules import load_attribute, load_modules

    load_modules()
    path = load_attribute(f"app.modules.{command.module}.definition:MODULE").cli
    if path is None:
        raise LookupError(f"the definition of {command.module} names no cli")
    contributed: Any = typer.main.get_command(load_attribute(path))
    return getattr(contributed, "commands", {contributed.name: contributed})[command.name]
