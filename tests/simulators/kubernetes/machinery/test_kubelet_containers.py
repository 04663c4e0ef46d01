"""What a container sees and how it is ended: its root, its mounts, its environment, its signals, its messages."""

import os
from pathlib import Path

import pytest

from simulators.kubernetes.images import Image
from tests.simulators.kubernetes.machinery.cluster import (
    Cluster,
    Object,
    container_of,
    ending,
    job,
    pod_spec,
    states,
)

pytestmark = pytest.mark.anyio

SECRET: Object = {"metadata": {"name": "tokens"}, "data": {"read": "cmVhZA==", "write": "d3JpdGU="}}


async def output_of(cluster: Cluster, manifest: Object) -> list[str]:
    """Run the Job, and return what `prepare` printed."""
    cluster.create("jobs", manifest)
    await cluster.until(lambda: cluster.pods() and "terminated" in states(cluster.pod()).get("prepare", {}))
    return (await cluster.log("prepare")).splitlines()


async def test_a_read_only_root_is_writable_in_its_volumes_alone(cluster: Cluster) -> None:
    """Nothing but the mounts takes a file."""
    manifest = job(prepare="for d in / /tmp /etc /usr /data; do touch $d/x 2>/dev/null && echo $d; done")
    container_of(manifest, "prepare")["securityContext"] = {"readOnlyRootFilesystem": True}

    assert await output_of(cluster, manifest) == ["/data"]


async def test_a_writable_root_is_the_containers_own(cluster: Cluster) -> None:
    """What is written to /tmp is gone in the next container, what lies in a volume is not."""
    manifest = job(prepare="touch /tmp/x /data/x", agent="ls /tmp | wc -l", publish="ls /tmp | wc -l; ls /data")
    cluster.create("jobs", manifest)
    await cluster.until_job("Complete")

    assert await cluster.log("agent") == "0\n"
    assert (await cluster.log("publish")).splitlines() == ["0", "x"]


async def test_a_container_sees_only_its_own_processes(cluster: Cluster) -> None:
    """Its command is process 1, as in a real container, and the host's processes are not there."""
    manifest = job(prepare="echo $$$$; ls /proc | grep -c '^[0-9]'")

    first, processes = await output_of(cluster, manifest)

    assert first == "1"
    assert int(processes) <= 3


async def test_the_machine_s_own_files_are_not_there(cluster: Cluster, tmp_path: Path) -> None:
    """Home directories and the simulator's own folder are not in the root."""
    (tmp_path / "mine").touch()
    manifest = job(prepare=f"ls {tmp_path} /home 2>&1 | grep -c 'No such file'")

    assert await output_of(cluster, manifest) == ["2"]


async def test_an_image_lays_directories_over_the_root(cluster: Cluster, tmp_path: Path) -> None:
    """An image's binds are there, read-only; its environment, entrypoint and directory are used."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("content\n")
    cluster.images["process"] = Image(
        binds={"/opt/tree": tmp_path / "tree"},
        environment={"FROM_IMAGE": "yes"},
        entrypoint=("sh", "-c", 'cat file; echo $FROM_IMAGE "$@"; touch file || echo read-only', "sh"),
        command=("usual",),
        working_directory="/opt/tree",
    )
    manifest = job()
    del container_of(manifest, "prepare")["command"]
    container_of(manifest, "prepare")["args"] = ["given"]

    lines = await output_of(cluster, manifest)

    assert [line for line in lines if "touch" not in line] == ["content", "yes given", "read-only"]


async def test_the_environment_comes_from_values_secrets_config_maps_and_fields(cluster: Cluster) -> None:
    """Each source gives its variable; $(NAME) is replaced; nothing of the server's own environment is there."""
    cluster.create("secrets", SECRET)
    cluster.create("configmaps", {"metadata": {"name": "settings"}, "data": {"color": "blue", "size": "9"}})
    manifest = job(prepare="env | sort")
    container_of(manifest, "prepare")["env"] = [
        {"name": "A", "value": "plain"},
        {"name": "B", "value": "$(A) $$(A) $(UNKNOWN)"},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "read"}}},
        {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
        {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "F", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}},
    ]
    container_of(manifest, "prepare")["envFrom"] = [{"prefix": "S_", "configMapRef": {"name": "settings"}}]

    lines = await output_of(cluster, manifest)

    expected = {"A=plain", "B=plain $(A) $(UNKNOWN)", "C=read", "D=blue", "E=agents", "S_color=blue", "S_size=9"}
    usual = ("PATH=", "HOME=", "HOSTNAME=", "PWD=")
    assert {line for line in lines if not line.startswith(usual)} == expected


