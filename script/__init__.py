"""The commands a person types: run, test, check; the Python behind them stands in ``script.support``."""
