"""Stand-in for Azure Service Bus, for development and tests.

Client and AMQP 1.0 are real (Microsoft's SDKs and Qpid Proton), the semantics are ours. It keeps everything
in memory, and knows what the event bus needs: topics whose subscriptions filter by correlation rules on the
subject, queues, batches, peek-lock, delivery counts, dead-letter queues and sessions. It knows no SQL
filters, no scheduled or deferred messages, no transactions, no quotas and no administration API. It is
evidence for nothing else.
"""
