"""The Responses API of OpenAI."""

import json
from collections.abc import Iterator

from simulators.model.dialect import Answer, JsonObject, event
from simulators.model.script import Turn

FREE_TEXT_TOOLS = frozenset({"apply_patch"})
_ERRORS = {
    401: "invalid_api_key",
    402: "insufficient_quota",
    404: "model_not_found",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}


class OpenAi:
    """`POST /v1/responses`."""

    def offered(self, body: JsonObject) -> list[str]:
        """List the names in `tools`; built-in ones have only a type."""
        return [tool.get("name") or tool.get("type", "") for tool in body.get("tools") or ()]

    def streams(self, path: str, body: JsonObject) -> bool:  # noqa: ARG002 - the path says it elsewhere
        """Say whether the body asks for a stream."""
        return body.get("stream") is True

    def events(self, answer: Answer) -> Iterator[str]:
        """Give the response item by item."""
        whole = self.whole(answer)
        begun = whole | {"status": "in_progress", "output": [], "usage": None}
        yield _event("response.created", response=begun)
        for index, item in enumerate(whole["output"]):
            yield _event("response.output_item.added", output_index=index, item=item | {"status": "in_progress"})
            if item["type"] == "message":
                words = item["content"][0]["text"]
                yield _event("response.output_text.delta", output_index=index, item_id=item["id"], delta=words)
            yield _event("response.output_item.done", output_index=index, item=item)
        yield _event("response.completed", response=whole)

    def whole(self, answer: Answer) -> JsonObject:
        """Give the response."""
        output: list[JsonObject] = []
        if answer.text:
            part = {"type": "output_text", "text": answer.text, "annotations": []}
            output.append({"type": "message", "id": f"msg_{answer.identity}", "role": "assistant", "content": [part]})
        for identity, (name, arguments) in zip(answer.call_ids, answer.calls, strict=True):
            output.append(_call(identity, name, arguments))
        usage = answer.usage
        return {
            "id": f"resp_{answer.identity}",
            "object": "response",
            "model": answer.model,
            "status": "completed",
            "output": [item | {"status": "completed"} for item in output],
            "usage": {
                "input_tokens": usage.read,
                "input_tokens_details": {"cached_tokens": usage.cached},
                "output_tokens": usage.written,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage.read + usage.written,
            },
        }

    def error(self, turn: Turn) -> JsonObject:
        """Give an error by its code."""
        code = _ERRORS.get(turn.status, "server_error")
        return {"error": {"message": turn.message, "type": code, "param": None, "code": code}}


def _call(identity: str, name: str, arguments: JsonObject) -> JsonObject:
    ids = {"call_id": f"call_{identity}", "name": name}
    if name in FREE_TEXT_TOOLS:
        return {"type": "custom_tool_call", "id": f"ctc_{identity}", **ids, "input": arguments["input"]}
    return {"type": "function_call", "id": f"fc_{identity}", **ids, "arguments": json.dumps(arguments)}


def _event(kind: str, **values: object) -> str:
    return event({"type": kind, **values}, kind)
