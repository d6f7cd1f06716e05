"""The API keeps to its document, for every kind of account: what is let through, refused and answered."""

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.api.conftest import EXAMPLES, Visit

#: Each test is long by its number of requests.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def schema(visit: Visit):
    return visit.schema


@schemathesis.pytest.from_fixture("schema").parametrize()
def test_every_operation_keeps_to_the_document(case, visit: Visit):
    with transaction.atomic():  # a failed statement does not fail those of the next case
        case.call_and_validate(headers=visit.headers)


def test_chains_of_operations_keep_to_the_document(visit: Visit):
    class Chains(visit.schema.as_state_machine()):
        def get_call_kwargs(self, case):
            return {"headers": visit.headers}

        def call(self, case, **kwargs):
            with transaction.atomic():
                return super().call(case, **kwargs)

        def validate_response(self, response, case, additional_checks=None, **kwargs):
            case.validate_response(
                response,
                additional_checks=additional_checks,
                headers=visit.headers,
                recorder=self.recorder,
            )

    run_state_machine_as_test(
        Chains,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=6,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
