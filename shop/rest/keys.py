"""REST API of the user's own API keys, and the exchange of a password for one."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import DestroyAPIView, GenericAPIView, ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.accounts import api_keys, two_factor
from shop.accounts.models import ApiKey
from shop.accounts.scopes import SCOPES
from shop.accounts.second_step import needs_device
from shop.rest.fast.parsing import JSONParser
from shop.rest.fields import TextField
from shop.rest.idempotency import idempotent
from shop.rest.permissions import ANYONE, accounts
from shop.rest.problems import Conflict
from shop.rest.strict import StrictSerializer
from shop.visible import check_visible

#: Longest time until a key expires.
MAX_LIFETIME = timedelta(days=366)


class KeyOut(serializers.ModelSerializer[ApiKey]):
    """A key, without its text."""

    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES))

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
        )
        read_only_fields = fields


class NewKeyOut(KeyOut):
    """A new key, with its text, which is shown this once."""

    key = serializers.CharField(read_only=True, help_text="Keep it: it is not shown again.")

    class Meta(KeyOut.Meta):
        fields = (*KeyOut.Meta.fields, "key")
        read_only_fields = fields


@extend_schema_serializer(
    examples=[OpenApiExample("To read reports", {"name": "Reports"}, request_only=True)]
)
class KeyIn(StrictSerializer):
    """Request of a key."""

    name = TextField(max_length=60, validators=[check_visible], help_text="What the key is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES),
        required=False,
        max_length=len(SCOPES),
        help_text="What the key may do; without scopes all that you may.",
    )
    expires_at = serializers.DateTimeField(
        required=False, help_text="Within a year; by default in 90 days, unless the shop is set otherwise."
    )

    def validate_expires_at(self, moment: datetime) -> datetime:
        """Refuse a time that has passed, or is too far away."""
        if not timezone.now() < moment <= timezone.now() + MAX_LIFETIME:
            raise ValidationError("Choose a time within the next 366 days.", "out_of_range")
        return moment


class MyKeys(GenericAPIView[ApiKey]):
    """Base of the views: the user's own keys. All others are answered with 404."""

    #: A key with scopes manages no keys: else it could make one that may more. No scope names this app.
    permissions = {
        "GET": accounts("accounts.view_apikey"),
        "POST": accounts("accounts.add_apikey"),
        "DELETE": accounts("accounts.delete_apikey"),
    }
    queryset = ApiKey.objects.none()

    def get_queryset(self) -> QuerySet[ApiKey]:
        """Restrict to the user's own keys."""
        return api_keys.live_keys(_user(self.request))


@extend_schema_view(get=extend_schema(summary="List your API keys", tags=["keys"]))
class Keys(MyKeys, ListAPIView[ApiKey]):
    """List your API keys, newest first, and make new ones."""

    serializer_class = KeyOut

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return KeyIn if self.request.method == "POST" else KeyOut

    @extend_schema(
        summary="Make an API key",
        tags=["keys"],
        request=KeyIn,
        responses={
            201: NewKeyOut,
            400: OpenApiResponse(description="A field is missing, wrong or unknown."),
            409: OpenApiResponse(description="You have too many keys: revoke one first."),
        },
    )
    @idempotent(remembered=False)  # no key is stored
    def post(self, request: Request) -> Response:
        """Make a key. A key that was made with another one ends with that."""
        wanted = KeyIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        made_with = request.auth if isinstance(request.auth, ApiKey) else None
        try:
            key, text = api_keys.create_key(user=_user(request), made_with=made_with, **wanted.validated_data)
        except api_keys.TooManyKeys as refusal:
            raise Conflict(str(refusal)) from refusal
        key.key = text  # type: ignore[attr-defined]  # for this answer alone
        return Response(NewKeyOut(key).data, status=201, headers={"Cache-Control": "no-store"})


@extend_schema_view(delete=extend_schema(summary="Revoke an API key", tags=["keys"]))
class Key(MyKeys, DestroyAPIView[ApiKey]):
    """Revoke a key of yours, at once."""

    serializer_class = KeyOut

    @idempotent()
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke the key."""
        return super().delete(request, *args, **kwargs)

    def perform_destroy(self, instance: ApiKey) -> None:
        """Revoke the key."""
        api_keys.revoke([instance])


#: A customer of the demonstration.
_ALICE = {"username": "alice", "password": "alice-pass"}


@extend_schema_serializer(examples=[OpenApiExample("Of the demonstration", _ALICE, request_only=True)])
class Credentials(StrictSerializer):
    """User name and password, and the code of accounts with a second factor."""

    username = TextField(max_length=254)
    password = TextField(max_length=4096, trim_whitespace=False, write_only=True)
    totp = TextField(
        max_length=40,
        required=False,
        write_only=True,
        help_text="The code of the authenticator app, or a recovery code, if the account has them.",
    )


class TokenOut(serializers.Serializer[Any]):
    """A new key."""

    token = serializers.CharField()


class Token(APIView):
    """Exchange user name and password for a new key: send it as ``Authorization: Bearer …``.

    It expires after 90 days, unless the shop is set otherwise, and ends with the next change of the password.
    """

    authentication_classes = ()
    permissions = {"POST": ANYONE}
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    throttle_classes = ()  # the guard of all logins counts these

    @extend_schema(
        summary="Exchange user name and password for a key",
        tags=["keys"],
        request=Credentials,
        responses={
            200: TokenOut,
            400: OpenApiResponse(
                description="They do not match an account, or the code is missing or wrong."
            ),
        },
    )
    @idempotent(remembered=False)  # neither passwords nor keys are stored
    def post(self, request: Request) -> Response:
        """Make a key for the owner of the password."""
        given = Credentials(data=request.data)
        given.is_valid(raise_exception=True)
        code = given.validated_data.pop("totp", "")
        user = authenticate(request._request, **given.validated_data)
        if not isinstance(user, User):
            raise ValidationError("Unable to log in with provided credentials.", "authorization")
        _check_second_factor(user, code)
        return Response(
            {"token": api_keys.exchange_password(user=user)}, headers={"Cache-Control": "no-store"}
        )


def _check_second_factor(user: User, code: str) -> None:
    """Refuse a wrong or missing code of an account that has a second factor, or needs one."""
    if two_factor.has_device(user):
        if not code:
            raise ValidationError({"totp": "This account has a second factor: send its code."}, "required")
        if not two_factor.check_code(user, code):
            raise ValidationError({"totp": "This code is not right, or was used."}, "authorization")
    elif needs_device(user):
        raise ValidationError("Log in to the shop and set up a second factor first.", "authorization")


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - ensured by the permissions
    return request.user
