/** The program that a unit names: it lies in TUTTI_HOME and finds Node and tutti anew at each start, so that updates of both need no new unit. */
import { join } from 'node:path';
import { NODE_MINIMUM } from '../node-version.ts';
import type { ServicePlace } from './place.ts';

export function launcherPath(home: string): string {
  return join(home, 'launcher');
}

/**
 * A POSIX shell script. Without arguments it becomes the supervisor (exec: the manager watches that very process), else
 * `tutti supervisor ARGUMENTS`.
 */
export function launcherText(place: ServicePlace, mark: string): string {
  return `#!/bin/sh
# ${mark}
# Becomes the supervisor of this home. Finds node and tutti anew at each start; those of the installation are tried first.
home=${quote(place.home)}
main=${quote(place.main)}

# Is $1 a Node that is new enough?
usable() {
  [ -x "$1" ] && "$1" -e ${quote(CHECK)} >/dev/null 2>&1
}

find_node() {
  for candidate in ${quote(place.node)} "$(command -v node)" \\
    "$HOME/.volta/bin/node" "$HOME/.local/share/mise/shims/node" "$HOME/.asdf/shims/node" \\
    /opt/homebrew/bin/node /usr/local/bin/node /usr/bin/node /snap/bin/node \\
    "$HOME"/.nvm/versions/node/*/bin/node "$HOME"/.local/share/fnm/node-versions/*/installation/bin/node; do
    if usable "$candidate"; then
      node=$candidate
      return 0
    fi
  done
  return 1
}

if ! find_node; then
  echo "tutti: no Node ${NODE_MINIMUM} or newer was found; install one, then run: tutti service install" >&2
  exit 127
fi
# What agents run may need a node too; the order of PATH is the user's own.
if ! command -v node >/dev/null 2>&1; then
  PATH=$PATH:$(dirname "$node")
  export PATH
fi
cd "$home" || exit 1
if [ $# -eq 0 ]; then set -- run --service; fi
if [ -f "$main" ]; then
  exec "$node" "$main" supervisor "$@" --home "$home" --json
fi
if command -v tutti >/dev/null 2>&1; then
  exec tutti supervisor "$@" --home "$home" --json
fi
echo "tutti: $main is gone and tutti is not on PATH; install it, then run: tutti service install" >&2
exit 127
`;
}

const [major, minor] = NODE_MINIMUM.split('.');
const CHECK = `const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>${major}||(a===${major}&&b>=${minor})?0:1)`;

/** One word for sh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
