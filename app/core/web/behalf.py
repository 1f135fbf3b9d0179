"""A merchant's routes once more, for the platform's admin who acts for them: the same functions behind another door (G6).

The admin's own opener names the merchant by the path and sets it for row-level security; what is done is done as the merchant, and
noted with the admin as `acting_admin_id`.
"""

import functools
import inspect
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, params
from fastapi.routing import APIRoute, iter_route_contexts

from app.core.credentials import Face
from app.core.web.deps import Access
from app.core.web.problems import documented

MERCHANT = "merchant_id"
Merchant = Annotated[uuid.UUID, Path(description="The merchant for whom the admin acts.")]


def mirror(router: APIRouter, *, face: Face, prefix: str, new_prefix: str, tag: str, beside: Sequence[APIRouter] = ()) -> APIRouter:
    """Return the routes of `router` for `face`: those below `prefix` moved to `new_prefix`, which holds `{merchant_id}`.

    What the admin has a route of its own for, in one of `beside`, is left out.
    """
    mirrored = APIRouter(tags=[tag])
    taken = {
        (method, context.path) for other in beside for context in iter_route_contexts(other.routes) for method in context.methods or ()
    }
    for context in iter_route_contexts(router.routes):
        route, path = context.original_route, context.path or ""
        if not isinstance(route, APIRoute) or not path.startswith(prefix):
            continue
        new_path = new_prefix + path.removeprefix(prefix)
        methods = sorted(method for method in route.methods or () if (method, new_path) not in taken)
        if not methods:
            continue
        mirrored.add_api_route(
            new_path,
            _for_face(route.endpoint, face),
            methods=methods,
            response_model=route.response_model,
            status_code=route.status_code,
            summary=f"{route.summary} (for a merchant)",
            description=route.description,
            responses=documented(404) | route.responses,
            response_class=route.response_class,
        )
    return mirrored


def _for_face(endpoint: Callable[..., Any], face: Face) -> Callable[..., Any]:
    """Return `endpoint` with its Access for `face`, and the merchant of the path, which only the opener looks at."""

    @functools.wraps(endpoint)
    async def acting(**values: Any) -> Any:
        values.pop(MERCHANT)
        return await endpoint(**values)

    signature = inspect.signature(endpoint)
    parameters = [
        parameter.replace(default=_default(parameter.default, face), kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
    ]
    merchant = inspect.Parameter(MERCHANT, inspect.Parameter.KEYWORD_ONLY, annotation=Merchant)
    vars(acting)["__signature__"] = signature.replace(parameters=[*parameters, merchant])
    return acting


def _default(default: Any, face: Face) -> Any:
    access: object = default.dependency if isinstance(default, params.Depends) else None
    return Depends(cast("Callable[..., Any]", access.on(face)), scope=default.scope) if isinstance(access, Access) else default
