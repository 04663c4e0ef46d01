"""Emoji on issues, merge requests and comments."""

from simulators.gitlab.records import Award, Item, Note, User
from simulators.gitlab.refusals import not_found
from simulators.gitlab.state.items import Items
from simulators.gitlab.state.tables import locked


class Awards(Items):
    """The part of the world that knows emoji."""

    @locked
    def awards(self, target: Item | Note) -> list[str]:
        """Return the names of the emoji on an issue, merge request or comment, in order."""
        return [award.name for award in target.awards]

    @locked
    def award(self, target: Item | Note, user: User, name: str) -> Award:
        """Give an emoji; a second of the same name by the same user is refused with GitLab's odd 404."""
        if any(award.user is user and award.name == name for award in target.awards):
            raise not_found("Award Emoji Name has already been taken Not Found")
        award = Award(self.next_id("award"), name, user)
        target.awards.append(award)
        self.settle(user, target.item if isinstance(target, Note) else target)
        self._announce_award(award, target, "award")
        return award

    @locked
    def revoke_award(self, target: Item | Note, award: Award) -> None:
        """Take an emoji back."""
        target.awards.remove(award)
        self._announce_award(award, target, "revoke")
