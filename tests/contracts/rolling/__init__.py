"""Context for tests of rolling deployments. ``SHOP_TEST_RELEASE`` names the release of a process.

``old`` knows the first version of its event. ``new`` replaces it by the second and also publishes the first
for old readers. ``newer`` publishes the second version alone.
"""
