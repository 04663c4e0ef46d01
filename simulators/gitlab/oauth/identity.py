"""What the provider says of a person, signed: discovery, keys, id_token, userinfo."""

import base64
import hashlib
import secrets
import time
from functools import cache

from joserfc import jwt
from joserfc.jwk import RSAKey

from simulators.gitlab.links import user_url
from simulators.gitlab.records import Consent, Project, Token, User
from simulators.gitlab.state.applications import TOKEN_SECONDS
from simulators.gitlab.views.people import Json

ALGORITHM = "RS256"
SCOPES = ("api", "read_api", "read_user", "read_repository", "write_repository", "openid", "profile", "email")


@cache
def signing_key() -> RSAKey:
    """Return the key of this process."""
    return RSAKey.generate_key(2048, parameters={"use": "sig", "alg": ALGORITHM, "kid": secrets.token_urlsafe(32)})


def discovery(base: str) -> Json:
    """Return the document at `/.well-known/openid-configuration`."""
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "jwks_uri": f"{base}/oauth/discovery/keys",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "password", "client_credentials", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claim_types_supported": ["normal"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "sub_legacy", "name", "nickname", "preferred_username"],
        "code_challenge_methods_supported": ["plain", "S256"],
    }


def keys() -> Json:
    """Return the public keys, at `/oauth/discovery/keys`."""
    return {"keys": [signing_key().as_dict(private=False)]}


def id_token(base: str, token: Token, consent: Consent) -> str:
    """Return the signed statement of who has signed in; `sub` is the user's id as text."""
    now = int(time.time())
    digest = hashlib.sha256(token.value.encode()).digest()[:16]
    statement = {
        "iss": base,
        "sub": str(token.user.id),
        "aud": consent.application.client_id,
        "exp": now + 120,
        "iat": now,
        "auth_time": int(consent.given_at),
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "sub_legacy": hashlib.sha256(f"{token.user.id}-legacy".encode()).hexdigest(),
        **_profile(base, token.user),
    }
    if consent.nonce:
        statement["nonce"] = consent.nonce
    return jwt.encode({"typ": "JWT", "alg": ALGORITHM, "kid": signing_key().kid}, statement, signing_key())


def userinfo(base: str, user: User, projects: list[Project]) -> Json:
    """Return the answer of `/oauth/userinfo`."""
    groups = sorted({project.namespace for project in projects if user.id in project.members})
    return {"sub": str(user.id), **_profile(base, user), "groups": groups}


def answer(base: str, token: Token, consent: Consent) -> Json:
    """Return what the token endpoint says."""
    body: Json = {
        "access_token": token.value,
        "token_type": "Bearer",
        "expires_in": TOKEN_SECONDS,
        "refresh_token": secrets.token_hex(32),
        "scope": " ".join(sorted(token.scopes)),
        "created_at": int(time.time()),
    }
    return body | ({"id_token": id_token(base, token, consent)} if "openid" in token.scopes else {})


def _profile(base: str, user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "nickname": user.username,
        "preferred_username": user.username,
        "profile": user_url(base, user),
        "picture": None,
        "groups_direct": [],
    }
