"""Users, members, tokens and emoji as the API shows them."""

from datetime import datetime

from simulators.gitlab.links import noteable_type, user_url
from simulators.gitlab.records import Award, Item, Note, Token, User

Json = dict[str, object]


def date(moment: datetime) -> str:
    """Return a time as the API writes it, in milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def date_or_none(moment: datetime | None) -> str | None:
    """Return a time as the API writes it, or None."""
    return date(moment) if moment else None


def user_view(base: str, user: User) -> Json:
    """Return a user as it stands within other objects."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": None,
        "web_url": user_url(base, user),
    }


def user_detail(base: str, user: User) -> Json:
    """Return a user as `GET /users/:id` and `GET /user` show it."""
    return user_view(base, user) | {
        "bot": user.bot,
        "created_at": date(user.created_at),
        "bio": "",
        "email": f"{user.username}@example.com",
        "public_email": "",
        "is_admin": False,
    }


def member_view(base: str, user: User, level: int) -> Json:
    """Return a member of a project."""
    return user_view(base, user) | {
        "access_level": level,
        "expires_at": None,
        "membership_state": "active",
        "created_at": date(user.created_at),
    }


def token_view(token: Token, *, with_value: bool = False) -> Json:
    """Return an access token; its text is shown when it is made, and never again."""
    view: Json = {
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "active": not token.revoked,
        "scopes": sorted(token.scopes),
        "user_id": token.user.id,
        "created_at": date(token.created_at),
        "expires_at": token.expires_at,
        "last_used_at": None,
    }
    if token.access_level is not None:
        view["access_level"] = token.access_level
    return view | ({"token": token.value} if with_value else {})


def award_view(base: str, award: Award, target: Item | Note) -> Json:
    """Return an emoji."""
    return {
        "id": award.id,
        "name": award.name,
        "user": user_view(base, award.user),
        "created_at": date(award.created_at),
        "updated_at": date(award.created_at),
        "awardable_id": target.id,
        "awardable_type": "Note" if isinstance(target, Note) else noteable_type(target),
    }
