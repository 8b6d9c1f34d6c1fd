"""Orders as a Python user would write them: FastAPI, SQLAlchemy, PyJWT, uvicorn. Arguments: port, URL, key set's file.

The same schema, answers and promises as ours: a token is verified, a GET has its tag and 304, an order is placed once
for each Idempotency-Key, and on SQLite a commit is on the disk.
"""

import json
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, ForeignKey, event, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

PORT, URL, KEYS = int(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[3]).read_text())
SQLITE = URL.startswith("sqlite")
KEY = jwt.PyJWK(KEYS["keys"][0]).key
engine = create_async_engine(
    URL.replace("sqlite://", "sqlite+aiosqlite://").replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=8,
    max_overflow=0,
    connect_args={"timeout": 30} if SQLITE else {},
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
if SQLITE:

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # noqa: ANN401
        """As SQLAlchemy's documentation has it: its driver begins no transactions by itself."""
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:  # noqa: ANN401
        """Who writes says so at once."""
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


class Base(DeclarativeBase):
    """Our tables."""


class ProductRow(Base):
    """A product."""

    __tablename__ = "products"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    unit_price: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int] = mapped_column(BigInteger)


class ItemRow(Base):
    """What was ordered of one."""

    __tablename__ = "order_items"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit_price: Mapped[int] = mapped_column(BigInteger)


class OrderRow(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    total: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    items: Mapped[list[ItemRow]] = relationship(order_by=ItemRow.position, lazy="selectin")


class KeyRow(Base):
    """An Idempotency-Key, and what was answered."""

    __tablename__ = "idempotency_keys"
    principal: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    outcome: Mapped[str | None]
    created_at: Mapped[int] = mapped_column(BigInteger)


class Product(BaseModel):
    """As it is shown."""

    model_config = {"from_attributes": True}
    sku: str
    name: str
    currency: str
    unit_price: int
    stock: int


class Products(BaseModel):
    """A page of them."""

    items: list[Product]
    next_cursor: str | None


class Line(BaseModel):
    """What is wanted of one product."""

    model_config = {"extra": "forbid"}
    sku: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    quantity: Annotated[int, Field(ge=1, le=1000)]


class NewOrder(BaseModel):
    """What POST /orders takes."""

    model_config = {"extra": "forbid"}
    items: Annotated[list[Line], Field(min_length=1, max_length=100)]


class Item(BaseModel):
    """As it is shown."""

    model_config = {"from_attributes": True}
    sku: str
    quantity: int
    unit_price: int


class Order(BaseModel):
    """As it is shown."""

    id: str
    user_id: str
    status: str
    currency: str
    items: list[Item]
    total: int
    created_at: str
    updated_at: str


app = FastAPI()


async def reading() -> AsyncIterator[AsyncSession]:
    """A session for a request."""
    async with sessions() as session:
        yield session


async def writing() -> AsyncIterator[AsyncSession]:
    """One that writes; it commits when its handler is done."""
    async with sessions() as session:
        await session.connection(execution_options={"begin": "BEGIN IMMEDIATE"})
        yield session


def caller(authorization: Annotated[str, Header()]) -> str:
    """Who the token speaks for."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401)
    try:
        claims = jwt.decode(token, KEY, algorithms=["EdDSA"], audience="portico", issuer="portico")
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    return str(claims["sub"])


Reading = Annotated[AsyncSession, Depends(reading)]
Writing = Annotated[AsyncSession, Depends(writing, scope="function")]
Caller = Annotated[str, Depends(caller)]
Tag = Annotated[str | None, Header(alias="If-None-Match")]


def shown(body: str, tag: str | None, status: int = 200, **headers: str) -> Response:
    """JSON under its tag, or 304."""
    etag = f'"{urlsafe_b64encode(sha256(body.encode()).digest()[:15]).decode()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if tag == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")


def text(ms: int) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def order_of(row: OrderRow) -> Order:
    """As it is shown."""
    items = [Item.model_validate(item) for item in row.items]
    made, changed = text(row.created_at), text(row.updated_at)
    return Order(
        id=row.id,
        user_id=row.user_id,
        status=row.status,
        currency=row.currency,
        items=items,
        total=row.total,
        created_at=made,
        updated_at=changed,
    )


@app.get("/products")
async def list_products(session: Reading, limit: int = 20, tag: Tag = None) -> Response:
    """By sku."""
    rows = (await session.scalars(select(ProductRow).order_by(ProductRow.sku).limit(limit + 1))).all()
    items = [Product.model_validate(row) for row in rows[:limit]]
    page = Products(items=items, next_cursor=items[-1].sku if len(rows) > limit else None)
    return shown(page.model_dump_json(), tag)


@app.get("/orders/{order_id}")
async def show_order(order_id: str, session: Reading, user: Caller, tag: Tag = None) -> Response:
    """One of the caller's."""
    row = await session.get(OrderRow, order_id)
    if row is None or row.user_id != user:
        raise HTTPException(404)
    return shown(order_of(row).model_dump_json(), tag)


@app.post("/orders", status_code=201)
async def place_order(
    new: NewOrder, session: Writing, user: Caller, idempotency_key: Annotated[str, Header()]
) -> Response:
    """Once for each key."""
    now = time.time_ns() // 1_000_000
    fingerprint = sha256(new.model_dump_json().encode()).hexdigest()
    key = KeyRow(
        principal=user,
        method="POST",
        route="/orders",
        key=idempotency_key,
        fingerprint=fingerprint,
        outcome=None,
        created_at=now,
    )
    session.add(key)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        found = await session.get(KeyRow, (user, "POST", "/orders", idempotency_key))
        if found is None or found.outcome is None or found.fingerprint != fingerprint:
            raise HTTPException(422) from None
        return shown(found.outcome, None, 201)
    row = await placed(session, new, user, now)
    key.outcome = order_of(row).model_dump_json()
    await session.commit()
    return shown(key.outcome, None, 201, Location=f"/orders/{row.id}")


async def placed(session: AsyncSession, new: NewOrder, user: str, now: int) -> OrderRow:
    """Takes from stock, and adds the order."""
    prices: dict[str, tuple[int, str]] = {}
    for line in sorted(new.items, key=lambda each: each.sku):
        take = update(ProductRow).where(ProductRow.sku == line.sku, ProductRow.stock >= line.quantity)
        took = take.values(stock=ProductRow.stock - line.quantity)
        found = (await session.execute(took.returning(ProductRow.unit_price, ProductRow.currency))).first()
        if found is None:
            raise HTTPException(409)
        prices[line.sku] = (found.unit_price, found.currency)
    id_ = str(uuid.uuid4())
    items = [
        ItemRow(position=at, sku=line.sku, quantity=line.quantity, unit_price=prices[line.sku][0])
        for at, line in enumerate(new.items)
    ]
    row = OrderRow(
        id=id_,
        user_id=user,
        status="placed",
        currency=prices[new.items[0].sku][1],
        total=sum(item.quantity * item.unit_price for item in items),
        created_at=now,
        updated_at=now,
        items=items,
    )
    session.add(row)
    await session.flush()
    return row


uvicorn.run(app, port=PORT, log_level="warning", access_log=False)
