"""What the provider refuses, in the two ways of OAuth: to the client as JSON, to the person on a page."""

from typing import Final

from simulators.gitlab.refusals import Refusal

DESCRIPTIONS: Final = {
    "invalid_client": "Client authentication failed due to unknown client, no client authentication included, or "
    "unsupported authentication method.",
    "invalid_grant": "The provided authorization grant is invalid, expired, revoked, does not match the redirection "
    "URI used in the authorization request, or was issued to another client.",
    "invalid_request": "The request is missing a required parameter, includes an unsupported parameter value, or is "
    "otherwise malformed.",
    "invalid_scope": "The requested scope is invalid, unknown, or malformed.",
    "invalid_token": "The access token is invalid",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server.",
    "unsupported_response_type": "The authorization server does not support this response type.",
    "access_denied": "The resource owner or authorization server denied the request.",
}


def refused(error: str, status: int = 400) -> Refusal:
    """Return the answer that names *error*, as OAuth spells it."""
    return Refusal(status, {"error": error, "error_description": DESCRIPTIONS[error]})
