"""Orders whose parcel did not arrive and that are not sent again: refunded and settled by one act."""
