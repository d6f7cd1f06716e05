"""Client of the shop's REST API."""

from shop_client.client import Response, ShopClient, ShopError

__all__ = ["Response", "ShopClient", "ShopError"]
