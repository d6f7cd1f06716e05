"""The OpenAPI document: what all operations share, added to each as it can occur there."""

from typing import Any

from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import CharField, ChoiceField, ListSerializer

from shop.query_limits import MAX_VALUE, MAX_WORDS, SEARCHES, VALUE_LIMITS
from shop.rest.etags import ETagged
from shop.rest.fields import TextField
from shop.rest.idempotency import REPLAYED, Rules
from shop.rest.idempotency.keys import HEADER, MAX_LENGTH, PATTERN
from shop.rest.lists import OfficeList
from shop.rest.permissions import Audience, rule_of
from shop.rest.problem_types import problem_type
from shop.rest.problems import MEDIA_TYPE
from shop.rest.schema import PermissionSchema

_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457). The page at `type` explains it.",
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Page that explains the problem.",
            "example": "/api/v1/problems/invalid",
        },
        "title": {**_TEXT, "example": "The request is not valid"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "example": 400},
        "detail": {**_TEXT, "example": "lines[0].quantity: Write a whole number, as in 2."},
        "instance": {"type": "string", "description": "Path of the request.", "example": "/api/v1/orders"},
        "code": {**_TEXT, "example": "invalid"},
        "errors": {
            "type": "array",
            "description": "Each error of a request that is not valid.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {**_TEXT, "description": "Path of the field; empty for the whole."},
                    "message": _TEXT,
                    "code": _TEXT,
                },
                "required": ["field", "message", "code"],
                "example": {
                    "field": "lines[0].quantity",
                    "message": "Write a whole number, as in 2.",
                    "code": "invalid",
                },
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "code"],
}
#: Problems that any operation may end with.
_ALWAYS = (400, 406, 429, 500, 503)
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETag of the representation that you have: it is not sent again.",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="Tag of this representation."
)
_REPLAYED = OpenApiParameter(
    REPLAYED,
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=[200, 201, 202],
    description="This is the answer to an earlier attempt.",
)
_DEPRECATED = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, response=True, description=text)
    for name, text in (
        ("Deprecation", "Since when it is deprecated (RFC 9745)."),
        ("Sunset", "From when on it is gone (RFC 8594)."),
        ("Link", "What to use instead: `successor-version`."),
    )
]
#: For operations that decide on a representation which the client has read.
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETag of the representation that you have decided on; 412 if it has changed since.",
)


#: Days of query parameters: of the years 2000 to 2100.
YEARS = "^2(0[0-9][0-9]|100)-"
#: Texts of requests, as patterns.
NOT_EMPTY = r"^[^\x00]+$"
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"
WORDS = rf"^\s*[^\s\x00]+(\s+[^\s\x00]+){{0,{MAX_WORDS - 1}}}\s*$"


