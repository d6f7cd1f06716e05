"""Simulation of the providers outside of the shop: parts that the simulators of several contexts share."""
