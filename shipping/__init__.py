"""Bounded context of shipping: hands parcels to the carrier and tracks them."""
