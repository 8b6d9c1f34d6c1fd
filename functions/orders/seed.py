"""`python -m functions.orders.seed` puts a dozen products in, to try things with; it says how many were new.

It may run again: what is there stays as it is, with its stock. With `--again` each of the dozen has at least as many
pieces as at first.
"""

import asyncio
import os
import sys

import msgspec

from functions.orders import store
from functions.orders.model import NewProduct
from runtime.database import Database
from runtime.settings import Secret, load

PRODUCTS = {
    "mug-enamel-350": NewProduct("Enamel mug, 350 ml", "EUR", 1290, 400),
    "kettle-gooseneck-1l": NewProduct("Gooseneck kettle, 1 l", "EUR", 6490, 60),
    "dripper-ceramic-02": NewProduct("Ceramic coffee dripper, size 02", "EUR", 2450, 120),
    "filter-paper-02-100": NewProduct("Paper filters, size 02, pack of 100", "EUR", 690, 1500),
    "grinder-hand-steel": NewProduct("Hand grinder with steel burrs", "EUR", 8900, 45),
    "beans-ethiopia-250": NewProduct("Coffee beans, Ethiopia, 250 g", "EUR", 1150, 800),
    "beans-colombia-1000": NewProduct("Coffee beans, Colombia, 1 kg", "EUR", 3290, 300),
    "tea-sencha-100": NewProduct("Sencha green tea, 100 g", "EUR", 1480, 250),
    "teapot-cast-iron": NewProduct("Cast-iron teapot, 0.8 l", "EUR", 5990, 30),
    "scale-01g-2kg": NewProduct("Kitchen scale, 0.1 g to 2 kg", "EUR", 3950, 90),
    "tray-walnut-40": NewProduct("Walnut tray, 40 cm", "EUR", 4200, 75),
    "apron-linen": NewProduct("Linen apron", "EUR", 3400, 110),
}


class Settings(msgspec.Struct, frozen=True):
    """The database is all that a seed needs."""

    database_url: Secret


async def seed(database: Database) -> int:
    """Adds the products that are not there; how many that were."""
    async with database.write() as connection:
        return sum([await store.add_product(connection, sku, new) for sku, new in PRODUCTS.items()])


async def fill(database: Database) -> int:
    """Fills up what was sold of the products; how many had fewer."""
    async with database.write() as connection:
        return sum([await store.fill(connection, sku, PRODUCTS[sku].stock) for sku in sorted(PRODUCTS)])


async def main(*, again: bool) -> None:
    """The command."""
    database = await Database.open(str(load(Settings, os.environ).database_url))
    try:
        added = await seed(database)
        filled = await fill(database) if again else 0
    finally:
        await database.close()
    sys.stdout.write(f"{added} products were new, {len(PRODUCTS) - added} were there already\n")
    if again:
        sys.stdout.write(f"{filled} were filled up\n")


if __name__ == "__main__":
    asyncio.run(main(again="--again" in sys.argv[1:]))
