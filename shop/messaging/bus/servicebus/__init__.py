"""Azure Service Bus as the event bus: a topic for all events, a subscription for each app.

What is for one app alone (retries, timers, replays) goes to that app's queue. Imported only if SHOP_EVENT_BUS
is a connection string (Endpoint=sb://...).
"""
