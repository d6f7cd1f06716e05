"""Feed of events over HTTP: pages, long poll and event streams, by positions of the log.

The view checks who asks, and for what; its answer is a grant. In the feed's own process an ASGI application
fulfils it without holding a thread. In a process of the web server a page is answered at once.
"""
