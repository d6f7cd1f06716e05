"""Import of real shops' invoices from CSV."""
