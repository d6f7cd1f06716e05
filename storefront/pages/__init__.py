"""Views of the storefront, one module for each task of a customer."""
