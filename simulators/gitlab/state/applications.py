"""OAuth applications, the codes that people's consent gives them, and the tokens that they get for a code."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable

from simulators.gitlab.oauth.refusals import refused
from simulators.gitlab.records import Application, Consent, Token, User
from simulators.gitlab.state.people import People
from simulators.gitlab.state.tables import locked

CODE_SECONDS = 600
TOKEN_SECONDS = 7200


class Applications(People):
    """The part of the world that knows applications."""

    @locked
    def add_application(
        self,
        name: str,
        redirect_uris: Iterable[str],
        scopes: Iterable[str] = ("openid", "profile", "email", "read_api"),
    ) -> Application:
        """Register a confidential application; its secret is 64 characters, its id too."""
        application = Application(
            name, secrets.token_hex(32), "gloas-" + secrets.token_hex(32), tuple(redirect_uris), frozenset(scopes)
        )
        self.applications[application.client_id] = application
        return application

    @locked
    def consent(self, consent: Consent) -> str:
        """Remember that somebody lets an application in; return the code for it."""
        code = secrets.token_hex(32)
        self.consents[code] = consent
        return code

    @locked
    def redeem(self, application: Application, code: str, *, redirect_uri: str, verifier: str) -> tuple[Token, Consent]:
        """Give a token for a code, once; refuse a code that is unknown, old, another's, or whose proof is wrong."""
        consent = self.consents.pop(code, None)
        if consent is None or time.time() - consent.given_at > CODE_SECONDS:
            raise refused("invalid_grant")
        if consent.application is not application or consent.redirect_uri != redirect_uri:
            raise refused("invalid_grant")
        if consent.code_challenge and not _proves(verifier, consent):
            raise refused("invalid_grant")
        token = self._application_token(application, consent.user, consent.scopes)
        return token, consent

    @locked
    def revoke_application_token(self, application: Application, value: str) -> None:
        """Revoke a token of an application's; a token that is not its own is left alone, and nobody is told."""
        token = self.tokens.get(value)
        if token is not None and token.application is application:
            token.revoked = True

    def _application_token(self, application: Application, user: User, scopes: frozenset[str]) -> Token:
        token = Token(self.next_id("token"), secrets.token_hex(32), user, application.name, scopes)
        token.application = application
        self.tokens[token.value] = token
        return token


def _proves(verifier: str, consent: Consent) -> bool:
    if consent.code_challenge_method == "plain":
        return secrets.compare_digest(verifier, consent.code_challenge)
    digest = hashlib.sha256(verifier.encode()).digest()
    return secrets.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), consent.code_challenge)
