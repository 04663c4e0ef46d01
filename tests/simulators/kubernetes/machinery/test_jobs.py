"""Each row of what was seen on a real cluster: how a Job ends, in which words, and whether its Pod stays."""

import pytest

from tests.simulators.kubernetes.machinery.cluster import (
    Cluster,
    condition,
    container_of,
    ending,
    job,
    pod_spec,
    states,
    true_conditions,
)

pytestmark = pytest.mark.anyio

HOG = "exec python3 -c 'import time; held = bytearray(200_000_000); time.sleep(60)'"
FOREVER = "exec sleep 60"
LEFT_WAITING = {"waiting": {"reason": "PodInitializing"}}


async def test_a_job_whose_containers_end_well_is_complete(cluster: Cluster) -> None:
    """SuccessCriteriaMet comes first, then Complete; the messages of all three containers are in the Pod's status."""
    scripts = {step: f"printf {step} > /dev/termination-log" for step in ("prepare", "agent", "publish")}
    seen: list[list[str]] = []
    with cluster.objects.subscribe("jobs") as changes:
        cluster.create("jobs", job(**scripts))
        async for change in changes:
            seen.append(true_conditions(change.obj))
            if "Complete" in seen[-1]:
                break

    assert seen[-2:] == [["SuccessCriteriaMet"], ["SuccessCriteriaMet", "Complete"]]
    words = ("CompletionsReached", "Reached expected number of succeeded pods")
    assert [condition(cluster.job(), kind) for kind in seen[-1]] == [words, words]
    status = cluster.job()["status"]
    assert (status["succeeded"], status["ready"], status["terminating"]) == (1, 0, 0)
    assert status["completionTime"] >= status["startTime"]
    pod = cluster.pod()
    assert pod["status"]["phase"] == "Succeeded"
    assert [state["terminated"]["message"] for state in states(pod).values()] == [*scripts]
    assert cluster.events("Completed") == [("Normal", "Job completed")]
    assert cluster.events("SuccessfulCreate") == [("Normal", f"Created pod: {pod['metadata']['name']}")]


@pytest.mark.parametrize(
    ("step", "code", "index", "waiting"),
    [("prepare", 7, 1, ["agent", "publish"]), ("agent", 3, 2, ["publish"]), ("publish", 1, 3, [])],
)
async def test_a_container_that_fails_fails_the_job(
    cluster: Cluster, step: str, code: int, index: int, waiting: list[str]
) -> None:
    """The condition names container, code and rule; the Pod stays, Failed without a reason; what follows never ran."""
    cluster.create("jobs", job(**{step: f"exit {code}"}))

    failed = await cluster.until_job("Failed")

    pod = cluster.pod()
    message = (
        f"Container {step} for pod agents/{pod['metadata']['name']} failed with exit code {code} "
        f"matching FailJob rule at index {index}"
    )
    assert condition(failed, "Failed") == condition(failed, "FailureTarget") == ("PodFailurePolicy", message)
    assert (failed["status"]["failed"], "completionTime" in failed["status"]) == (1, False)
    assert (pod["status"]["phase"], "reason" in pod["status"]) == ("Failed", False)
    assert ending(pod, step) == (code, "Error")
    assert {name: states(pod)[name] for name in waiting} == dict.fromkeys(waiting, LEFT_WAITING)
    assert cluster.events("PodFailurePolicy") == [("Warning", message)]


async def test_a_container_out_of_memory_is_killed(cluster: Cluster) -> None:
    """The container's reason is OOMKilled; the Job only knows of an exit code."""
    manifest = job(agent=HOG)
    container_of(manifest, "agent")["resources"] = {"limits": {"memory": "60Mi"}}
    cluster.create("jobs", manifest)

    failed = await cluster.until_job("Failed")

    assert ending(cluster.pod(), "agent") == (137, "OOMKilled")
    assert "exit code 137 matching FailJob rule at index 2" in condition(failed, "Failed")[1]


async def test_a_pod_whose_volume_grows_too_big_is_evicted(cluster: Cluster) -> None:
    """The Pod's own reason says Evicted, with the limit; it gets no DisruptionTarget."""
    manifest = job(agent=f"head -c 5000000 /dev/zero > /data/big; {FOREVER}")
    pod_spec(manifest)["volumes"][0]["emptyDir"] = {"sizeLimit": "2Mi"}
    cluster.create("jobs", manifest)

    failed = await cluster.until_job("Failed")

    status = cluster.pod()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert status["message"] == 'Usage of EmptyDir volume "work" exceeds the limit "2Mi". '
    assert "DisruptionTarget" not in true_conditions(cluster.pod())
    assert ending(cluster.pod(), "agent") == (137, "Error")
    assert "exit code 137 matching FailJob rule at index 2" in condition(failed, "Failed")[1]


async def test_a_pod_past_its_deadline_stays_with_its_log(cluster: Cluster) -> None:
    """The Pod says DeadlineExceeded; the Job says which container ended with 137."""
    manifest = job(agent=f"echo here; {FOREVER}")
    pod_spec(manifest)["activeDeadlineSeconds"] = 1
    cluster.create("jobs", manifest)

    failed = await cluster.until_job("Failed")

    status = cluster.pod()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert condition(failed, "Failed")[0] == "PodFailurePolicy"
    assert "exit code 137" in condition(failed, "Failed")[1]
    assert await cluster.log("agent") == "here\n"


