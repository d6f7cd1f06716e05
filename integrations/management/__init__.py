"""Management package of integrations."""
