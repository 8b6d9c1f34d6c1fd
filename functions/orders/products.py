"""Products over HTTP: shown to everybody and kept by caches, added and replaced by admins.

In: requests that the gateway let through. Out: products under their tags and cache groups, and problems.
"""

from litestar import Response, get, put
from litestar.params import FromPath, JSONBody

from functions.orders import model, store
from functions.orders.dependencies import Asked, Caller, Data, existing, named
from functions.orders.model import NewProduct, Product
from runtime.database import Connection
from runtime.http.conditional import shown
from runtime.http.openapi import answers
from runtime.http.page import Page, PageQuery, page
from runtime.http.preconditions import Asking, Conditions
from runtime.http.problem import FORBIDDEN, PRECONDITION_REQUIRED, Problem
from runtime.http.validation import convert
from runtime.identity.authenticated import require_role

SHARED = {"Cache-Control": "public, max-age=10, stale-while-revalidate=30, stale-if-error=300"}


@get("/products", opt=answers({200: Page[Product]}, query=PageQuery, headers=("ETag", "Cache-Control", "Cache-Groups")))
async def list_products(request: Asked, database: Data) -> Response[bytes]:
    """The products, by sku."""
    query = PageQuery.read(request.scope["query_string"])
    async with database.single() as connection:
        found = page(await store.products(connection, query), query.limit, lambda product: product.sku)
    link = found.next_link("/products", request.scope["query_string"])
    return shown(request, found, headers={**SHARED, **link, "Cache-Groups": model.groups()})


@get(
    "/products/{sku:str}",
    opt=answers({200: Product}, path={"sku": model.Sku}, headers=("ETag", "Cache-Control", "Cache-Groups")),
)
async def show_product(request: Asked, sku: FromPath[str], database: Data) -> Response[bytes]:
    """One product."""
    async with database.single() as connection:
        product = await store.product(connection, named(model.Sku, sku))
    return shown(request, existing(product), headers={**SHARED, "Cache-Groups": model.groups(sku)})


@put(
    "/products/{sku:str}",
    opt=answers(
        {201: Product, 200: Product},
        *(FORBIDDEN, PRECONDITION_REQUIRED),
        path={"sku": model.Sku},
        headers=("ETag", "Cache-Group-Invalidation"),
    ),
)
async def put_product(
    request: Asked,
    sku: FromPath[str],
    data: JSONBody[NewProduct],
    principal: Caller,
    database: Data,
    conditions: Asking,
) -> Response[bytes]:
    """Adds a product, or replaces one in the state that If-Match names: its stock may be sold meanwhile. For admins."""
    require_role(principal, "admin")
    convert({"sku": sku}, dict[str, model.Sku])
    async with database.write() as connection:
        added = conditions.if_match is None and await store.add_product(connection, sku, data)
        product = Product(sku, data.name, data.currency, data.unit_price, data.stock)
        if not added:
            await _replace(connection, product, conditions)
    invalidated = {"Cache-Group-Invalidation": f"{model.groups(sku)}, {model.groups()}"}
    return shown(request, product, headers=invalidated, status=201 if added else 200)


async def _replace(connection: Connection, product: Product, conditions: Conditions) -> None:
    """In the state that was meant only: what was sold since then would be in stock again."""
    found = await store.locked_product(connection, product.sku)
    if found == product and conditions.if_none_match is None:
        return  # it was done before, and its answer got lost (RFC 9110, section 13.1.1)
    conditions.require(found)
    if conditions.if_match is None:
        raise Problem(PRECONDITION_REQUIRED)
    await store.change_product(connection, product)


HANDLERS = [list_products, show_product, put_product]
