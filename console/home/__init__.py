"""Home page of the admin: what needs attention, the state of the messages, and today's sales."""
