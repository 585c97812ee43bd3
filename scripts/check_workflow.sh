#!/usr/bin/env bash
# Checks workflows of GitHub Actions as far as that is possible elsewhere: they are YAML, jobs need jobs that there are, each step uses or runs
# something, what is run is shell and names targets of the Makefile and files that exist.
#
# usage: scripts/check_workflow.sh [FILE...]      (default: all of .github/workflows)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
python3 -c 'import yaml' 2>/dev/null || {
  echo "missing: PyYAML of Python 3 (Debian: apt-get install python3-yaml)" >&2
  exit 1
}
[ $# -gt 0 ] || set -- .github/workflows/*.yml
exec python3 - "$@" <<'END'
import os, re, shlex, subprocess, sys
import yaml

targets = set(re.findall(r"^([a-z0-9][a-z0-9-]*):(?!=)", open("Makefile").read(), re.M))
wrong = []


def check(path):
    def complain(text):
        wrong.append(f"{path}: {text}")

    try:
        workflow = yaml.safe_load(open(path))
    except yaml.YAMLError as error:
        return complain(f"no YAML: {error}")
    if not isinstance(workflow, dict) or not isinstance(workflow.get("jobs"), dict) or not workflow["jobs"]:
        return complain("it has no jobs")
    if not workflow.get("on", workflow.get(True)):  # YAML 1.1 takes "on" for true
        complain("nothing starts it")
    for name, job in workflow["jobs"].items():
        needs = job.get("needs", [])
        for need in [needs] if isinstance(needs, str) else needs:
            if need not in workflow["jobs"]:
                complain(f"job {name} needs {need!r}, which is no job")
        if not job.get("runs-on") or not job.get("steps"):
            complain(f"job {name} lacks runs-on or steps")
        for number, step in enumerate(job.get("steps") or [], 1):
            where = f"job {name}, step {number}"
            if ("run" in step) == ("uses" in step):
                complain(f"{where}: expected either run or uses")
            if "uses" in step and not re.fullmatch(r"[\w.-]+/[\w./-]+@[\w.-]+", str(step["uses"])):
                complain(f"{where}: uses {step['uses']!r}, expected OWNER/NAME@VERSION")
            if "run" in step:
                run(where, re.sub(r"\$\{\{.*?\}\}", "X", str(step["run"])), complain)


def run(where, text, complain):
    said = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    if said.returncode:
        return complain(f"{where}: {said.stderr.strip()}")
    lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    command, making = True, False  # at a command's first word; behind make
    for word in lexer:
        if re.fullmatch(r"[;&|()]+", word):
            command, making = True, False
        elif making:
            if not word.startswith("-") and "=" not in word and word not in targets:
                complain(f"{where}: make {word}: the Makefile has no such target")
        elif command:
            making = word == "make"
            command = False
            if "/" in word and not word.startswith("/") and not os.access(word, os.X_OK):
                complain(f"{where}: {word} cannot be run")


for path in sys.argv[1:]:
    check(path)
for text in wrong:
    print(text, file=sys.stderr)
sys.exit(1 if wrong else 0)
END
