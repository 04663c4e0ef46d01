"""The provider's endpoints: discovery, the page on which a person is picked, token, userinfo, revocation."""

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, Router

from simulators.gitlab.oauth import identity
from simulators.gitlab.oauth.refusals import refused
from simulators.gitlab.pages.rendering import HEADERS, Pages
from simulators.gitlab.records import Application, Consent
from simulators.gitlab.refusals import Refusal
from simulators.gitlab.state.world import World

Form = dict[str, str]
Show = Callable[[Application, Form], Response]
CARRIED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")
METHOD = "code_challenge_method"
PREFIXES = ("/oauth/", "/.well-known/")


class Provider:
    """Everything below `/oauth/`, and the discovery document."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = Pages(world)

    def router(self) -> Router:
        """Return the routes."""
        return Router(
            [
                Route("/.well-known/openid-configuration", self.discover),
                Route("/oauth/discovery/keys", self.keys),
                Route("/oauth/authorize", self.ask, methods=["GET"]),
                Route("/oauth/authorize", self.consent, methods=["POST"]),
                Route("/oauth/token", self.token, methods=["POST"]),
                Route("/oauth/revoke", self.revoke, methods=["POST"]),
                Route("/oauth/userinfo", self.userinfo, methods=["GET", "POST"]),
            ]
        )

    async def discover(self, _request: Request) -> Response:
        """Say where everything is."""
        return JSONResponse(identity.discovery(self._world.url))

    async def keys(self, _request: Request) -> Response:
        """Give the public keys."""
        return JSONResponse(identity.keys())

    async def ask(self, request: Request) -> Response:
        """Show the page on which a person is picked, or why there is none."""
        return self._guarded(dict(request.query_params), self._show)

    async def consent(self, request: Request) -> Response:
        """Send the person who was picked back with a code, or with their refusal."""
        return self._guarded(await _form(request), self._send_back)

    async def token(self, request: Request) -> Response:
        """Give a token for a code."""
        form = await _form(request)
        try:
            application = self._client(request, form)
            if form.get("grant_type") != "authorization_code":
                raise refused("unsupported_grant_type")
            token, consent = self._world.redeem(
                application,
                form.get("code", ""),
                redirect_uri=form.get("redirect_uri", ""),
                verifier=form.get("code_verifier", ""),
            )
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)
        return JSONResponse(
            identity.answer(self._world.url, token, consent),
            headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
        )

    async def revoke(self, request: Request) -> Response:
        """Revoke a token; one that is unknown is no error."""
        form = await _form(request)
        try:
            self._world.revoke_application_token(self._client(request, form), form.get("token", ""))
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)
        return JSONResponse({})

    async def userinfo(self, request: Request) -> Response:
        """Say who the token's user is."""
        token = self._world.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None or token.revoked or "openid" not in token.scopes:
            return JSONResponse(refused("invalid_token").body, 401)
        projects = list(self._world.projects.values())
        return JSONResponse(identity.userinfo(self._world.url, token.user, projects))

    def _guarded(self, form: Form, show: Show) -> Response:
        """Go on with a request, or refuse it: on a page of ours where nobody vouches for the address to go back to."""
        application = self._world.applications.get(form.get("client_id", ""))
        redirect_uri = form.get("redirect_uri", "")
        if application is None:
            return self._refusal(401, str(refused("invalid_client").body))
        if redirect_uri not in application.redirect_uris:
            return self._refusal(400, "The redirect URI included is not valid.")
        scopes = set(form.get("scope", "").split())
        if form.get("response_type") != "code":
            return _back(form, {"error": "unsupported_response_type"})
        if not scopes or not scopes <= application.scopes:
            return _back(form, {"error": "invalid_scope"})
        return show(application, form)

    def _show(self, application: Application, form: Form) -> Response:
        carried = {name: form[name] for name in (*CARRIED, METHOD) if name in form}
        values = {"application": application, "carried": carried, "scopes": form.get("scope", "").split()}
        page = self._pages.page("authorize.html", values)
        # Browsers hold what a form leads to against its policy, redirects included.
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(form["redirect_uri"]))
        page.headers["Content-Security-Policy"] = HEADERS["Content-Security-Policy"].replace(
            "form-action 'self'", f"form-action 'self' {origin}"
        )
        return page

    def _send_back(self, application: Application, form: Form) -> Response:
        if "deny" in form:
            return _back(form, {"error": "access_denied"})
        try:
            user = self._world.user(form.get("person", ""))
        except Refusal as refusal:
            return self._refusal(refusal.status, str(refusal))
        consent = Consent(
            application=application,
            user=user,
            redirect_uri=form["redirect_uri"],
            scopes=frozenset(form["scope"].split()),
            nonce=form.get("nonce", ""),
            code_challenge=form.get("code_challenge", ""),
            code_challenge_method=form.get(METHOD, "plain"),
            given_at=time.time(),
        )
        return _back(form, {"code": self._world.consent(consent)})

    def _client(self, request: Request, form: Form) -> Application:
        """Return the application that authenticates itself, by its header or in the form."""
        name, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        application = self._world.applications.get(name)
        if application is None or not secrets.compare_digest(application.secret.encode(), secret.encode()):
            raise refused("invalid_client", 401)
        return application

    def _refusal(self, status: int, sentence: str) -> Response:
        return self._pages.page("refusal.html", {"status": status, "sentence": sentence}, status)


async def _form(request: Request) -> Form:
    async with request.form() as data:
        return {name: value for name, value in data.items() if isinstance(value, str)}


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _back(form: Form, answer: Mapping[str, str]) -> Response:
    if "error" in answer:
        answer = refused(answer["error"]).body  # type: ignore[assignment] # a dict of texts
    state = {"state": form["state"]} if "state" in form else {}
    separator = "&" if urlsplit(form["redirect_uri"]).query else "?"
    return RedirectResponse(f"{form['redirect_uri']}{separator}{urlencode({**answer, **state})}", 303)
