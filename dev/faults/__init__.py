"""A shop under load is hurt by a seeded schedule of faults; in the end nothing may be lost or wrong."""
