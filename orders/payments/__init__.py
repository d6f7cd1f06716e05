"""Payments of orders as orders knows them: what the customer has to do, and by when."""
