"""Operations that go away say so: in the document, and in their answers."""

from datetime import date

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from shop.rest.deprecation import deprecated
from shop.rest.permissions import ANYONE


class Old(APIView):
    """A view that goes away."""

    permissions = {"GET": ANYONE, "DELETE": ANYONE}
    throttle_classes = ()

    @extend_schema(responses={200: str})
    @deprecated(since=date(2027, 1, 15), until=date(2027, 8, 1), instead="product-list")
    def get(self, request: Request) -> Response:
        return Response("old")

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        return Response(status=204)


def test_the_answer_says_since_when_until_when_and_what_instead():
    headers = Old.as_view()(APIRequestFactory().get("/api/v1/old")).headers
    assert headers["Deprecation"] == "@1799971200"
    assert headers["Sunset"] == "Sun, 01 Aug 2027 00:00:00 GMT"
    assert headers["Link"] == '</api/v1/products>; rel="successor-version"'


def test_the_document_marks_the_operation_and_no_other():
    document = SchemaGenerator(patterns=[path("api/v1/old", Old.as_view())]).get_schema(public=True)
    old = document["paths"]["/api/v1/old"]
    assert old["get"]["deprecated"] is True
    assert {"Deprecation", "Sunset", "Link"} <= set(old["get"]["responses"]["200"]["headers"])
    assert "deprecated" not in old["delete"]


def test_clients_are_given_the_time_that_they_were_promised():
    with pytest.raises(ValueError, match="183 days at least"):
        deprecated(since=date(2027, 1, 15), until=date(2027, 7, 1), instead="product-list")
