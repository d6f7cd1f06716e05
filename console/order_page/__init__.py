"""The operators' page of an order: its steps, why it stands still, and the facts of all contexts."""
