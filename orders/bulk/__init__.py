"""Actions of operators on many orders, which a worker runs order by order."""
