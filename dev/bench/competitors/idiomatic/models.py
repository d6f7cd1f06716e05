"""What is remembered about an order, a table a step."""

from typing import ClassVar

from django.db import models


class Order(models.Model):
    """What a customer ordered."""

    objects: ClassVar[models.Manager["Order"]]
    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=50)
    amount = models.DecimalField(max_digits=12, decimal_places=2)


class Payment(models.Model):
    """The customer has been charged."""

    objects: ClassVar[models.Manager["Payment"]]
    order_id = models.UUIDField(unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        db_table = "payment"


class Stock(models.Model):
    """So many of one product."""

    objects: ClassVar[models.Manager["Stock"]]
    sku = models.CharField(max_length=50, primary_key=True)
    quantity = models.BigIntegerField()

    class Meta:
        db_table = "stock"


class Shipment(models.Model):
    """The carrier has the parcel."""

    objects: ClassVar[models.Manager["Shipment"]]
    order_id = models.UUIDField(unique=True)
    tracking_number = models.CharField(max_length=50)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "shipment"


class Notification(models.Model):
    """The customer has been told."""

    objects: ClassVar[models.Manager["Notification"]]
    order_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=30)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "notification"
