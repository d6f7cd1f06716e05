"""Rotation of the installation's key: keys of data subjects wrapped by the first of SHOP_PRIVACY_KEYS."""

from collections.abc import Iterator

from django.dispatch import Signal

from shop.privacy.installation_keys import current_label, unwrap, wrap
from shop.privacy.models import DataSubject

_CHUNK = 500

#: Sent after the keys of data subjects are wrapped anew, for contexts that encrypt by the same keys.
rotated = Signal()


def rotate() -> int:
    """Wrap all keys by the present key of the installation; return the number of those that were not.

    Events stay as they are: the keys that seal them do not change.
    """
    number = sum(map(_rewrap, _outdated()))
    rotated.send(None)
    return number


def _outdated() -> Iterator[DataSubject]:
    outdated = DataSubject.objects.exclude(wrapped_key="").exclude(wrapped_by=current_label()).order_by("pk")
    last = None
    while page := list((outdated.filter(pk__gt=last) if last else outdated)[:_CHUNK]):
        yield from page
        last = page[-1].pk


def _rewrap(subject: DataSubject) -> int:
    """Replace the key, unless it was destroyed or replaced meanwhile."""
    wrapped, label = wrap(unwrap(subject.wrapped_key, subject.wrapped_by, subject.pk), subject.pk)
    same = DataSubject.objects.filter(pk=subject.pk, wrapped_key=subject.wrapped_key)
    return same.update(wrapped_key=wrapped, wrapped_by=label)
