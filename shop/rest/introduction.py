"""Introduction and tags of the OpenAPI document, which stand before the operations."""

DESCRIPTION = """\
Place orders and follow them. Everything after placing one happens through events.

## Keys

Send an API key with each request: `Authorization: Bearer shop_…`. `POST /api/v1/token` exchanges a user
name and a password for one, `POST /api/v1/keys` makes others, with scopes such as `orders:read` and an end.
A key is shown once. It may do what its owner may, within its scopes: customers see their own orders; what
is for staff says which permission it needs, in words and as `x-permissions`. Without a key you get 401,
without the right 403, and 404 for what you may not know of.

## Idempotency

`Idempotency-Key` makes it safe to repeat a request whose answer you did not get: use a string of your own,
the same for every attempt. The request takes effect once; later attempts get the first answer, with
`Idempotent-Replayed: true`. The same key with another request is refused with 422. It is required where
money or stock moves. Keys are kept for 30 days.

## Errors

Every error is a problem document (RFC 9457, `application/problem+json`). `code` is for programs, `detail`
for people, `errors` names each field that is wrong. `type` leads to a page that says what to do; all are
listed at `/api/v1/problems`. Unknown fields and parameters are refused, not ignored. After 429 and 503 wait
for `Retry-After` seconds; after 5xx repeat with the same `Idempotency-Key`.

## Pages

Lists are paged by a cursor, newest first: follow `next` until it is null. `page_size` is 50, and 200 at
most. A page costs the same wherever it is in the list, and nothing is skipped or shown twice while rows are
added.

Lists of orders, products and stock send only the `fields` that you name, and are CSV for `Accept: text/csv`,
with the next page in `Link`. To keep a copy of the orders, read them with `changed_since` and
`sort=changed_at`.

## Reading and deciding

Single resources have an `ETag`. Send it as `If-None-Match` and get 304 if nothing has changed; send it as
`If-Match` with a request that decides on what you have read, and get 412 if it has changed since.

## Values

Money is `{"amount": "49.90", "currency": "EUR"}`, with the amount as text. Times are RFC 3339 in UTC. Ids
are UUIDs that grow with time.

## Events

An order is accepted at once; payment, stock and parcel follow. Do not poll for them: take webhooks (`POST
/api/v1/webhook-endpoints`), signed by Standard Webhooks, or read the event bus. All events are documented
at `/api/v1/asyncapi/docs`, and the webhooks below.

## Versions

The version of the API is in the path. Within `v1` fields, parameters, operations and values of lists may be
added: ignore what you do not know. Nothing is taken away or changed in meaning. Each event has a version in
its type; a newer one is sent beside the older.

## What goes away

What will go away is marked as `deprecated` here, and its answers carry three headers at least six months
before: `Deprecation` (RFC 9745) with the time since when, `Sunset` (RFC 8594) with the time from which on
it is gone, and `Link` with `rel="successor-version"`, which leads to what to use instead. Log these headers
in your client.
"""

#: Tags of the operations, in the order in which they are shown.
TAGS = [
    {"name": "products", "description": "The catalogue. Public; staff sees what is not on sale, too."},
    {"name": "orders", "description": "Place orders, follow, pay, cancel and return them."},
    {"name": "payments", "description": "Money that was authorised, captured and refunded. For staff."},
    {"name": "stock", "description": "What is there, reserved and available, and its changes. For staff."},
    {"name": "shipments", "description": "Parcels, their labels and where they are. For staff."},
    {"name": "notifications", "description": "E-mails to customers, and what became of them. For staff."},
    {"name": "analytics", "description": "Figures from the events, a moment behind them. For staff."},
    {"name": "webhooks", "description": "Endpoints to which events are posted, and what was delivered."},
    {"name": "events", "description": "What happened, as a feed: pages, long polls and server-sent events."},
    {"name": "keys", "description": "API keys: make, list and end your own."},
]
