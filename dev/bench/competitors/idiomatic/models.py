"""Tables of the contestant, one for each step."""

from typing import ClassVar

from django.db import models


class Order(models.Model):
    """An order."""

    objects: ClassVar[models.Manager["Order"]]
    order_id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=50)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "placed"


class Payment(models.Model):
    """A charge."""

    objects: ClassVar[models.Manager["Payment"]]
    order_id = models.UUIDField(unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        db_table = "payment"


class Stock(models.Model):
    """The stock of a product."""

    objects: ClassVar[models.Manager["Stock"]]
    sku = models.CharField(max_length=50, primary_key=True)
    quantity = models.BigIntegerField()

    class Meta:
        db_table = "stock"


class Shipment(models.Model):
    """A shipment."""

    objects: ClassVar[models.Manager["Shipment"]]
    order_id = models.UUIDField(unique=True)
    tracking_number = models.CharField(max_length=50)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "shipment"


class Notification(models.Model):
    """A message to the customer."""

    objects: ClassVar[models.Manager["Notification"]]
    order_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=30)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "notification"