async def test_a_secret_volume_holds_the_chosen_keys_with_their_mode(cluster: Cluster) -> None:
    """One key under its path, with defaultMode, read-only; the other key is nowhere."""
    cluster.create("secrets", SECRET)
    manifest = job(prepare="find /git -type f -printf '%P %m\\n'; cat /git/token; echo; touch /git/x || echo no")
    items = [{"key": "read", "path": "token"}]
    volume = {"name": "git", "secret": {"secretName": "tokens", "items": items, "defaultMode": 0o440}}
    pod_spec(manifest)["volumes"].append(volume)
    container_of(manifest, "prepare")["volumeMounts"].append({"name": "git", "mountPath": "/git"})

    lines = await output_of(cluster, manifest)

    assert [line for line in lines if "touch" not in line] == ["token 440", "read", "no"]


async def test_a_read_only_mount_and_a_sub_path_are_honoured(cluster: Cluster) -> None:
    """The same volume is writable here and not there, and a subPath shows a part of it."""
    manifest = job(
        prepare="mkdir /data/part; echo 1 > /data/part/file", agent="cat /part/file; touch /part/x || exit 5"
    )
    container_of(manifest, "agent")["volumeMounts"] = [
        {"name": "work", "mountPath": "/part", "subPath": "part", "readOnly": True}
    ]
    cluster.create("jobs", manifest)
    await cluster.until_job("Failed")

    assert (await cluster.log("agent")).startswith("1\n")
    assert ending(cluster.pod(), "agent") == (5, "Error")


async def test_a_link_does_not_lead_a_sub_path_out_of_its_volume(cluster: Cluster) -> None:
    """A container that turns a subPath into a link gets the next one refused."""
    manifest = job(prepare="ln -s / /data/part", agent="ls /part")
    container_of(manifest, "agent")["volumeMounts"] = [{"name": "work", "mountPath": "/part", "subPath": "part"}]
    cluster.create("jobs", manifest)
    await cluster.until(lambda: cluster.events("Failed"))

    assert "not within volume path" in states(cluster.pod())["agent"]["waiting"]["message"]


async def test_a_process_that_heeds_sigterm_ends_by_itself(cluster: Cluster) -> None:
    """Within the grace the first process may clean up and choose its exit code."""
    manifest = job(agent="trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.02; done")
    pod_spec(manifest)["terminationGracePeriodSeconds"] = 20
    cluster.create("jobs", manifest)
    await cluster.until_running("agent")
    await cluster.until(lambda: cluster.printed("agent"))
    reading = cluster.machinery.kubelet.services.logs[cluster.pod()["metadata"]["uid"]]["agent"]

    cluster.delete("pods", cluster.pod()["metadata"]["name"])
    failed = await cluster.until_job("Failed")

    assert "Container agent" in failed["status"]["conditions"][-1]["message"]
    assert "exit code 9 " in failed["status"]["conditions"][-1]["message"]
    assert reading.tail(5) == b"ready\ncleaned\n"


async def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(cluster: Cluster) -> None:
    """Process 1 without a handler ignores SIGTERM; SIGKILL comes when the grace is over, for all that it started."""
    manifest = job(agent="sleep 61 & exec sleep 62")
    pod_spec(manifest)["terminationGracePeriodSeconds"] = 1
    cluster.create("jobs", manifest)
    await cluster.until_running("agent")
    run = cluster.machinery.kubelet.run_of("agents", cluster.pod()["metadata"]["name"])
    await cluster.until(lambda: run.containers[1].alive and run.containers[1].alive.first_process)
    first = run.containers[1].alive.first_process if run.containers[1].alive else None

    cluster.delete("pods", cluster.pod()["metadata"]["name"])
    deleted = cluster.pod()["metadata"]
    failed = await cluster.until_job("Failed")

    assert deleted["deletionGracePeriodSeconds"] == 1
    assert "exit code 137" in failed["status"]["conditions"][-1]["message"]
    with pytest.raises(ProcessLookupError):
        os.kill(first or 0, 0)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("printf 'a\\nb' > /dev/termination-log", "a\nb"),
        ("head -c 5000 /dev/zero | tr '\\0' x > /dev/termination-log", "x" * 4096),
        ("printf '\\377' > /dev/termination-log", "\ufffd"),
        ("echo printed", None),
    ],
    ids=["lines", "too long", "no text", "nothing"],
)
async def test_the_termination_message_is_what_the_file_holds(
    cluster: Cluster, script: str, expected: str | None
) -> None:
    """At most 4,096 bytes of the file, as text; no file, no message."""
    cluster.create("jobs", job(prepare=script))
    await cluster.until_job("Complete")

    assert states(cluster.pod())["prepare"]["terminated"].get("message") == expected


async def test_the_log_s_tail_is_the_message_where_the_policy_says_so(cluster: Cluster) -> None:
    """FallbackToLogsOnError shows what a failed container printed last."""
    manifest = job(agent="echo why; exit 4")
    container_of(manifest, "agent")["terminationMessagePolicy"] = "FallbackToLogsOnError"
    cluster.create("jobs", manifest)
    await cluster.until_job("Failed")

    assert states(cluster.pod())["agent"]["terminated"]["message"] == "why\n"
