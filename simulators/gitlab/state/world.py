"""The whole world of the simulated GitLab, and its hooks: what tests, the demo and the server hold on to."""

from collections.abc import Iterable
from typing import TypedDict, Unpack

from simulators.gitlab.hook_headers import is_signing_token
from simulators.gitlab.records import Delivery, Group, Hook, Project
from simulators.gitlab.refusals import Refusal, not_found
from simulators.gitlab.state.pipelines import Pipelines
from simulators.gitlab.state.tables import locked

FLAGS = (
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "releases_events",
    "emoji_events",
    "resource_access_token_events",
)


class HookFields(TypedDict, total=False):
    """What a hook may be given besides its address."""

    name: str
    description: str
    token: str
    signing_token: str
    enable_ssl_verification: bool
    custom_headers: dict[str, str]


class World(Pipelines):
    """Everything that the simulated GitLab remembers. Every public method may be called from any thread."""

    @locked
    def add_hook(
        self, owner: Project | Group, url: str, *, events: Iterable[str], **fields: Unpack[HookFields]
    ) -> Hook:
        """Add a webhook that asks for *events*, such as `note_events`; a group's hears of every project below it."""
        hook = Hook(self.next_id("hook"), owner, url, events=set(events))
        self.change_hook(hook, **fields)
        owner.hooks[hook.id] = hook
        return hook

    @locked
    def change_hook(self, hook: Hook, **fields: Unpack[HookFields]) -> None:
        """Change a hook; a signing token has to be `whsec_` and base64 of 32 bytes."""
        signing_token = fields.get("signing_token", "")
        if signing_token and not is_signing_token(signing_token):
            raise Refusal(422, {"error": "signing_token must be whsec_ and base64 of exactly 32 bytes"})
        for name, value in fields.items():
            setattr(hook, name, value)

    @locked
    def remove_hook(self, hook: Hook) -> None:
        """Remove a webhook."""
        del hook.owner.hooks[hook.id]

    @locked
    def deliveries(self, project: Project) -> list[Delivery]:
        """Return what the project's hooks and its groups' sent, the oldest first of each."""
        return [delivery for hook in self.hooks_of(project) for delivery in hook.deliveries]

    @locked
    def resend(self, delivery_id: int) -> None:
        """Send a recorded delivery once more, under its own Idempotency-Key."""
        owners: list[Project | Group] = [*self.projects.values(), *self.groups.values()]
        for owner in owners:
            for hook in owner.hooks.values():
                for delivery in hook.deliveries:
                    if delivery.id == delivery_id:
                        self.sender.resend(hook, delivery)
                        return
        raise not_found()
