"""Projects, their repositories, protected branches, labels and uploads."""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from simulators.gitlab.access import OWNER
from simulators.gitlab.commits import Signature, commit_files
from simulators.gitlab.git_hooks import install_hooks
from simulators.gitlab.records import CommitStatus, Group, Label, Project, Upload, User
from simulators.gitlab.refusals import Refusal
from simulators.gitlab.repository import GitError, Repository
from simulators.gitlab.state.applications import Applications
from simulators.gitlab.state.tables import locked

_COLORS = ("#6699cc", "#dc143c", "#009966", "#8e44ad", "#ed9121", "#36454f", "#cd5b45", "#1068bf")
_SEED = Signature("Seed", "seed@example.com")


class ProjectFields(TypedDict, total=False):
    """What a new project may be given. Without *files* and *from_repository* it is empty, without a branch."""

    visibility: str
    default_branch: str
    description: str
    files: Mapping[str, str | bytes] | None
    from_repository: Path | None


class Projects(Applications):
    """The part of the world that knows projects."""

    @locked
    def add_project(self, path: str, **fields: Unpack[ProjectFields]) -> Project:
        """Make a project at a full path such as `shop/web`; the default branch is protected as GitLab does it."""
        number = self.next_id("project")
        branch = fields.get("default_branch", "" if fields.get("from_repository") else "main")
        place = self.directory / "repositories" / f"{number}.git"
        repository = Repository.create(place, branch, fields.get("from_repository"))
        branch = branch or repository.head_branch()
        install_hooks(place)
        project = Project(number, path, fields.get("visibility", "private"), repository, branch)
        project.description = fields.get("description", "")
        project.protected[branch] = 40
        self.projects[number] = project
        if files := fields.get("files"):
            self.commit_files(project, files=files, message="Initial commit")
        return project

    @locked
    def fork(self, project: Project, namespace: str, owner: User) -> Project:
        """Make a fork of a project that *owner* owns, with all of its branches."""
        path = f"{namespace}/{project.path}"
        fork = self.add_project(path, visibility=project.visibility, from_repository=project.repository.path)
        fork.forked_from = project
        fork.members[owner.id] = OWNER
        return fork

    @locked
    def group(self, path: str) -> Group:
        """Return the group at a full path such as `shop`, made where it is missing."""
        if path not in self.groups:
            self.groups[path] = Group(self.next_id("group"), path)
        return self.groups[path]

    @locked
    def commit_files(
        self,
        project: Project,
        *,
        files: Mapping[str, str | bytes | None],
        message: str = "Change files",
        branch: str = "",
        author: User | None = None,
    ) -> str:
        """Commit files as a push would and return the sha; a new branch starts at the default branch."""
        branch = branch or project.default_branch
        before = project.repository.branches()
        start = before.get(project.default_branch)
        if branch not in before and start:
            project.repository.set_branch(branch, start)
        by = Signature(author.name, f"{author.username}@example.com") if author else _SEED
        return commit_files(project.repository, branch, files, message, by)

    @locked
    def branches(self, project: Project) -> list[str]:
        """Return the names of the project's branches."""
        return list(project.repository.branches())

    @locked
    def protect_branch(self, project: Project, pattern: str, *, push_level: int = 40) -> None:
        """Let only roles from *push_level* on push to branches that match; 0 lets nobody."""
        project.protected[pattern] = push_level

    @locked
    def unprotect_branch(self, project: Project, pattern: str) -> None:
        """Let Developers push to the branch again."""
        project.protected.pop(pattern, None)

    @locked
    def archive(self, project: Project) -> None:
        """Make a project read-only."""
        project.archived = True

    @locked
    def project_label(self, project: Project, name: str) -> Label:
        """Return the project's label of a name, made where it is missing."""
        if name not in project.labels:
            color = _COLORS[hashlib.sha256(name.encode()).digest()[0] % len(_COLORS)]
            project.labels[name] = Label(self.next_id("label"), project.id, name, color)
        return project.labels[name]

    @locked
    def add_upload(self, project: Project, filename: str, content: bytes) -> Upload:
        """Keep an attached file under a secret."""
        upload = Upload(self.next_id("upload"), secrets.token_hex(16), filename, content)
        project.uploads[upload.secret] = upload
        return upload

    @locked
    def set_status(self, project: Project, status: CommitStatus) -> CommitStatus:
        """Keep a commit status in place of an older one of the same name."""
        project.statuses = [s for s in project.statuses if (s.sha, s.name) != (status.sha, status.name)]
        project.statuses.append(status)
        return status

    @locked
    def create_branch(self, project: Project, branch: str, ref: str) -> None:
        """Make a branch at a ref; refuse a name that is taken, a bad name and an unknown ref."""
        if project.repository.branch_sha(branch):
            raise Refusal(400, {"message": "Branch already exists"})
        sha = project.repository.resolve(ref)
        if sha is None:
            raise Refusal(400, {"message": f"Invalid reference name: {ref}"})
        try:
            project.repository.git("check-ref-format", "--branch", branch)
        except GitError as error:
            raise Refusal(400, {"message": "Branch name is invalid"}) from error
        project.repository.set_branch(branch, sha)
