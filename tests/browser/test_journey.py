"""The journey of a person who asks by form, in the whole product: from the sign-in to the merge request."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Page, expect

from simulators.gitlab.records import Project
from tests.browser.chromium import Windows
from tests.product.stack import Gate, Stack

CANCEL = """
async (number) => (await fetch(`/api/v1/tasks/${number}/cancel`, {
  method: "POST", headers: {"X-CSRF-Token": document.querySelector("[name=csrf_token]").value}
})).status
"""


def start(product: Windows, project: Project, words: str) -> tuple[Page, int]:
    """Start a task by the form, and go to the table; give its page and the task's id."""
    page = product.sign_in("alice")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="New task").click()
    page.get_by_label("Repository").fill(project.path_with_namespace)
    page.get_by_label("What is to be done").fill(words)
    page.get_by_role("button", name="Start the task").click()
    page.wait_for_url(re.compile(r"/tasks/\d+$"))
    number = int(page.url.rpartition("/")[2])
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Tasks").click()
    return page, number


def come_to_rest(stack: Stack) -> None:
    """Wait until nothing is left over; from another thread, since this one's event loop is Playwright's."""
    with ThreadPoolExecutor(1) as other:
        other.submit(stack.wait_until_quiet).result()


def test_a_task_goes_from_the_form_to_its_merge_request(stack: Stack, product: Windows) -> None:
    """The table shows it running, then completed, with a link to the merge request, and is never loaded again."""
    project, gate = stack.project(), Gate()
    page, number = start(product, project, f"Add a file DO wait={gate.name} edit=new.txt")
    page.evaluate("window.isStillHere = true")
    row = page.locator(f"#task-{number}")

    gate.wait_for_agent()
    expect(row.locator(".status")).to_have_text("Running")
    expect(row).to_contain_text("working")
    gate.open()
    expect(row.locator(".status")).to_have_text("Completed")
    assert page.evaluate("window.isStillHere")
    row.get_by_role("link", name="!1").click()

    [request] = stack.merge_requests(project)
    page.wait_for_url(f"**/{project.path_with_namespace}/-/merge_requests/{request.iid}")
    come_to_rest(stack)


def test_a_task_that_is_cancelled_is_so_in_the_table(stack: Stack, product: Windows) -> None:
    """At once, whoever looks; and the session may cancel over the API, with what our pages carry."""
    gate = Gate()
    page, number = start(product, stack.project(), f"Add a file DO wait={gate.name} edit=new.txt")
    gate.wait_for_agent()
    row = page.locator(f"#task-{number}")
    expect(row).to_contain_text("working")

    assert page.evaluate(CANCEL, number) == 202
    expect(row.locator(".status")).to_have_text("Cancelled")
    gate.open()
    come_to_rest(stack)
