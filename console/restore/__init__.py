"""After a restore of the database: opening the shop again, and the orders that the restore has lost."""
