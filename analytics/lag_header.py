"""Header by which answers from read models tell their lag."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.positions import lag
from analytics.registry import ORDERS

HEADER = "X-Lag-Seconds"
LAG_PARAMETER = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": r"^\d+\.\d{3}$"},
    OpenApiParameter.HEADER,
    response=[200],
    description="Age of the oldest event that these data do not show yet; 0.000 if they show all.",
)


class TellsLag(APIView):
    """Base of views whose answers tell their lag, looked up before the data: they are as new, or newer."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look up the lag, for those who may read."""
        super().initial(request, *args, **kwargs)
        self.lag_seconds = lag(ORDERS).seconds

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Add the header to what was answered."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == 200 and request.method == "GET":
            answer[HEADER] = f"{self.lag_seconds:.3f}"
        return answer
