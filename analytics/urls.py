"""URLs of the REST API of analytics."""

from django.urls import path

from analytics import api, order_list

urlpatterns = [
    path("analytics/daily-sales", api.DailySales.as_view(), name="analytics-daily-sales"),
    path("analytics/best-sellers", api.BestSellers.as_view(), name="analytics-best-sellers"),
    path("analytics/funnel", api.Funnel.as_view(), name="analytics-funnel"),
    path("analytics/step-times", api.StepTimes.as_view(), name="analytics-step-times"),
    path("analytics/projections", api.Projections.as_view(), name="analytics-projections"),
    path("analytics/orders", order_list.OrderHistory.as_view(), name="analytics-orders"),
]
