"""Stand-ins for the providers of a real shop, which only their names are asked for."""


class Gateway:
    """Gateway of a payment provider."""


class Carrier:
    """Interface of a carrier."""
