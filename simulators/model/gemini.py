"""The Gemini API of Google: `generateContent` and `streamGenerateContent`."""

from collections.abc import Iterator

from simulators.model.dialect import Answer, JsonObject, event
from simulators.model.script import Turn

_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class Gemini:
    """`POST /v1beta/models/MODEL:streamGenerateContent`."""

    def offered(self, body: JsonObject) -> list[str]:
        """List the names of the declared functions."""
        groups = body.get("tools") or ()
        return [one.get("name", "") for group in groups for one in group.get("functionDeclarations") or ()]

    def streams(self, path: str, body: JsonObject) -> bool:  # noqa: ARG002 - here the path says it
        """Say whether the method is the streaming one."""
        return path.endswith(":streamGenerateContent")

    def events(self, answer: Answer) -> Iterator[str]:
        """Give the parts one by one; the last comes with the reason and the usage."""
        whole = self.whole(answer)
        candidate = whole["candidates"][0]
        for part in candidate["content"]["parts"]:
            content = {"role": "model", "parts": [part]}
            yield event({"candidates": [{"index": 0, "content": content}], "modelVersion": answer.model})
        ended = candidate | {"content": {"role": "model", "parts": [{"text": ""}]}}
        yield event(whole | {"candidates": [ended]})

    def whole(self, answer: Answer) -> JsonObject:
        """Give the answer's one candidate."""
        parts: list[JsonObject] = [{"text": answer.text}] if answer.text else []
        parts += [{"functionCall": {"name": name, "args": arguments}} for name, arguments in answer.calls]
        usage = answer.usage
        return {
            "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": usage.read,
                "cachedContentTokenCount": usage.cached,
                "candidatesTokenCount": usage.written,
                "totalTokenCount": usage.read + usage.written,
            },
            "modelVersion": answer.model,
        }

    def error(self, turn: Turn) -> JsonObject:
        """Give an error by its status."""
        status = _ERRORS.get(turn.status, "INTERNAL")
        return {"error": {"code": turn.status, "message": turn.message, "status": status}}
