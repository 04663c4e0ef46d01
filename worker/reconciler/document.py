"""Puts together what an agent wrote (a plan, a review). Pure; a chunk that comes twice changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.contract import DOCUMENT_LIMIT_BYTES, Event


@dataclass(frozen=True, slots=True)
class Document:
    """The text so far, and how many chunks it is made of."""

    text: str
    parts: int

    def after(self, event: Event) -> Document:
        """Give the document with *event*'s chunk behind it; any other than the next one leaves it as it is."""
        if event.kind != "document" or event.index != self.parts:
            return self
        return Document((self.text + event.text)[:DOCUMENT_LIMIT_BYTES], self.parts + 1)