async def test_a_job_past_its_deadline_loses_its_pod(cluster: Cluster) -> None:
    """The Job is Failed with DeadlineExceeded, and the Pod is gone."""
    manifest = job(agent=FOREVER)
    manifest["spec"]["activeDeadlineSeconds"] = 1
    cluster.create("jobs", manifest)

    failed = await cluster.until_job("Failed")

    words = ("DeadlineExceeded", "Job was active longer than specified deadline")
    assert condition(failed, "Failed") == condition(failed, "FailureTarget") == words
    assert cluster.pods() == []
    assert len(cluster.events("SuccessfulDelete")) == 1


async def test_a_pod_deleted_by_hand_fails_its_job(cluster: Cluster) -> None:
    """The policy matches the 137 of the container that was killed; the Pod is gone."""
    cluster.create("jobs", job(agent=FOREVER))
    pod = await cluster.until_running("agent")

    cluster.delete("pods", pod["metadata"]["name"])
    failed = await cluster.until_job("Failed")

    killed = f"Container agent for pod agents/{pod['metadata']['name']} failed with exit code 137"
    assert condition(failed, "Failed") == ("PodFailurePolicy", f"{killed} matching FailJob rule at index 2")
    await cluster.until(lambda: not cluster.pods())


async def test_a_job_whose_secret_is_missing_waits_for_it(cluster: Cluster) -> None:
    """Only an event says what is missing; when it comes the Job goes on by itself."""
    manifest = job(prepare="cat /secret/token")
    pod_spec(manifest)["volumes"].append({"name": "git", "secret": {"secretName": "late"}})
    container_of(manifest, "prepare")["volumeMounts"].append({"name": "git", "mountPath": "/secret"})
    cluster.create("jobs", manifest)
    await cluster.until(lambda: cluster.events("FailedMount"))

    assert cluster.events("FailedMount") == [
        ("Warning", 'MountVolume.SetUp failed for volume "git" : secret "late" not found')
    ]
    assert cluster.pod()["status"]["phase"] == "Pending"
    assert "reason" not in cluster.pod()["status"]
    assert set(map(str, states(cluster.pod()).values())) == {str(LEFT_WAITING)}
    assert cluster.job()["status"]["active"] == 1
    cluster.create("secrets", {"metadata": {"name": "late"}, "data": {"token": "c2VjcmV0"}})
    await cluster.until_job("Complete")
    assert await cluster.log("prepare") == "secret\n"


async def test_a_suspended_job_has_no_pod_until_it_is_let_go(cluster: Cluster) -> None:
    """Suspended has its condition and no startTime; afterwards the condition is false and the time is set."""
    manifest = job()
    manifest["spec"]["suspend"] = True
    cluster.create("jobs", manifest)
    suspended = await cluster.until_job("Suspended")

    assert condition(suspended, "Suspended") == ("JobSuspended", "Job suspended")
    assert "startTime" not in suspended["status"]
    assert cluster.pods() == []
    cluster.objects.change("jobs", "agents", "run", lambda stored: stored["spec"].update(suspend=False))
    complete = await cluster.until_job("Complete")
    assert condition(complete, "Suspended") == ("JobResumed", "Job resumed")
    assert "startTime" in complete["status"]


async def test_suspending_a_running_job_ends_its_pod(cluster: Cluster) -> None:
    """The Pod is deleted, and the Job does not fail for it."""
    manifest = job(agent=FOREVER)
    del manifest["spec"]["podFailurePolicy"]
    manifest["spec"]["backoffLimit"] = 3
    cluster.create("jobs", manifest)
    await cluster.until_running("agent")

    cluster.objects.change("jobs", "agents", "run", lambda stored: stored["spec"].update(suspend=True))
    await cluster.until(lambda: not cluster.pods())

    assert true_conditions(cluster.job()) == ["Suspended"]


async def test_a_job_without_a_policy_fails_at_its_back_off_limit(cluster: Cluster) -> None:
    """Each failed Pod stays; after backoffLimit and one more the Job gives up."""
    manifest = job(agent="exit 1")
    del manifest["spec"]["podFailurePolicy"]
    manifest["spec"]["backoffLimit"] = 1
    cluster.create("jobs", manifest)

    failed = await cluster.until_job("Failed")

    words = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    assert condition(failed, "Failed") == words
    assert [pod["status"]["phase"] for pod in cluster.pods()] == ["Failed", "Failed"]


async def test_a_finished_job_goes_when_its_time_to_live_is_over(cluster: Cluster) -> None:
    """Job and Pod are deleted together."""
    manifest = job()
    manifest["spec"]["ttlSecondsAfterFinished"] = 0
    cluster.create("jobs", manifest)

    await cluster.until(lambda: not cluster.pods() and not cluster.objects.list("jobs", "agents")[0])

    assert cluster.events("Completed") == [("Normal", "Job completed")]
