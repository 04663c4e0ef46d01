"""A sentence with the next step for every `core.reasons.Reason`, as comments and the task's page say it. Pure.

Markdown with nothing but code in it. To be filled in, each as the place wants it: *again* (how to ask once more),
*operator*, *branch* (as code), *limit* (of time, in brackets behind a blank, or nothing), *prompt_limit* (KiB).
"""

from __future__ import annotations

from typing import Final

from core.reasons import Reason

TELL_OPERATOR: Final = "please tell whoever runs the agent here"
SENTENCES: Final = {
    Reason.CLONE: "The repository could not be cloned: check that the branch still exists, then {again}.",
    Reason.EMPTY_REPOSITORY: "The repository is empty: push a first commit, then {again}.",
    Reason.CREDENTIALS: "A token was not accepted: {operator}, who has to renew GitLab's or the model's.",
    Reason.SETUP: "`agent-setup.sh` failed: mend it on the default branch, then {again}.",
    Reason.SETUP_MISSING: "This project has to have an `agent-setup.sh`: add one on the default branch, then {again}.",
    Reason.AGENT: "The agent stopped with an error: the log says more; {again}, perhaps in other words.",
    Reason.AGENT_MISSING: "The agent's program is not installed in the sandbox: {operator}.",
    Reason.BUDGET: "The work came to the limit of what it may cost: ask for a smaller part of it.",
    Reason.TURNS: "The agent took more turns than it may: ask for a smaller part of the work.",
    Reason.MODEL: "The model did not answer as it should: {again} later; if that does not help, {operator}.",
    Reason.TIMEOUT: "The work took longer than it may{limit}: ask for a smaller part of it.",
    Reason.UNBEGUN: "The agent did not begin to work, perhaps because the model can't be reached: {again} later; "
    "if that does not help, {operator}.",
    Reason.STALLED: "The agent printed nothing for longer than it may{limit}: look at the log, then {again}.",
    Reason.OUTPUT: "The run printed more than it may: make `agent-setup.sh` and the tests quieter, then {again}.",
    Reason.BUNDLE: "The change could not be taken over from the sandbox, so nothing was pushed: {again}.",
    Reason.POLICY: "The change touches files that the agent may not change, so nothing was pushed: "
    "change them by hand, or ask without them.",
    Reason.BRANCH_EXISTS: "The branch {branch} holds other commits already, so nothing was pushed: "
    "{again}, and it gets a branch of its own.",
    Reason.PUSH_REJECTED: "GitLab refused the push: see its push rules and protected branches, then {again}.",
    Reason.INFRASTRUCTURE: "The sandbox could not be started or broke: {again}; if that does not help, {operator}.",
    Reason.OUT_OF_MEMORY: "The run needed more memory than it may use: ask for a smaller part of it, "
    "or have the limit raised by whoever runs the agent here.",
    Reason.DISK: "The run wrote more files than its disk may hold: ask for a smaller part of it, "
    "or have the limit raised by whoever runs the agent here.",
    Reason.IMAGE: "The image that the agent should run in can't be pulled or is not allowed: "
    "check `image` in `.ablehand.yml`; where there is none, {operator}.",
    Reason.UNSCHEDULABLE: "No node of the cluster could take the run in time: {again} later; "
    "if that does not help, {operator}.",
    Reason.POD: "The cluster could not make the run's containers: {operator}.",
    Reason.QUOTA: "The quota of the agents' namespace is used up or too small: {again} later; "
    "if that does not help, {operator}.",
    Reason.ADMISSION: "A rule of the cluster refuses the run's pod: {operator}.",
    Reason.RIGHTS: "The agent service may not start runs on its cluster: {operator}, who finds the missing right "
    "with `ablehand doctor`.",
    Reason.POD_TEMPLATE: "The pod template of the agent service breaks one of its rules: {operator}.",
    Reason.NAME_TAKEN: "The cluster holds a Job of the run's name that is not ours, and it was left alone: {operator}.",
    Reason.EVICTED: "The node needed its resources back and ended the run: {again}.",
    Reason.PREEMPTED: "Something more important took the run's place in the cluster: {again}.",
    Reason.NODE_LOST: "The node that the run was on is gone: {again}.",
    Reason.POD_DELETED: "Somebody deleted the run's pod in the cluster: {again} if that was not on purpose.",
    Reason.CLUSTER: "The cluster did not answer for too long: {again} when it is well.",
    Reason.LOST: "The run vanished before it could leave a result: {again}.",
    Reason.MERGE_REQUEST: "The change was pushed to {branch}, but GitLab refused the merge request: "
    "open it by hand from that branch.",
    Reason.GITLAB: "GitLab did not answer for too long: {again} when it is well.",
    Reason.INTERNAL: "Something in the agent service itself went wrong: {again}; if that does not help, {operator}.",
    Reason.BRANCH: "There is no such branch: look at its name, then {again}.",
    Reason.NOT_ALLOWED: "Only people with the Developer role or more in this project can ask the agent: "
    "ask one of them, or ask a Maintainer for the role.",
    Reason.CONFIDENTIAL: "This is confidential, but the project is not private, and a branch would show it: "
    "ask from an issue that everybody may see, or work in a private project.",
    Reason.ARCHIVED: "The project is archived, so nothing can be pushed to it: have it unarchived, then {again}.",
    Reason.PROMPT: "The request is empty or too long: say in at most {prompt_limit} KiB what to do.",
    Reason.BRANCH_MOVED: "Somebody pushed to {branch} while the agent worked, so nothing of its work was pushed: "
    "look at what is new there, then {again}.",
    Reason.FORK: "This merge request comes from a fork that I can't push to: ask for the same on an issue here, "
    "and you get a merge request of its own.",
    Reason.PROTECTED: "The branch of this merge request is protected against pushes of mine or of yours: "
    "ask for the same on an issue, and you get a merge request of its own.",
    Reason.CLOSED: "This merge request is closed or merged: reopen it, or ask on an issue.",
    Reason.LIMIT: "A limit is reached: {again} later.",
    Reason.PROJECT_FILE: "`.ablehand.yml` on the default branch can't be used: mend it, then {again}.",
    Reason.ANSWERED: "That was a question for words alone: `/agent help` shows what else can be said.",
    Reason.COMMAND: "That was not understood: `/agent help` shows what can be said.",
    Reason.SHOWN: "That was done: its outcome is shown where it was asked for.",
    Reason.IGNORED: "Nothing was asked of the agent here: `/agent help` shows how to ask.",
    Reason.DUPLICATE: "Another task is working on the same request already: wait for its answer.",
    Reason.GONE: "The comment, the label or the issue is not there any more: {again} where it is wanted.",
}
UNFINISHED: Final = {
    Reason.TIMEOUT: "The agent ran out of time before it was done: what it had changed by then was pushed, and nobody "
    "can say that it works.",
    Reason.STALLED: "The agent fell silent and was ended before it was done: what it had changed by then was pushed, "
    "and nobody can say that it works.",
    "": "The agent was ended before it was done: what it had changed by then was pushed.",
}
"""Where the agent was ended before it was done, and its work was pushed all the same: why, by `Task.unfinished`."""
