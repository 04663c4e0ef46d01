"""Merge requests: open them, keep them level with their branch, merge them."""

import re
from typing import TypedDict, Unpack

from simulators.gitlab.commits import MergeConflict, Signature, commit_tree, merged_tree
from simulators.gitlab.quick_actions import extract
from simulators.gitlab.records import MergeRequest, Project, User, now
from simulators.gitlab.refusals import Refusal, invalid
from simulators.gitlab.repository import ZERO
from simulators.gitlab.state.issues import IssueFields, Issues

_CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?):?\s+"
    r"((?:(?:[\w./-]+)?#\d+(?:\s*,?\s+and\s+|\s*,\s*)?)+)",
    re.IGNORECASE,
)


class MergeRequestFields(IssueFields, total=False):
    """What a new merge request may be given."""

    reviewers: list[User]
    squash: bool
    force_remove_source_branch: bool
    fork: Project | None
    allow_collaboration: bool


class Branches(TypedDict):
    """Where a merge request comes from and goes to."""

    source_branch: str
    target_branch: str


class MergeRequests(Issues):
    """The part of the world that knows merge requests."""

    def add_merge_request(
        self, project: Project, *, author: User, title: str, branches: Branches, **fields: Unpack[MergeRequestFields]
    ) -> MergeRequest:
        """Open a merge request; refuse a second one for the same branches, and branches that are not there."""
        if not title.strip():
            raise invalid(title=["can't be blank"])
        with self.lock:
            fork = fields.get("fork")
            sha = self._check_branches(project, fork or project, branches)
            iid = max(project.merge_requests, default=0) + 1
            keep_head(project, iid, fork or project, sha)
            extracted = extract(fields.get("description") or "")
            request = MergeRequest(
                id=self.next_id("merge_request"),
                iid=iid,
                project=project,
                author=author,
                title=title,
                description=extracted.text,
                sha=sha,
                base_sha=project.repository.merge_base(branches["target_branch"], sha),
                fork=fork,
                allow_collaboration=fields.get("allow_collaboration", False),
                squash=fields.get("squash", False),
                force_remove_source_branch=fields.get("force_remove_source_branch", False),
                reviewers=fields.get("reviewers", []),
                **branches,
            )
            project.merge_requests[request.iid] = request
            self._open(request, fields.get("labels", ()), fields.get("assignees", []), extracted.commands)
            return request

    def refresh(self, request: MergeRequest) -> None:
        """Take the source branch's newest commit over, while the merge request is open."""
        sha = request.source.repository.branch_sha(request.source_branch)
        if request.state == "opened" and sha and sha != request.sha:
            keep_head(request.project, request.iid, request.source, sha)
            request.sha = sha
            request.base_sha = request.project.repository.merge_base(request.target_branch, sha)

    def pushed(self, project: Project, user: User, before: dict[str, str]) -> None:
        """Fire the hooks of a push; *before* is where the branches were."""
        with self.lock:
            after = project.repository.branches()
            for branch in sorted(before.keys() | after.keys()):
                shas = (before.get(branch, ZERO), after.get(branch, ZERO))
                if shas[0] != shas[1]:
                    self._announce(project, self.push_event(project, user, branch, shas))
                    self._announce_new_commits(project, user, branch, shas[0])

    def closes(self, request: MergeRequest) -> list[int]:
        """Return the numbers of the issues that merging would close, from description and commit messages."""
        texts = [request.description]
        texts += [commit.message for commit in request.project.repository.log(f"{request.base_sha}..{request.sha}")]
        listed = " ".join(found for text in texts for found in _CLOSES.findall(text))
        full = re.findall(r"([\w./-]+)?#(\d+)", listed)
        own = ("", request.project.path_with_namespace)
        numbers = [int(number) for project, number in full if project in own]
        return [number for number in dict.fromkeys(numbers) if number in request.project.issues]

    def merge(self, request: MergeRequest, user: User, *, squash: bool, remove_source_branch: bool) -> None:
        """Merge with git, close the issues that the texts name, remove the branch; refuse what cannot be merged.

        A squash lands as one commit on the target, without a merge commit.
        """
        with self.lock:
            self.refresh(request)
            if request.state != "opened" or request.title.startswith("Draft: "):
                raise Refusal(405, {"message": "405 Method Not Allowed"})
            closing = self.closes(request)
            self._merge_branches(request, user, squash=squash)
            request.state, request.merged_at, request.merge_user = "merged", now(), user
            self._announce(request.project, self.item_event(request, user, "merge"))
            if request.target_branch == request.project.default_branch:
                for number in closing:
                    self.close_issue(request.project.issues[number], user)
            if (
                remove_source_branch
                and not request.fork
                and request.project.repository.branch_sha(request.source_branch)
            ):
                request.project.repository.delete_branch(request.source_branch)

    def _check_branches(self, project: Project, origin: Project, branches: Branches) -> str:
        source, target = branches["source_branch"], branches["target_branch"]
        heads = origin.repository.branches()
        sides = (("Source", source, heads), ("Target", target, project.repository.branches()))
        missing = [f'{kind} branch "{name}" does not exist' for kind, name, there in sides if name not in there]
        if missing:
            raise Refusal(422, {"message": missing})
        if source == target and origin is project:
            raise Refusal(422, {"message": ["You can't use same project/branch for source and target"]})
        for other in project.merge_requests.values():
            theirs = (other.state, other.source, other.source_branch, other.target_branch)
            if theirs == ("opened", origin, source, target):
                sentence = f"Another open merge request already exists for this source branch: !{other.iid}"
                raise Refusal(409, {"message": [sentence]})
        return heads[source]

    def _announce_new_commits(self, project: Project, user: User, branch: str, before: str) -> None:
        targets = (project, project.forked_from) if project.forked_from else (project,)
        for request in [request for target in targets for request in target.merge_requests.values()]:
            if (request.state, request.source, request.source_branch) == ("opened", project, branch):
                self.refresh(request)
                if before not in (ZERO, request.sha):
                    request.updated_at = now()
                    self._announce(request.project, self.item_event(request, user, "update", oldrev=before))

    def _merge_branches(self, request: MergeRequest, user: User, *, squash: bool) -> None:
        repository = request.project.repository
        target = repository.branches()[request.target_branch]
        by = Signature(user.name, f"{user.username}@example.com")
        try:
            tree = merged_tree(repository, target, request.sha)
        except MergeConflict as error:
            raise Refusal(422, {"message": "Branch cannot be merged"}) from error
        if squash:
            message = f"{request.title}\n\n{request.description}".strip() + "\n"
            commit = commit_tree(repository, tree, (target,), message, by)
            request.squash_commit_sha = commit
        else:
            message = f"Merge branch '{request.source_branch}' into '{request.target_branch}'\n\n{request.title}\n"
            commit = commit_tree(repository, tree, (target, request.sha), message, by)
        request.merge_commit_sha = commit
        repository.set_branch(request.target_branch, commit, target)


def keep_head(project: Project, iid: int, origin: Project, sha: str) -> None:
    """Point `refs/merge-requests/<iid>/head` at *sha*, which a fork's repository has perhaps alone."""
    if origin is not project:
        project.repository.git("fetch", "--quiet", "--no-tags", str(origin.repository.path), sha)
    project.repository.git("update-ref", f"refs/merge-requests/{iid}/head", sha)
