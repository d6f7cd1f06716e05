"""URLs of the REST API of inventory."""

from django.urls import path

from inventory import api, api_categories, api_files

urlpatterns = [
    path("categories", api_categories.Categories.as_view(), name="category-list"),
    path("categories/<str:slug>", api_categories.CategoryDetail.as_view(), name="category-detail"),
    path("products", api.Products.as_view(), name="product-list"),
    path("products/<str:sku>", api.ProductDetail.as_view(), name="product-detail"),
    path("stock", api.Stock.as_view(), name="stock-list"),
    path("stock-movements", api_files.StockFile.as_view(), name="stock-file"),
    path("stock/<str:sku>", api.StockDetail.as_view(), name="stock-detail"),
    path("stock/<str:sku>/adjust", api.StockAdjustment.as_view(), name="stock-adjust"),
    path("stock/<str:sku>/movements", api.StockMovements.as_view(), name="stock-movements"),
]
