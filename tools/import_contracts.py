"""An import-linter contract of our own: modules are entered by their doors only."""

import grimp
from importlinter import Contract, ContractCheck, fields, output


class DoorsContract(Contract):
    """No direct import reaches into a sibling module except through one of its doors.

    Options: `container` holds the modules; `doors` are open to every sibling; `test_doors` also to siblings' tests;
    `entry_doors` are those for the application outside the container (entry points). Written because the contracts that
    come with import-linter cannot say "the same module" with a wildcard.
    """

    type_name = "doors"

    container = fields.StringField()
    doors = fields.ListField(subfield=fields.StringField())
    test_doors = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    entry_doors = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every import that uses no door, with its line."""
        container = str(self.container)
        illegal: list[tuple[str, str, int]] = []
        for imported in sorted(graph.find_descendants(container)) if container in graph.modules else ():
            for importer in sorted(graph.find_modules_that_directly_import(imported)):
                if not self._is_allowed(importer, imported):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    illegal.append((importer, imported, details[0]["line_number"] if details else 0))
        return ContractCheck(kept=not illegal, metadata={"illegal": illegal})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per illegal import."""
        for importer, imported, line in check.metadata["illegal"]:
            output.print_error(f"- {importer} -> {imported} (l.{line})", bold=False)
        output.new_line()

    def _is_allowed(self, importer: str, imported: str) -> bool:
        container = str(self.container)
        module, _, inner = imported.removeprefix(f"{container}.").partition(".")
        if importer == container or not importer.startswith(f"{container}."):
            return not inner or _is_behind(inner, self.entry_doors)  # type: ignore[arg-type]  # a descriptor to mypy
        own_module, _, own_inner = importer.removeprefix(f"{container}.").partition(".")
        if own_module == module or _is_behind(inner, self.doors):  # type: ignore[arg-type]
            return True
        return _is_behind(own_inner, ["tests"]) and _is_behind(inner, self.test_doors)  # type: ignore[arg-type]


def _is_behind(inner: str, doors: list[str]) -> bool:
    """Whether the dotted path inside a module is one of the doors or lies behind it."""
    return any(inner == door or inner.startswith(f"{door}.") for door in doors)
