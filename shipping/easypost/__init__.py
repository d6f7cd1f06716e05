"""EasyPost as the carrier, on its official SDK. Only the records are imported if it is not configured."""
