"""Send hooks: each hook has a thread of its own that delivers in order, and records what came back.

As in GitLab, a failed delivery is not tried again. The switches of `faults.HookFaults` are read at each sending.
"""

import contextvars
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

import requests

from simulators.gitlab.faults import Faults
from simulators.gitlab.hook_headers import delivery_headers, signature_headers
from simulators.gitlab.records import Delivery, Hook, now

TIMEOUT_SECONDS = 10
KEPT_ANSWER = 8192
SWAP_SECONDS = 0.5
TEMPORARY_FAILURES, PERMANENT_FAILURES = 4, 40
LONGEST_CHAIN = 100

current_chain: contextvars.ContextVar[str] = contextvars.ContextVar("current_chain", default="")
"""The `X-Gitlab-Event-UUID` that the API call being handled carried, or an empty text."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: the hook flag that asks for it, the event's name in the header, the body."""

    flag: str
    name: str
    payload: dict[str, object]


class HookSender:
    """Delivers events to hooks. Made once a server; `close` lets its threads end."""

    def __init__(self, faults: Faults) -> None:
        self.instance = ""
        self._faults = faults
        self._queues: dict[int, queue.SimpleQueue[Delivery | None]] = {}
        self._threads: list[threading.Thread] = []
        self._chains: dict[str, set[int]] = {}
        self._condition = threading.Condition()
        self._under_way = 0
        self._last_id = 0
        self._stop = threading.Event()

    def announce(self, hooks: list[Hook], event: Event) -> None:
        """Deliver *event* to those of *hooks* that ask for it and are not disabled. Returns at once."""
        chain = current_chain.get() or str(uuid.uuid4())
        body = json.dumps(event.payload).encode()
        for hook in hooks:
            if event.flag in hook.events and not is_disabled(hook) and self._joins(chain, hook):
                copies = 2 if self._faults.hooks.twin else 1
                for _ in range(copies):
                    self._queue_delivery(hook, event, body, chain)

    def test(self, hook: Hook, event: Event) -> None:
        """Deliver *event* to one hook whatever it asks for, as the Test button does."""
        self._queue_delivery(hook, event, json.dumps(event.payload).encode(), str(uuid.uuid4()))

    def resend(self, hook: Hook, delivery: Delivery) -> None:
        """Send a recorded delivery again, under the same Idempotency-Key."""
        again = Delivery(self._next_id(), delivery.trigger, delivery.headers, delivery.body, delivery.idempotency_key)
        self._put(hook, again)

    def wait(self, timeout: float) -> bool:
        """Block until nothing is under way; False where that takes longer than *timeout* seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self._under_way == 0, timeout)

    def close(self) -> None:
        """Let every thread end after what it is sending; what still waits is dropped."""
        self._stop.set()
        for deliveries in self._queues.values():
            deliveries.put(None)
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS + 1)

    def _joins(self, chain: str, hook: Hook) -> bool:
        """Tell whether the hook may fire in this chain; GitLab stops hooks that would set themselves off."""
        seen = self._chains.setdefault(chain, set()) if current_chain.get() else set()
        if hook.id in seen or len(seen) >= LONGEST_CHAIN:
            return False
        self._chains.setdefault(chain, set()).add(hook.id)
        return True

    def _queue_delivery(self, hook: Hook, event: Event, body: bytes, chain: str) -> None:
        key = str(uuid.uuid4())
        headers = delivery_headers(hook, event.name, self.instance, key, chain)
        self._put(hook, Delivery(self._next_id(), event.flag, headers, body, key))

    def _put(self, hook: Hook, delivery: Delivery) -> None:
        hook.deliveries.append(delivery)
        with self._condition:
            self._under_way += 1
            if hook.id not in self._queues:
                self._queues[hook.id] = queue.SimpleQueue()
                thread = threading.Thread(target=self._deliver_all, args=(hook,), name=f"hook-{hook.id}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._queues[hook.id].put(delivery)

    def _deliver_all(self, hook: Hook) -> None:
        deliveries = self._queues[hook.id]
        while (first := deliveries.get()) is not None and not self._stop.is_set():
            batch = [first]
            if self._faults.hooks.swap:
                batch = _newest_first(first, deliveries)
            for delivery in batch:
                self._deliver(hook, delivery)
                with self._condition:
                    self._under_way -= 1
                    self._condition.notify_all()

    def _deliver(self, hook: Hook, delivery: Delivery) -> None:
        faults = self._faults.hooks
        if faults.delay_seconds:
            self._stop.wait(faults.delay_seconds)
        if faults.lose:
            delivery.status, delivery.answer = "internal error", "lost by a fault switch"
            return
        for _ in range(2 if faults.double else 1):
            _post(hook, delivery)
            if self._faults.auto_disable_hooks:
                _count_failure(hook, delivery)

    def _next_id(self) -> int:
        with self._condition:
            self._last_id += 1
            return self._last_id


def is_disabled(hook: Hook) -> bool:
    """Tell whether GitLab has given this hook up, for now or for good."""
    return hook.failures >= PERMANENT_FAILURES or (hook.disabled_until is not None and hook.disabled_until > now())


def _newest_first(first: Delivery, deliveries: "queue.SimpleQueue[Delivery | None]") -> list[Delivery]:
    try:
        second = deliveries.get(timeout=SWAP_SECONDS)
    except queue.Empty:
        return [first]
    if second is None:
        deliveries.put(None)
        return [first]
    return [second, first]


def _post(hook: Hook, delivery: Delivery) -> None:
    headers = dict(delivery.headers)
    if hook.signing_token:
        headers |= signature_headers(hook.signing_token, delivery.idempotency_key, int(time.time()), delivery.body)
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                hook.url,
                data=delivery.body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                verify=hook.enable_ssl_verification,
            )
            delivery.status, delivery.answer = str(answer.status_code), answer.text[:KEPT_ANSWER]
    except requests.RequestException as error:
        delivery.status, delivery.answer = "internal error", str(error)
    delivery.seconds = time.monotonic() - started


def _count_failure(hook: Hook, delivery: Delivery) -> None:
    if delivery.status.startswith(("2", "3")):
        hook.failures, hook.disabled_until = 0, None
        return
    hook.failures += 1
    if hook.failures >= TEMPORARY_FAILURES:
        minutes = min(2 ** (hook.failures - TEMPORARY_FAILURES), 24 * 60)
        hook.disabled_until = now() + timedelta(minutes=minutes)
