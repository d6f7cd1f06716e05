"""The messaging kernel: carries events from a state change in one context to the effects in others.

It knows no context. These modules are its public face, and all that a context imports:

- ``contracts``: bases and values of events (``Event``, ``Reminder``, ``Fact``, ``Money``, ``as_version``).
- ``consuming``: registration of consumers (``@consumes``).
- ``publishing``: events and the transaction around them (``publish``, ``unit_of_work``).
- ``scheduling``: durable timers (``schedule``, ``deliver``, ``unschedule``).
- ``providers``: calls to the outside (``call_each``, ``Results``, ``Calls``, ``check_outside_transaction``).
- ``event_log``: reads of the log (``timeline``, ``TimelineEntry``, ``replay``, ``known_events``, ...).
- ``following``: published events as they are committed, for developers' programs (``Follower``).
- ``pruning``: retention of a context's tables (``prune``, ``continue_pruning``, ``Pruned``).
- ``errors``: exceptions of consumers (``TooEarly``, ``PermanentFailure``, ``AlreadyConsumed``).
- ``signals``: receivers inside the publishing transaction (``event_published``).
- ``outbox``: for a context's ``repository.py`` alone (``defer_write``).

Inner rooms, imported by the kernel, the console and ``dev``:

- ``outbox``: the statement at the end of a unit of work: event log, outbox, reminders, deferred writes.
- ``relay``: publishes the outbox to the broker, and promotes due messages to the outbox.
- ``bus``: topology, publishers and acknowledgements on AMQP and PGMQ.
- ``worker``: runs delivered events as batches, as Celery tasks.
- ``dead_letters``: messages given up, and their replay by operators.
- ``operations``: pending and lost messages, and the retention of the kernel's own tables.
- ``documents``: AsyncAPI document and golden files of the events.
- ``tracing``: correlation, causation and W3C trace context.
- ``signing``: signatures of events and Celery tasks, and their verification.
"""
