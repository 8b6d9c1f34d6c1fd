"""People who use the stack: each has an account and a token of its own."""

import uuid

import httpx

PASSWORD = "correct horse battery staple"


def register(client: httpx.Client, email: str | None = None) -> httpx.Response:
    """POST /users, with an email nobody has unless one is given."""
    body = {"email": email or f"{uuid.uuid4()}@example.org", "name": "Ada", "password": PASSWORD}
    return client.post("/users", json=body)


def log_in(client: httpx.Client) -> dict[str, str]:
    """The Authorization header of somebody new."""
    email = f"{uuid.uuid4()}@example.org"
    account = register(client, email)
    assert account.status_code == 201, account.text
    session = client.post("/sessions", json={"email": email, "password": PASSWORD})
    assert session.status_code == 201, session.text
    return {"Authorization": f"Bearer {session.json()['access_token']}"}


def order(client: httpx.Client) -> dict[str, list[dict[str, object]]]:
    """An order of one piece of the product that there is most of."""
    products = client.get("/products").json()["items"]
    sku = max(products, key=lambda product: product["stock"])["sku"]
    return {"items": [{"sku": sku, "quantity": 1}]}
