"""App that gives the projection of orders another version, which tells from its rows who wrote them."""
