"""Limits on what a request asks for at once, in the API, the admin and the storefront."""

#: Characters of a value.
MAX_VALUE = 1_000
#: Words of a search. Each is looked for in several columns.
MAX_WORDS = 10
#: Parameters that are searched for in texts.
SEARCHES = frozenset({"search", "q"})
#: Characters of a value, where less than MAX_VALUE will do.
VALUE_LIMITS = {
    **dict.fromkeys(SEARCHES, 100),
    **dict.fromkeys(("before", "after"), 100),
    **dict.fromkeys(("cursor", "o"), 200),
    **dict.fromkeys(("p", "page", "page_size", "limit"), 10),
}
#: Rows that an operator chooses for one action.
MAX_SELECTED = 200
