"""Generated documents of the events: AsyncAPI and golden files."""
