"""The provider: a person is picked on a page, and only who asked can make something of the code."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from simulators.gitlab.records import Application
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Shop

BACK = "http://127.0.0.1:1/sign-in/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
WISH = {
    "redirect_uri": BACK, "response_type": "code", "scope": "openid profile read_api", "state": "s1", "nonce": "n1",
    "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


@pytest.fixture
def application(gitlab: GitLabServer) -> Application:
    """Register an application."""
    return gitlab.world.add_application("Ablehand", [BACK])


def authorized(gitlab: GitLabServer, application: Application, **changes: str) -> dict[str, str]:
    """Let the application in as Bob; give what the browser is sent back with."""
    form = {**WISH, "client_id": application.client_id, "person": "bob", **changes}
    answer = requests.post(f"{gitlab.url}/oauth/authorize", data=form, allow_redirects=False, timeout=60)
    place = answer.headers["location"]
    assert (answer.status_code, place.partition("?")[0]) == (303, BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}


def redeemed(gitlab: GitLabServer, application: Application, code: str, **changes: str) -> requests.Response:
    """Ask for a token."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **changes,
    }  # fmt: skip
    who = (application.client_id, application.secret)
    return requests.post(f"{gitlab.url}/oauth/token", data=form, auth=who, timeout=60)


def statement(gitlab: GitLabServer, token: str) -> dict[str, Any]:
    """Check an id_token's signature with the published key; give what it says."""
    place = requests.get(f"{gitlab.url}/.well-known/openid-configuration", timeout=60).json()["jwks_uri"]
    return jwt.decode(token, KeySet.import_key_set(requests.get(place, timeout=60).json()), algorithms=["RS256"]).claims


def test_a_person_signs_in(gitlab: GitLabServer, shop: Shop, application: Application) -> None:
    """The page lists who there is; the code becomes a token of that person, and a signed statement of who they are."""
    page = requests.get(
        f"{gitlab.url}/oauth/authorize", params={**WISH, "client_id": application.client_id}, timeout=60
    ).text
    back = authorized(gitlab, application)

    answer = redeemed(gitlab, application, back["code"]).json()

    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert "Authorize Ablehand" in page
    assert '<option value="bob">' in page
    assert back["state"] == "s1"
    claims = statement(gitlab, answer["id_token"])
    assert (claims["iss"], claims["sub"], claims["aud"], claims["nonce"], claims["preferred_username"]) == (
        gitlab.url, str(shop.bob.id), application.client_id, "n1", "bob",
    )  # fmt: skip
    assert requests.get(f"{gitlab.url}/oauth/userinfo", headers=bearer, timeout=60).json()["sub"] == str(shop.bob.id)
    assert requests.get(f"{gitlab.url}/api/v4/user", headers=bearer, timeout=60).json()["username"] == "bob"
    assert (
        requests.get(f"{gitlab.url}/api/v4/personal_access_tokens/self", headers=bearer, timeout=60).status_code == 404
    )
    written = requests.post(
        f"{gitlab.url}/api/v4/projects/shop%2Fweb/issues", headers=bearer, json={"title": "x"}, timeout=60
    )
    assert written.status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code_verifier": "w" * 64}, id="wrong proof"),
        pytest.param({"code_verifier": ""}, id="no proof"),
        pytest.param({"redirect_uri": "http://127.0.0.1:1/other"}, id="other address"),
        pytest.param({"code": "guessed"}, id="unknown code"),
    ],
)
def test_a_code_alone_is_worth_nothing(
    gitlab: GitLabServer, shop: Shop, application: Application, change: dict[str, str]
) -> None:
    """Who did not begin the sign-in can't end it."""
    del shop
    code = authorized(gitlab, application)["code"]

    answer = redeemed(gitlab, application, **{"code": code, **change})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_works_once(gitlab: GitLabServer, shop: Shop, application: Application) -> None:
    """The second time it is refused."""
    del shop
    code = authorized(gitlab, application)["code"]

    statuses = [redeemed(gitlab, application, code).status_code for _ in range(2)]

    assert statuses == [200, 400]


def test_a_wrong_secret_is_refused(gitlab: GitLabServer, shop: Shop, application: Application) -> None:
    """Neither a code nor a token is touched."""
    del shop
    code = authorized(gitlab, application)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}

    answer = requests.post(f"{gitlab.url}/oauth/token", data=form, auth=(application.client_id, "x"), timeout=60)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert redeemed(gitlab, application, code).status_code == 200


def test_a_revoked_token_is_dead(gitlab: GitLabServer, shop: Shop, application: Application) -> None:
    """An application can give its token back."""
    del shop
    token = redeemed(gitlab, application, authorized(gitlab, application)["code"]).json()["access_token"]
    who = (application.client_id, application.secret)

    requests.post(f"{gitlab.url}/oauth/revoke", data={"token": token}, auth=who, timeout=60)

    answer = requests.get(f"{gitlab.url}/api/v4/user", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"deny": "1"}, "access_denied"),
        ({"scope": "openid sudo"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_refusal_goes_back_to_who_asked(
    gitlab: GitLabServer, shop: Shop, application: Application, change: dict[str, str], error: str
) -> None:
    """With the state that it came with."""
    del shop
    back = authorized(gitlab, application, **change)

    assert (back["error"], back["state"]) == (error, "s1")


@pytest.mark.parametrize(
    ("change", "status"), [({"redirect_uri": "http://evil.example/"}, 400), ({"client_id": "unknown"}, 401)]
)
def test_a_request_of_a_stranger_goes_nowhere(
    gitlab: GitLabServer, shop: Shop, application: Application, change: dict[str, str], status: int
) -> None:
    """Where the application or its address is unknown, nobody is sent anywhere."""
    del shop
    form = {**WISH, "client_id": application.client_id, "person": "bob", **change}

    answer = requests.post(f"{gitlab.url}/oauth/authorize", data=form, allow_redirects=False, timeout=60)

    assert (answer.status_code, answer.headers.get("location")) == (status, None)
