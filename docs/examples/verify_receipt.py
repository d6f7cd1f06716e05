"""Verify an order's receipt offline.

python verify_receipt.py RECEIPT.json PUBLIC_KEY

The receipt is the answer of GET /api/v1/orders/{id}/receipt. The shop's public key has to come from
elsewhere. Needs the package cryptography, and nothing of the shop.
"""

import json
import sys
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def problems(receipt: dict[str, Any], public_key: str) -> list[str]:
    """Return the problems of a receipt: none if the order's events are as they were signed."""
    found, previous = list[str](), b""
    for number, event in enumerate(receipt["events"], start=1):
        text, data = event["text"], event["data"]
        if data is not None and sha256(data.encode()).hexdigest() != text.split("\n")[-1]:
            found.append(f"event {number}: its data are not those that were hashed")
        if event["hash"] is None:  # older than the chain
            previous = b""
            continue
        previous = sha256(previous + text.encode()).digest()
        if previous.hex() != event["hash"]:
            found.append(f"event {number}: it does not continue the event before it")
    if receipt["proof"] is None:
        return [*found, "no event of the order is below a signed root yet"]
    return found + problems_of_proof(receipt["proof"], receipt["events"], public_key)


def problems_of_proof(proof: dict[str, Any], events: list[dict[str, Any]], public_key: str) -> list[str]:
    """Return the problems of the path from the newest event to the signed root."""
    node = sha256(b"\x00" + proof["leaf"].encode()).digest()
    for side, sibling in proof["path"]:
        pair = bytes.fromhex(sibling) + node if side == "left" else node + bytes.fromhex(sibling)
        node = sha256(b"\x01" + pair).digest()
    found = list[str]()
    if proof["leaf"].split(" ")[-1] not in {event["hash"] for event in events}:
        found.append("the leaf is no event of this order")
    if node.hex() != proof["statement"].split("\n")[5]:
        found.append("the path does not lead to the signed root")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(proof["signature"]), proof["statement"].encode())
    except InvalidSignature:
        found.append("the root is not signed by this key")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        wrong = problems(json.load(file), sys.argv[2])
    print("\n".join(wrong) or "The receipt is genuine.")
    sys.exit(1 if wrong else 0)
