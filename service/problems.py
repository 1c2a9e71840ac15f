"""Failures as HTTP answers: application/problem+json, RFC 9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from service import errors

STATUS: dict[type[errors.Failure], HTTPStatus] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Busy: HTTPStatus.TOO_MANY_REQUESTS,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.NoSignature: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Unimplemented: HTTPStatus.NOT_IMPLEMENTED,
    errors.BadAnswer: HTTPStatus.BAD_GATEWAY,
    errors.BrokenModel: HTTPStatus.CONFLICT,
}
# Where the protocols of TensorFlow Serving and Open Inference are spoken, clients look for the text in `error`.
FOREIGN = ("/v1/models/", "/v2")
MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, instance: str, kind: str = "", field: str | None = None) -> JSONResponse:
    """Return an answer that says what went wrong. `kind` and `field` let a program tell cases apart."""
    body: dict[str, Any] = {
        "type": f"urn:latentone:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    if field:
        body["field"] = field
    if instance.startswith(FOREIGN):
        body["error"] = detail
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def problem_of(error: Exception, *, instance: str) -> JSONResponse:
    """Return the answer to a failed request.

    What is not a Failure keeps its text to itself; the caller logs it.
    """
    if not isinstance(error, errors.Failure):
        detail = "something went wrong here; the log has the details"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, instance=instance, kind="internal")
    answer = problem(STATUS[type(error)], error.detail, instance=instance, kind=error.kind, field=error.field)
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
