"""PostgreSQL mechanics that are there for speed; business code reaches them through repositories."""
