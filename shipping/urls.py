"""URLs of shipping's REST resources, below ``/api/v1/``."""

from rest_framework.routers import SimpleRouter

from shipping.api import ShipmentViewSet

router = SimpleRouter(trailing_slash=False)
router.register("shipments", ShipmentViewSet, basename="shipment")

urlpatterns = router.urls
