"""Makes helm/README.md from helm/values.yaml: ``python -m tests.chart.values_page > helm/README.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from tests.chart.rendering import CHART

MARK: Final = "# -- "
INTRODUCTION: Final = """\
# The chart

<!-- Made from helm/values.yaml by `make docs`; change it there. -->

Bot, worker, reconciler and a Redis in the release's namespace; Jobs of agents in a namespace of their own. Kubernetes
1.31 or newer. Five values are needed:

```sh
helm install ablehand helm --namespace ablehand --create-namespace --values my-values.yaml
```

```yaml
gitlab:
  url: https://gitlab.example.com
  token: …                # of the bot's user, with the scope api
webhook:
  signingToken: whsec_…   # as GitLab shows it when you make a webhook; or webhook.secret
publicUrl: https://ablehand.example.com
model:
  apiKey: …
```

What helm prints then says what is left to do. More sets of values are in [ci/](ci/); a wrong or missing value is
refused with a sentence. Whoever installs it needs rights on both namespaces, and to make the agents' one unless
`agents.createNamespace` is off; nothing of ours has a right beyond the agents' namespace.

- **Upgrade**: `helm upgrade` with the same values. Agents at work go on; a generated Redis password is kept, and so
  is the secret of sessions.
- **Uninstall**: `helm uninstall` ends the agents that are at work, with their namespace. The volume of Redis stays
  unless `redis.persistence.whenDeleted` says otherwise.

## Values

| value | default | what it is |
|---|---|---|
"""


class Value(NamedTuple):
    """One documented value."""

    name: str
    """With dots."""
    default: Any
    what: str


def page() -> str:
    """Give the whole page."""
    return INTRODUCTION + "".join(
        f"| `{value.name}` | {_cell(value.default)} | {value.what} |\n" for value in documented()
    )


def documented() -> Iterator[Value]:
    """Give the values that a comment with the mark stands above, in their order."""
    text = (CHART / "values.yaml").read_text("utf-8")
    values, words = yaml.safe_load(text), ""
    path: list[str] = []
    for line in text.splitlines():
        content = line.strip()
        if content.startswith(MARK):
            words = content.removeprefix(MARK)
        elif content.startswith("#"):
            words += content.removeprefix("#") if words else ""
        elif content:
            key = content.partition(":")[0]
            path = [*path[: _indent(line) // 2], key]
            if words:
                yield Value(".".join(path), _at(values, path), words.replace("|", "\\|"))
            words = ""


def leaves(values: Any, name: str = "") -> Iterator[str]:
    """Give the dotted names of all values that are no mappings with something in them."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, f"{name}.{key}" if name else key)
    else:
        yield name


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _at(values: Any, path: list[str]) -> Any:
    for key in path:
        values = values[key]
    return values


def _cell(default: Any) -> str:
    return f"`{json.dumps(default)}`" if default not in ("", None) else ""


if __name__ == "__main__":
    sys.stdout.write(page())
