"""Metrics for Prometheus, imported only if SHOP_METRICS is set.

The kernel sends signals, and knows nothing of this room. Each process exposes its own numbers: a worker and
its relay in the main process, the web server for all of its processes. The scheduler alone reads database and
broker. Other rooms add readings in a module ``metrics``, see sources.py.
"""
