"""The two hooks of every simulated repository: they refuse and they advise, by what `git_http` tells them.

They are real git hooks, so that a refusal reaches the client over the wire exactly as GitLab's does.
"""

from pathlib import Path

_PRE_RECEIVE = """#!/bin/sh
set -f
while read -r old new ref; do
  case " $SIMULATOR_ONLY " in "  "|*" ${ref#refs/heads/} "*) ;; *)
    echo "GitLab: You are not allowed to push code to this project." >&2; exit 1;; esac
  for pattern in $SIMULATOR_REFUSED; do
    case "$ref" in "refs/heads/"$pattern)
      echo "GitLab: You are not allowed to push code to protected branches on this project." >&2; exit 1;; esac
  done
  for pattern in $SIMULATOR_PROTECTED; do
    case "$ref" in "refs/heads/"$pattern)
      case "$old$new" in
        *0000000000000000000000000000000000000000*) ;;
        *) git merge-base --is-ancestor "$old" "$new" || {
          echo "GitLab: You are not allowed to force push code to a protected branch on this project." >&2; exit 1; };;
      esac;; esac
  done
done
[ -z "$SIMULATOR_REFUSAL" ] || { printf 'GitLab: %s\\n' "$SIMULATOR_REFUSAL" >&2; exit 1; }
"""

_POST_RECEIVE = """#!/bin/sh
while read -r old new ref; do
  branch=${ref#refs/heads/}
  [ "$branch" = "$ref" ] && continue
  [ "$branch" = "$SIMULATOR_DEFAULT" ] && continue
  case "$new" in 0000000000000000000000000000000000000000) continue;; esac
  open=$(printf '%s\\n' "$SIMULATOR_MERGE_REQUESTS" | while read -r source url; do
    [ "$source" = "$branch" ] && echo "$url"; done)
  echo
  if [ -n "$open" ]; then
    echo "View merge request for $branch:"
    echo "  $open"
  else
    echo "To create a merge request for $branch, visit:"
    echo "  $SIMULATOR_PROJECT/-/merge_requests/new?merge_request%5Bsource_branch%5D=$branch"
  fi
  echo
done
"""


def install_hooks(repository: Path) -> None:
    """Write the hooks into a bare repository."""
    folder = repository / "hooks"
    folder.mkdir(exist_ok=True)
    for name, script in (("pre-receive", _PRE_RECEIVE), ("post-receive", _POST_RECEIVE)):
        hook = folder / name
        hook.write_text(script)
        hook.chmod(0o755)
