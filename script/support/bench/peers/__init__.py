"""Other transactional outboxes, each with Django settings of its own; these modules run in their own venv."""
