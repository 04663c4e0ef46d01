"""The Messages API of Anthropic."""

import json
from collections.abc import Iterator

from simulators.model.dialect import Answer, JsonObject, event
from simulators.model.script import Turn

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Anthropic:
    """`POST /v1/messages`."""

    def offered(self, body: JsonObject) -> list[str]:
        """List the names in `tools`."""
        return [tool.get("name", "") for tool in body.get("tools") or ()]

    def streams(self, path: str, body: JsonObject) -> bool:  # noqa: ARG002 - the path says it elsewhere
        """Say whether the body asks for a stream."""
        return body.get("stream") is True

    def events(self, answer: Answer) -> Iterator[str]:
        """Give the message block by block; the final usage comes with its end."""
        whole = self.whole(answer)
        begun = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
        yield event({"type": "message_start", "message": begun}, "message_start")
        for index, block in enumerate(whole["content"]):
            yield from _block(index, block)
        ended = {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}}
        yield event(ended | {"usage": {"output_tokens": answer.usage.written}}, "message_delta")
        yield event({"type": "message_stop"}, "message_stop")

    def whole(self, answer: Answer) -> JsonObject:
        """Give the message."""
        blocks: list[JsonObject] = [{"type": "text", "text": answer.text}] if answer.text else []
        for identity, (name, arguments) in zip(answer.call_ids, answer.calls, strict=True):
            blocks.append({"type": "tool_use", "id": f"toolu_{identity}", "name": name, "input": arguments})
        usage = answer.usage
        return {
            "id": f"msg_{answer.identity}",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": blocks,
            "stop_reason": "tool_use" if answer.calls else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.read - usage.cached,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": usage.cached,
                "output_tokens": usage.written,
            },
        }

    def error(self, turn: Turn) -> JsonObject:
        """Give an error by its type."""
        kind = _ERRORS.get(turn.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": turn.message}}


def _block(index: int, block: JsonObject) -> Iterator[str]:
    if block["type"] == "text":
        begun = block | {"text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    else:
        begun = block | {"input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    yield event({"type": "content_block_start", "index": index, "content_block": begun}, "content_block_start")
    yield event({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
    yield event({"type": "content_block_stop", "index": index}, "content_block_stop")
