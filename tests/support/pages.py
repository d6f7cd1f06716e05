"""Pages that tests of headers and of the Content Security Policy visit."""

#: Pages of storefront and API that need no account.
PUBLIC_PAGES = [
    "/",
    "/basket/",
    "/accounts/login/",
    "/accounts/register/",
    "/api/v1/",
    "/api/v1/products",
    "/api/v1/problems",
    "/api/auth/login/",
    "/nothing-here",
]