class ContractSchema(PermissionSchema):
    """Schema of an operation, with the parameters and problems that follow from its view."""

    def get_override_parameters(self) -> list[Any]:
        """Return the headers that the view heeds and sends."""
        parameters = list(super().get_override_parameters())
        if rules := self._key_rules:
            parameters.append(_key_parameter(rules))
            parameters += [_REPLAYED] if rules.remembered else []
        parameters += _DEPRECATED if self.is_deprecated() else []
        return parameters + ([_IF_NONE_MATCH, _ETAG] if self._reads_one else [])

    def is_deprecated(self) -> bool:
        """Tell whether the view has announced that it goes away."""
        return hasattr(self._handler, "deprecation")

    @property
    def _handler(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)

    @property
    def _key_rules(self) -> Rules | None:
        return getattr(self._handler, "idempotency", None)

    @property
    def _reads_one(self) -> bool:
        is_retrieval = getattr(self.view, "action", "retrieve") == "retrieve"
        return self.method == "GET" and isinstance(self.view, ETagged) and is_retrieval

    @property
    def _is_public(self) -> bool:
        rule = rule_of(self.view, self.method)
        return rule is not None and rule.audience is Audience.ANYONE

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Add the problems to the responses; a description of the view's own stays."""
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        if isinstance(self.view, OfficeList) and self.method == "GET":
            _offer_parts(responses["200"]["content"])
        if self._reads_one:
            responses["304"] = {"description": "You have this representation already."}
        content = {MEDIA_TYPE: {"schema": self._problem().ref}}
        for status in sorted(self._problem_statuses() | {int(code) for code in responses if code >= "400"}):
            given = responses.get(str(status), {})
            described = given.get("description") or f"{problem_type(status).title}."
            responses[str(status)] = {**given, "description": described, "content": content}
        return responses

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """State what a text of a request may be, and that a choice of a model may be empty."""
        if direction == "response" and _may_be_empty(field):
            field.allow_blank = True
        schema = super()._map_serializer_field(  # type: ignore[no-untyped-call]
            field, direction, bypass_extensions
        )
        if direction != "request":
            return schema
        if isinstance(field, TextField) and not schema.keys() & {"pattern", "enum"}:
            schema["pattern"] = NOT_BLANK if field.trim_whitespace else NOT_EMPTY
        if isinstance(field, ListSerializer):
            most = getattr(field, "max_length", None)
            schema |= {"minItems": int(not field.allow_empty)} | ({"maxItems": most} if most else {})
        return schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """State that a request has no other fields than these."""
        schema = super()._map_basic_serializer(  # type: ignore[no-untyped-call]
            serializer, direction
        )
        return {**schema, "additionalProperties": False} if direction == "request" else schema

    def _get_parameters(self) -> list[Any]:
        """State the limits of all query parameters."""
        parameters: list[Any] = super()._get_parameters()
        for parameter in parameters:
            _limit(parameter)
        return parameters

    def _get_filter_parameters(self) -> list[Any]:
        """State what the fields of the filters accept."""
        parameters: list[Any] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        filters = getattr(getattr(self.view, "filterset_class", None), "base_filters", {})
        for parameter in parameters:
            if parameter["name"] in filters:
                field = filters[parameter["name"]].field
                if field.label:
                    parameter.setdefault("description", str(field.label))
                _constrain(parameter["schema"], field)
        return parameters

    def _problem(self) -> ResolvedComponent:
        problem = ResolvedComponent(  # type: ignore[no-untyped-call]
            "Problem", ResolvedComponent.SCHEMA, PROBLEM, object="problem"
        )
        self.registry.register_on_missing(problem)
        return problem

    def _problem_statuses(self) -> set[int]:
        statuses = {*_ALWAYS}
        if self.view.get_authenticators():
            statuses.add(401)
        if not self._is_public or (self.method != "GET" and self.view.get_authenticators()):
            statuses.add(403)
        if "{" in self.path or self._is_list_view():
            statuses.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            statuses |= {413, 415}
        if (rules := self._key_rules) and rules.remembered:
            statuses |= {422} if rules.waits else {409, 422}
        if self._reads_one or any(
            getattr(p, "name", "") == "If-Match" for p in self.get_override_parameters()
        ):
            statuses.add(412)
        return statuses


def _offer_parts(content: dict[str, Any]) -> None:
    """State that a list may come with some of its fields, or as CSV."""
    whole = content["application/json"]["schema"]
    rows = {"type": "array", "items": {"type": "object", "minProperties": 1}}
    part = {
        "type": "object",
        "description": "With `fields`: rows of these alone.",
        "properties": {"results": rows},
        "required": ["results"],
    }
    content["application/json"] = {**content["application/json"], "schema": {"anyOf": [whole, part]}}
    content["text/csv"] = {"schema": _TEXT}


def _may_be_empty(field: Any) -> bool:
    """Return whether a read-only text or choice shows a column that may be empty, which DRF drops."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    if not isinstance(field, (CharField, ChoiceField)) or model is None:
        return False
    columns = {column.name: column for column in model._meta.concrete_fields}
    return field.source in columns and columns[field.source].blank


def _limit(parameter: dict[str, Any]) -> None:
    """State the limits that hold for the texts of all query parameters."""
    name, schema = parameter["name"], parameter["schema"]
    if parameter["in"] == "query" and schema.get("format") in ("date", "date-time"):
        schema["pattern"] = YEARS
    if parameter["in"] != "query" or schema.get("type") != "string" or schema.keys() & {"format", "enum"}:
        return
    schema["maxLength"] = VALUE_LIMITS.get(name, MAX_VALUE)
    schema.setdefault("pattern", WORDS if name in SEARCHES else NOT_BLANK)


def _constrain(schema: dict[str, Any], field: Any) -> None:
    """Add the limits of a form field to the schema of a query parameter."""
    validators = {type(validator).__name__: validator for validator in field.validators}
    if (least := validators.get("MinValueValidator")) is not None:
        schema["minimum"] = least.limit_value
    if (regex := validators.get("RegexValidator")) is not None:
        schema["pattern"] = regex.regex.pattern.replace(r"\Z", "$")


def _key_parameter(rules: Rules) -> OpenApiParameter:
    use = (
        "Any string of your own, the same for every attempt of this request: it takes effect once, and every "
        "attempt gets the same answer."
        if rules.remembered
        else "Checked, and not heeded: the answer is a secret, which is not stored."
    )
    return OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": PATTERN},
        OpenApiParameter.HEADER,
        required=rules.required,
        description=use + " In double quotes (RFC 8941), or bare.",
    )
