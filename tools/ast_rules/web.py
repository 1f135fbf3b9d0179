"""Routes: asynchronous, described, same-origin, and pages that only read."""

import ast
from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source, dotted_name, keyword, last_name

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "api_route"})


def _route_decorators(source: Source) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.Call, str]]:
    """Every function with the decorator that makes it a route, and the HTTP method."""
    for function in source.functions():
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                owner = last_name(decorator.func.value)
                if decorator.func.attr in _METHODS and (owner.endswith("router") or owner in {"app", "api", "pages"}):
                    yield function, decorator, decorator.func.attr


def _find_base_middleware(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = last_name(node)
        elif isinstance(node, ast.alias):
            name = node.name
        else:
            continue
        if name == "BaseHTTPMiddleware":
            yield node.lineno, "BaseHTTPMiddleware breaks cancellation and context variables: write plain ASGI"


def _find_sync_endpoints(source: Source) -> Iterator[Finding]:
    if source.is_test:
        return
    for function, _, _ in _route_decorators(source):
        if isinstance(function, ast.FunctionDef):
            yield function.lineno, f"route {function.name} must be async: a plain def runs in the thread pool"
    dependencies = {
        last_name(call.args[0]) for call, name in source.calls() if name.rpartition(".")[2] in {"Depends", "Security"} and call.args
    }
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in dependencies:
            yield node.lineno, f"dependency {node.name} must be async: a plain def runs in the thread pool"


def _find_cross_origin(source: Source) -> Iterator[Finding]:
    if source.is_test or not source.is_under("app"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and (node.arg or "").startswith("allow_origin"):
            yield node.value.lineno, "no other origin may call us"
        elif isinstance(node, ast.Name | ast.Attribute) and last_name(node) == "CORSMiddleware":
            yield node.lineno, "no other origin may call us: CORSMiddleware is not used"
    for line, text in source.texts():
        if text.lower() == "access-control-allow-origin":
            yield line, "no other origin may call us"


def _find_undescribed_routes(source: Source) -> Iterator[Finding]:
    parts = source.path.parts
    if source.is_test or "routes" not in parts or "pages" in parts:
        return
    router_tags = any(name.endswith("APIRouter") and keyword(call, "tags") for call, name in source.calls())
    for function, decorator, _ in _route_decorators(source):
        missing = []
        if keyword(decorator, "summary") is None:
            missing.append("summary=")
        if keyword(decorator, "description") is None and not ast.get_docstring(function):
            missing.append("a docstring (its description)")
        if keyword(decorator, "tags") is None and not router_tags:
            missing.append("tags=")
        if keyword(decorator, "response_model") is None and not _has_response_type(function, decorator):
            missing.append("a response model (return annotation)")
        if missing:
            yield function.lineno, f"route {function.name} lacks {', '.join(missing)}"


def _has_response_type(function: ast.FunctionDef | ast.AsyncFunctionDef, decorator: ast.Call) -> bool:
    status = keyword(decorator, "status_code")
    says_nothing = status is not None and "204" in (dotted_name(status) or ast.unparse(status))
    returns = function.returns
    return says_nothing or not (returns is None or (isinstance(returns, ast.Constant) and returns.value is None))


def _find_changing_pages(source: Source) -> Iterator[Finding]:
    if source.is_test or "routes" not in source.path.parts or "pages" not in source.path.parts:
        return
    for function, _, method in _route_decorators(source):
        if method not in {"get", "head"}:
            yield function.lineno, f"page {function.name} takes {method.upper()}: pages only read, changes go through the API"


RULES = (
    Rule("base-middleware", _find_base_middleware),
    Rule("sync-endpoint", _find_sync_endpoints),
    Rule("cross-origin", _find_cross_origin),
    Rule("route-docs", _find_undescribed_routes),
    Rule("page-method", _find_changing_pages),
)
