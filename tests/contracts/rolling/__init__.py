"""A context of the tests' own in two releases at once: ``SHOP_TEST_RELEASE`` says which one a process is of.

``old`` knows the first version of its event. ``new`` replaces it and still tells it to old readers. ``newer``
tells the second version alone.
"""
