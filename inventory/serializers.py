"""Serializers of products: as customers see them, and what staff adds and changes."""

from django.core.validators import RegexValidator
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from inventory.models import MAX_POSITION, MAX_STOCK, SKU_PATTERN, SLUG_PATTERN, Category, Product
from shop.rest.fields import FlagField, MoneyField, MoneyIn, TextField, WholeNumberField
from shop.rest.strict import StrictSerializer

#: The parameter of the path.
SKU = OpenApiParameter(
    "sku",
    {"type": "string", "pattern": SKU_PATTERN.replace(r"\Z", "$"), "example": "MUG"},
    OpenApiParameter.PATH,
    description="As in the catalogue.",
)
SLUG = OpenApiParameter(
    "slug",
    {"type": "string", "pattern": SLUG_PATTERN.replace(r"\Z", "$"), "example": "kitchen"},
    OpenApiParameter.PATH,
    description="As in the list of categories.",
)


class ProductOut(serializers.Serializer[Product]):
    """A product as a customer sees it."""

    sku = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField(
        source="category_id", allow_null=True, help_text="Slug of its category; null for none."
    )
    description = serializers.CharField()
    price = MoneyField(amount="price")
    picture = serializers.CharField(help_text="An emoji, the name of an SVG picture, or a URL.")
    active = serializers.BooleanField(help_text="Whether it can be ordered.")
    in_stock = serializers.SerializerMethodField()
    backorderable = serializers.BooleanField(
        help_text="Whether orders wait for goods to come in when there are not enough."
    )
    url = serializers.HyperlinkedIdentityField(view_name="product-detail", lookup_field="sku")

    def get_in_stock(self, product: Product) -> bool:
        """Tell whether at least one is available."""
        return product.available > 0


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Another price",
            {"price": {"amount": "13.90", "currency": "EUR"}, "reason": "Dearer clay"},
            request_only=True,
        )
    ]
)
class OfferIn(StrictSerializer):
    """Changes of how a product is sold; what is left out stays."""

    name = TextField(max_length=200, required=False)
    category = TextField(
        max_length=64,
        allow_null=True,
        required=False,
        validators=[RegexValidator(SLUG_PATTERN)],
        help_text="Slug of a category; null for none.",
    )
    description = TextField(max_length=5000, allow_blank=True, required=False)
    price = MoneyIn(required=False)
    picture = TextField(
        max_length=200,
        allow_blank=True,
        required=False,
        help_text="An emoji, the name of an SVG picture, or a URL.",
    )
    active = FlagField(required=False, help_text="Whether customers can see and order it.")
    backorderable = FlagField(
        required=False, help_text="Whether orders wait for goods to come in when there are not enough."
    )
    reason = TextField(max_length=200, required=False, help_text="Stands in the history of the product.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new mug",
            {
                "sku": "MUG-GREEN",
                "name": "Green mug",
                "price": {"amount": "12.50", "currency": "EUR"},
                "stock": 24,
            },
            request_only=True,
        )
    ]
)
class ProductIn(OfferIn):
    """A new product."""

    sku = TextField(max_length=64, validators=[RegexValidator(SKU_PATTERN)], help_text="It never changes.")
    name = TextField(max_length=200)
    price = MoneyIn()
    stock = WholeNumberField(
        min_value=0, max_value=MAX_STOCK, default=0, help_text="What there is to begin with."
    )


class CategoryOut(serializers.Serializer[Category]):
    """A category of the catalogue."""

    slug = serializers.CharField()
    name = serializers.CharField()
    position = serializers.IntegerField(help_text="Categories with lower numbers come first.")
    url = serializers.HyperlinkedIdentityField(view_name="category-detail", lookup_field="slug")


@extend_schema_serializer(
    examples=[OpenApiExample("Another name", {"name": "Tea and coffee"}, request_only=True)]
)
class CategoryChangeIn(StrictSerializer):
    """Changes of a category; what is left out stays."""

    name = TextField(max_length=100, required=False)
    position = WholeNumberField(
        min_value=0,
        max_value=MAX_POSITION,
        required=False,
        help_text="Categories with lower numbers come first.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("A new category", {"slug": "tea", "name": "Tea", "position": 3}, request_only=True)
    ]
)
class CategoryIn(CategoryChangeIn):
    """A new category."""

    slug = TextField(max_length=64, validators=[RegexValidator(SLUG_PATTERN)], help_text="It never changes.")
    name = TextField(max_length=100)
