#!/usr/bin/env bash
# Shows that scripts/check_workflow.sh finds mistakes, by small workflows that each have one.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# offends TEXT STEP [JOB]: the check refuses a workflow with this step, and this line in its job, and says TEXT.
offends() {
  local text=$1 said
  printf 'on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n%s\n    steps:\n      - %s\n' "${3-}" "$2" >"$folder/a.yml"
  if said=$(scripts/check_workflow.sh "$folder/a.yml" 2>&1); then
    echo "check_workflow_test.sh: '$2' passes" >&2
    failed=1
  elif [[ $said != *"$text"* ]]; then
    echo "check_workflow_test.sh: '$2': expected '$text', got: $said" >&2
    failed=1
  fi
}

offends 'make nothing: the Makefile has no such target' 'run: make nothing'
offends 'make nothing: the Makefile has no such target' 'run: make check-image && make VERSION=v1 check nothing'
offends 'make nothing: the Makefile has no such target' '{ run: "cd .\nmake nothing" }'
offends 'cannot be run' 'run: .ci/nothing'
offends 'syntax error' 'run: if true'
offends 'either run or uses' '{ name: "nothing" }'
offends 'expected OWNER/NAME@VERSION' 'uses: actions/checkout'
offends 'no YAML' '{ run: "make check'
offends "needs 'b'" 'run: make check' '    needs: b'
offends 'lacks runs-on or steps' $'run: make check\n  b: {}'
printf 'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: make check && make sbom VERSION="${{ inputs.version }}" | cat\n' >"$folder/a.yml"
scripts/check_workflow.sh "$folder/a.yml" || { echo "check_workflow_test.sh: a good one is refused" >&2; failed=1; }
exit "$failed"
