#!/usr/bin/env bash
# Runs every check and every test of rldb, as CI does. It needs Go and Debian's
# (or Ubuntu's) packages; as root it installs those that are missing.
#
#   ./check.sh          everything, in the short forms (under 20 minutes on two cores)
#   ./check.sh --soak   the long forms of the tests, too
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

# failed: the end of the log of the integration tests, and what failed in it last.
failed() {
  tail -n 200 integration.log
  step "what failed"
  grep -nE -A12 -- '^ *--- FAIL|^panic|DATA RACE' integration.log | tail -n 60
  exit 1
}

# need PACKAGE COMMAND...: COMMANDs come with Debian's PACKAGE.
missing=()
need() {
  local package=$1 command
  shift
  for command in "$@"; do
    command -v "$command" >/dev/null || { missing+=("$package"); return 0; }
  done
}

install_missing() {
  need make make
  need gcc gcc
  need redis-server redis-server
  need redis-tools redis-cli redis-benchmark
  need iproute2 ip
  need nftables nft
  command -v dpkg >/dev/null && ! dpkg -s libc6-dev >/dev/null 2>&1 && missing+=(libc6-dev)
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need: ${missing[*]}. Install them (Debian: apt-get install ${missing[*]}), or run this as root." >&2
    exit 1
  fi
  step "installing ${missing[*]}"
  # Debian starts a server that it installs; the tests start their own.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

command -v go >/dev/null || { echo "rldb is built with Go 1.26 or later: https://go.dev/dl" >&2; exit 1; }
[ "${1:-}" = "--soak" ] && export RLDB_SOAK=1
install_missing

step "gofmt"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }
step "go vet"
go vet ./...
step "staticcheck"
go tool staticcheck ./...
step "go.mod is tidy"
go mod tidy -diff
step "static binary, and builds for other systems"
CGO_ENABLED=0 go build -trimpath -o /dev/null .
for target in linux/arm64 darwin/arm64 darwin/amd64; do
  GOOS=${target%/*} GOARCH=${target#*/} CGO_ENABLED=0 go build -o /dev/null .
done
step "tests, with the race detector"
packages=$(go list ./... | grep -v '/integration$')
# shellcheck disable=SC2086
go test -race -timeout 30m $packages
# Some of what is tested is only there without it: buffers that are mapped, memory as the system sees it.
step "tests of memory and of the ring's evenness, without the race detector"
go test ./resp ./command ./engine/memory ./ring
step "commands over an engine that does nothing at once"
RLDB_TEST_ENGINE=slow go test -timeout 30m ./command
step "commands over a coordinator"
RLDB_TEST_ENGINE=cluster go test -timeout 30m ./command
step "integration tests"
go test -race -timeout 60m -v ./integration >integration.log 2>&1 || failed
grep -E '^(---|ok|PASS|FAIL)' integration.log | grep -v '^    ' || true
# Above, tests that name no engine ran over memory; those that name one, over each.
by_engine='^(TestDifferential|TestExpiry|TestLock|TestGoRedisOptimisticLocking|TestCLIScan|TestStopUnderLoad|TestBadInput)$'
[ -z "${RLDB_SOAK:-}" ] || by_engine="$by_engine|^(TestExpirySweep|TestRateLimiter|TestSessionStore)$"
for engine in bitcask lsm; do
  step "integration tests that depend on the engine, over $engine"
  tests=$by_engine
  # In its short form: the garbage of values of 512 MB may be more than it allows,
  # and lsm copies a value once more.
  if [ $engine = bitcask ] && [ -z "${RLDB_SOAK:-}" ]; then
    tests="$tests|^TestLargeValue$"
  fi
  RLDB_ENGINE=$engine RLDB_COMMANDS=4000 go test -race -timeout 30m -v -run "$tests" ./integration >integration.log 2>&1 || failed
  grep -E '^(---|ok|PASS|FAIL)' integration.log | grep -v '^    ' || true
done
step "all checks passed"
