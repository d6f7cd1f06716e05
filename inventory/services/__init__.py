"""Services of inventory: keep the catalogue, reserve, take and put back stock, and correct it.

Orders are locked before products, each by their keys, so that concurrent batches do not deadlock.
"""

from inventory.services.adjusting import (
    adjust_stock,
    book,
    follow_changes,
    preview,
    recount_stock,
    report_sold_out,
)
from inventory.services.catalogue import (
    NewProduct,
    add_product,
    add_products,
    change_offer,
    create_product,
)
from inventory.services.categories import add_category, change_category
from inventory.services.selling import (
    deduct_stock,
    release_settled,
    reserve_stock,
    restock,
    serve_waiting_orders,
    stop_orders,
)

__all__ = [
    "NewProduct",
    "add_category",
    "add_product",
    "add_products",
    "adjust_stock",
    "book",
    "change_category",
    "change_offer",
    "create_product",
    "deduct_stock",
    "follow_changes",
    "preview",
    "recount_stock",
    "release_settled",
    "report_sold_out",
    "reserve_stock",
    "restock",
    "serve_waiting_orders",
    "stop_orders",
]
