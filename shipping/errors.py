"""Errors of shipping."""


class ShippingError(Exception):
    """An error of shipping."""


class IllegalTransition(ShippingError):
    """The state of the shipment does not allow this."""


class NotStoppable(ShippingError):
    """Only a shipment that has not left can be voided."""


class NoLabel(ShippingError):
    """The carrier has no valid label of the parcel."""


class CarrierError(ShippingError):
    """The carrier did not do what it was asked to."""


class CarrierTimeout(CarrierError):
    """The carrier did not answer in time: whether it acted is unknown, ask it by key."""


class CarrierUnavailable(CarrierError):
    """The carrier is not able to answer and has not acted: try again later."""


class KeyReused(CarrierError):
    """The idempotency key was used for a different call before."""


class TooLateToVoid(CarrierError):
    """The carrier has the parcel: its label cannot be voided any more."""


class UnknownParcel(CarrierError):
    """The carrier knows no such parcel."""


class ShipmentKnown(ShippingError):
    """The shop has a shipment of this order: stop it on the order's page."""
