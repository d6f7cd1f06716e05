"""What the shop is measured against; these modules run in a virtual environment of their own."""
