"""Packing slips: a page made for printing, and the same as PDF where fpdf2 is installed."""
