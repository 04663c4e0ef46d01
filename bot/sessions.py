"""Who is signed in. The cookie holds an unguessable id; what belongs to it lies in Redis.

Neither is worth anything without the other: the record, which holds GitLab's token, is encrypted under the id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.viewer import How, Viewer, digest
from core.errors import StoreError
from core.gitlab.nouns import User
from core.scripts import PREFIX

LONGEST_SECONDS: Final = 12 * 3600


class Sessions:
    """The sessions of one installation; *secret* is the same in each of its bots."""

    def __init__(self, redis: Redis, secret: str) -> None:
        self._redis = redis
        self._secret = secret.encode()

    async def open(self, user: User, token: str, seconds: int) -> str:
        """Remember who signed in for as long as GitLab's *token* lives; give the session's new id."""
        session_id = secrets.token_urlsafe(32)
        record = {"user_id": user.id, "username": user.username, "name": user.name, "token": token}
        sealed = self._box(session_id).encrypt(json.dumps(record).encode()).decode()
        try:
            await self._redis.set(_name(session_id), sealed, ex=max(1, min(seconds, LONGEST_SECONDS)))
        except (RedisError, OSError) as error:
            raise StoreError(f"open session: {type(error).__name__}") from error
        return session_id

    async def viewer(self, session_id: str) -> Viewer | None:
        """Give who is signed in; None for nobody any more."""
        try:
            sealed = await self._redis.get(_name(session_id))
        except (RedisError, OSError) as error:
            raise StoreError(f"read session: {type(error).__name__}") from error
        if sealed is None:
            return None
        try:
            record = json.loads(self._box(session_id).decrypt(sealed))
        except InvalidToken:  # the secret has changed
            return None
        return Viewer(**record, how=How.SESSION, may_write=True, csrf_token=self._csrf_token(session_id))

    async def close(self, session_id: str) -> None:
        """Forget a session."""
        try:
            await self._redis.delete(_name(session_id))
        except (RedisError, OSError) as error:
            raise StoreError(f"close session: {type(error).__name__}") from error

    def _box(self, session_id: str) -> Fernet:
        key = hmac.digest(self._secret, b"record:" + session_id.encode(), hashlib.sha256)
        return Fernet(base64.urlsafe_b64encode(key))

    def _csrf_token(self, session_id: str) -> str:
        return hmac.new(self._secret, b"form:" + session_id.encode(), hashlib.sha256).hexdigest()


def _name(session_id: str) -> str:
    return f"{PREFIX}:session:{digest(session_id)}"
