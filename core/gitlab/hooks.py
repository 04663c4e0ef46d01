"""The calls about webhooks, of projects and of groups alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.gitlab.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOwner:
    """The project or group that a hook belongs to, by its full path."""

    full_path: str
    is_group: bool = False

    @property
    def path(self) -> str:
        """Where its hooks are in GitLab's API."""
        return f"/{'groups' if self.is_group else 'projects'}/{quote(self.full_path, safe='')}/hooks"

    @property
    def groups(self) -> list[str]:
        """The full paths of the groups that it lies in, the nearest first."""
        parts = self.full_path.split("/")[:-1]
        return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


class HookCalls:
    """A part of `core.gitlab.client.GitLab`."""

    _api: Transport

    def hook_owners(self) -> list[HookOwner]:
        """List the groups and the projects where a hook may tell us something: those that the bot is a member of."""
        found = self._api.read_all("hook_owners", "/projects", limit=10_000, membership="true", simple="true")
        projects = [HookOwner(full_path=str(project["path_with_namespace"])) for project in found]
        groups = {path for owner in projects for path in owner.groups}
        return [*(HookOwner(full_path=path, is_group=True) for path in sorted(groups)), *projects]

    def hooks(self, owner: HookOwner) -> list[dict[str, Any]]:
        """List webhooks; a project's are for its Maintainers, a group's for its Owners (and need GitLab Premium)."""
        return self._api.read_all("hooks", owner.path)

    def save_hook(self, owner: HookOwner, hook_id: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Change a webhook, or create one where *hook_id* is 0."""
        path = owner.path + (f"/{hook_id}" if hook_id else "")
        return self._api.write("save_hook", "put" if hook_id else "post", path, fields)

    def test_hook(self, owner: HookOwner, hook_id: int, trigger: str) -> None:
        """Have GitLab send a delivery of real data: a success switches a disabled hook on again."""
        self._api.write("test_hook", "post", f"{owner.path}/{hook_id}/test/{trigger}", {})


def is_switched_off(hook: dict[str, Any]) -> bool:
    """Tell whether GitLab sends nothing to a hook, for now or until a test gets through."""
    return hook.get("alert_status", "executable") != "executable" or bool(hook.get("disabled_until"))
