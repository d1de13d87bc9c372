# Sourced by scripts/test and scripts/demo: makes a machine with Node and a package manager ready. Says what it does, changes nothing twice.

say() { printf '\033[2m==\033[0m %s\n' "$*" >&2; }
die() { printf 'tutti: %s\n' "$*" >&2; exit 1; }

need_node() {
  command -v node >/dev/null 2>&1 || die "node is not on PATH. Install Node 20.19 or newer, then run this again."
  node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)' ||
    die "Node $(node --version) is too old. Install Node 20.19 or newer, then run this again."
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo "$@"; else return 1; fi; }

# Installs the named programs that are missing. The package has the program's name, or is named behind a colon.
need_programs() {
  missing=""
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"; done
  [ -z "$missing" ] && return 0
  say "installing$missing"
  # Word splitting is meant: one argument per package.
  # shellcheck disable=SC2086
  if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
  elif command -v dnf >/dev/null 2>&1; then as_root dnf install -y -q $missing
  elif command -v pacman >/dev/null 2>&1; then as_root pacman -S --noconfirm --needed $missing
  elif command -v apk >/dev/null 2>&1; then as_root apk add --quiet $missing
  elif command -v brew >/dev/null 2>&1; then brew install --quiet $missing
  else die "please install$missing, then run this again."; fi
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null 2>&1 || die "${pair%%:*} could not be installed. Install it by hand, then run this again."; done
}

# The packages of the lockfile, unless they are there already.
need_packages() {
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing the packages of package-lock.json"
    # Not npm ci: it refuses where a registry lacks optional packages for other platforms. The lockfile decides all the same.
    npm install --no-save --no-audit --no-fund --loglevel=error
  fi
}
