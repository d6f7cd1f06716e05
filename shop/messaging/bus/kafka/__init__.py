"""Apache Kafka as the event bus: one topic for all events, a consumer group for each app.

A record is one event. Its key is its aggregate, so an aggregate's events are in one partition, in order. What
is for one app alone (retries, timers, replays) goes to that app's topic. Imported only if SHOP_EVENT_BUS is
kafka://.
"""
