"""The customers' pages, one module for each thing that customers do."""
