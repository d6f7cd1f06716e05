"""Merkle trees as in RFC 9162: hashes of leaves and nodes differ by their first byte."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

#: Sides of a sibling on the path from a leaf to the root.
LEFT, RIGHT = "left", "right"

Path = list[tuple[str, bytes]]


def leaf_hash(leaf: str) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + leaf.encode()).digest()


def root_of(leaves: Sequence[str]) -> bytes:
    """Return the root over at least one leaf."""
    level = list(map(leaf_hash, leaves))
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_to_root(leaves: Sequence[str], index: int) -> Path:
    """Return the siblings from a leaf up to the root, each with its side."""
    path: Path = []
    level = list(map(leaf_hash, leaves))
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append((LEFT if sibling < index else RIGHT, level[sibling]))
        level, index = _above(level), index // 2
    return path


def root_by_path(leaf: str, path: Path) -> bytes:
    """Return the root that a leaf and its path lead to."""
    node = leaf_hash(leaf)
    for side, sibling in path:
        node = _node(sibling, node) if side == LEFT else _node(node, sibling)
    return node


def _above(level: list[bytes]) -> list[bytes]:
    """Return the next level. A node without a sibling rises as it is."""
    pairs = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
