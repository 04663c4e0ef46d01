"""REST: what is in the repository: branches, files, trees, commits, comparisons."""

import base64
import hashlib

from starlette.responses import Response

from simulators.gitlab.access import DEVELOPER, can_read_code
from simulators.gitlab.diffs import changes_between
from simulators.gitlab.records import Project
from simulators.gitlab.refusals import forbidden, not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json
from simulators.gitlab.views.projects import branch_view, commit_view, diff_view, protection_view

routes = Routes()
REPOSITORY = "/projects/{project}/repository"


@routes.get(f"{REPOSITORY}/branches")
def list_branches(call: Call) -> Response:
    """Return the branches."""
    project = _project(call)
    wanted = call.text("search")
    names = [name for name in project.repository.branches() if wanted in name]
    return page_of(call, names, lambda name: _branch(call, project, name))


@routes.get(f"{REPOSITORY}/branches/{{branch}}")
def show_branch(call: Call) -> Json:
    """Return one branch."""
    return _branch(call, _project(call), call.path["branch"])


@routes.post(f"{REPOSITORY}/branches")
def create_branch(call: Call) -> Json:
    """Make a branch at a ref."""
    project = call.project(level=DEVELOPER)
    call.require("branch", "ref")
    call.world.create_branch(project, call.text("branch"), call.text("ref"))
    return _branch(call, project, call.text("branch"))


@routes.delete(f"{REPOSITORY}/branches/{{branch}}")
def delete_branch(call: Call) -> None:
    """Remove a branch; a protected one stays."""
    project = call.project(level=DEVELOPER)
    if _branch(call, project, call.path["branch"])["protected"]:
        raise forbidden()
    project.repository.delete_branch(call.path["branch"])


@routes.get("/projects/{project}/protected_branches")
def list_protected_branches(call: Call) -> Response:
    """Return the patterns of protected branches, and from which role on one may push."""
    project = call.project(level=DEVELOPER)
    return page_of(call, list(project.protected), lambda pattern: protection_view(pattern, project.protected[pattern]))


@routes.get("/projects/{project}/protected_branches/{branch}")
def show_protected_branch(call: Call) -> Json:
    """Return the protection of one pattern."""
    protected = call.project(level=DEVELOPER).protected
    if call.path["branch"] not in protected:
        raise not_found()
    return protection_view(call.path["branch"], protected[call.path["branch"]])


@routes.get(f"{REPOSITORY}/files/{{file}}/raw")
def show_raw_file(call: Call) -> Response:
    """Return a file's bytes."""
    sha, content = _file(call)
    headers = {
        "X-Gitlab-Commit-Id": sha,
        "X-Gitlab-Last-Commit-Id": sha,
        "X-Gitlab-Ref": call.text("ref", "HEAD"),
        "X-Gitlab-Size": str(len(content)),
        "X-Gitlab-Content-Sha256": hashlib.sha256(content).hexdigest(),
        "X-Gitlab-Blob-Id": _blob_id(content),
    }
    return Response(content, media_type="text/plain", headers=headers)


@routes.get(f"{REPOSITORY}/files/{{file}}")
def show_file(call: Call) -> Json:
    """Return a file in base64."""
    sha, content = _file(call)
    return {
        "file_name": call.path["file"].rpartition("/")[2],
        "file_path": call.path["file"],
        "size": len(content),
        "encoding": "base64",
        "content": base64.b64encode(content).decode(),
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": call.text("ref", "HEAD"),
        "blob_id": _blob_id(content),
        "commit_id": sha,
        "last_commit_id": sha,
        "execute_filemode": False,
    }


@routes.get(f"{REPOSITORY}/tree")
def list_tree(call: Call) -> Response:
    """Return what a folder holds."""
    project = _project(call)
    recursive = call.flag("recursive")
    entries = project.repository.tree(_commit_sha(call, project), call.text("path"), recursive=recursive)
    if not entries and call.text("path"):
        raise not_found("Tree Not Found")
    return page_of(
        call,
        entries,
        lambda entry: {
            "mode": entry[0],
            "type": entry[1],
            "id": entry[2],
            "path": entry[3],
            "name": entry[3].rpartition("/")[2],
        },
    )


@routes.get(f"{REPOSITORY}/commits")
def list_commits(call: Call) -> Response:
    """Return the commits of a ref, the newest first."""
    project = _project(call)
    ref = call.text("ref_name") or project.default_branch
    commits = project.repository.log(_resolve(project, ref), path=call.text("path"))
    return page_of(call, commits, lambda commit: commit_view(call.base, project, commit))


@routes.get(f"{REPOSITORY}/commits/{{sha}}")
def show_commit(call: Call) -> Json:
    """Return one commit, by sha or branch."""
    project = _project(call)
    return commit_view(call.base, project, project.repository.commit(_resolve(project, call.path["sha"])))


@routes.get(f"{REPOSITORY}/commits/{{sha}}/diff")
def list_commit_diff(call: Call) -> Response:
    """Return what one commit changed against its first parent; nothing for a first commit."""
    project = _project(call)
    commit = project.repository.commit(_resolve(project, call.path["sha"]))
    base = commit.parents[0] if commit.parents else commit.sha
    return page_of(call, changes_between(project.repository, base, commit.sha), diff_view)


@routes.get(f"{REPOSITORY}/compare")
def compare(call: Call) -> Json:
    """Return commits and diffs between two refs, from their common ancestor unless `straight`."""
    project = _project(call)
    call.require("from", "to")
    base, head = _resolve(project, call.text("from")), _resolve(project, call.text("to"))
    if not call.flag("straight"):
        base = project.repository.merge_base(base, head)
    commits = [
        commit_view(call.base, project, commit) for commit in reversed(project.repository.log(f"{base}..{head}"))
    ]
    return {
        "commit": commits[-1] if commits else None,
        "commits": commits,
        "diffs": [diff_view(change) for change in changes_between(project.repository, base, head)],
        "compare_timeout": False,
        "compare_same_ref": base == head,
    }


def _project(call: Call) -> Project:
    project = call.project()
    if not can_read_code(project, call.caller):
        raise forbidden()
    return project


def _branch(call: Call, project: Project, name: str) -> Json:
    sha = project.repository.branch_sha(name)
    if sha is None:
        call.branch_not_found()
    return branch_view(call.base, project, name, project.repository.commit(sha), call.user)


def _file(call: Call) -> tuple[str, bytes]:
    project = _project(call)
    sha = _commit_sha(call, project)
    content = project.repository.file(sha, call.path["file"])
    if content is None:
        raise not_found("File Not Found")
    return sha, content


def _commit_sha(call: Call, project: Project) -> str:
    ref = call.text("ref") or project.default_branch
    return _resolve(project, project.default_branch if ref == "HEAD" else ref)


def _resolve(project: Project, ref: str) -> str:
    sha = project.repository.branch_sha(ref) or project.repository.resolve(ref)
    if sha is None:
        raise not_found("Commit Not Found")
    return sha


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
