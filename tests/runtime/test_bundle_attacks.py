"""What can lie in the bundle's place: publish takes a sound bundle of one commit on the base, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.runtime.conftest import Project
from tests.runtime.hostile import Hostile


@pytest.fixture(params=[True, False], ids=["whole", "without-base"])
def hostile(project: Project, request: pytest.FixtureRequest) -> Hostile:
    """Put a work tree in hostile hands."""
    return Hostile(project, whole=request.param)


def test_refuses_two_references(hostile: Hostile) -> None:
    """A bundle has one tip."""
    hostile.git("add", "-A")
    hostile.forge(hostile.git("write-tree"), references=("refs/heads/x", "refs/heads/y"))

    result = hostile.publish()

    assert (result.failure, result.detail) == ("bundle", "the bundle has 2 references instead of one")


def test_refuses_a_bundle_that_is_a_link(hostile: Hostile) -> None:
    """Publish does not open what lies elsewhere."""
    hostile.bundle.symlink_to("/etc/passwd")

    assert (hostile.publish().failure, hostile.bundle.is_symlink()) == ("bundle", True)


def test_does_not_wait_for_a_pipe(hostile: Hostile) -> None:
    """A named pipe in the bundle's place is refused, not read."""
    os.mkfifo(hostile.bundle)

    assert hostile.publish().detail == "the bundle is not a plain file"


def test_refuses_a_folder_in_the_bundles_place(hostile: Hostile) -> None:
    """A folder is no bundle."""
    hostile.bundle.mkdir()

    assert hostile.publish().detail == "the bundle is not a plain file"


def test_refuses_an_oversized_bundle(hostile: Hostile) -> None:
    """The cap is looked at before anything is read."""
    with hostile.bundle.open("wb") as file:
        file.truncate(2_000_000_000)

    result = hostile.publish()

    assert (result.failure, "2000000000 bytes" in result.detail) == ("bundle", True)


def garble_pack(bundle: bytes) -> bytes:
    """Turn over bits in the middle of the pack."""
    middle = len(bundle) - 40
    return bundle[:middle] + bytes(255 - byte for byte in bundle[middle : middle + 8]) + bundle[middle + 8 :]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\0" * 5_000, id="zeros"),
        pytest.param(lambda bundle: bundle[:-30], id="cut"),
        pytest.param(garble_pack, id="garbled"),
        pytest.param(lambda bundle: bundle.replace(b"# v2", b"# v9"), id="version"),
        pytest.param(lambda bundle: bundle.replace(b"v2 git bundle\n", b"v3 git bundle\n@filter=x\n"), id="capability"),
        pytest.param(lambda bundle: bundle.replace(b"bundle\n", b"bundle\n-" + b"1" * 40 + b"\n", 1), id="other-base"),
    ],
)
def test_refuses_a_spoilt_bundle(hostile: Hostile, spoil: Callable[[bytes], bytes]) -> None:
    """Whatever is not a sound bundle on the base is refused with that failure."""
    hostile.hand_over()
    hostile.bundle.write_bytes(spoil(hostile.bundle.read_bytes()))

    result = hostile.publish()

    assert result.failure == "bundle", result
    assert hostile.project.pushed() == ""


def test_refuses_a_bundle_that_lacks_its_base(project: Project) -> None:
    """One that says to bring it along, and does not: nothing is fetched to make up for it."""
    hostile = Hostile(project, whole=False)
    hostile.hand_over()
    head, _, pack = hostile.bundle.read_bytes().partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.startswith(b"-")]
    hostile.bundle.write_bytes(b"\n".join(lines) + b"\n\n" + pack)

    assert (hostile.publish().failure, project.pushed()) == ("bundle", "")


def test_refuses_a_bundle_that_stands_on_another_base(project: Project) -> None:
    """Whole in itself, but on a commit of the agent's own: the order's is not in it."""
    hostile = Hostile(project, whole=True)
    hostile.git("add", "-A")
    orphan = hostile.git("commit-tree", hostile.git("write-tree"), "-m", "mine", "--no-gpg-sign")
    hostile.git("update-ref", "refs/heads/x", orphan)
    hostile.git("bundle", "create", "-q", str(hostile.bundle), "refs/heads/x")

    assert (hostile.publish().failure, project.pushed()) == ("bundle", "")
