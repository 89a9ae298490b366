"""Plants one mistake at a time in the decisions of recovery, builds the simulation and says how many seeds it takes
to notice. Run in a copy of the tree that nobody works in:

    python3 Tests/Mutants/recovery_mutants.py [--seeds N]
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAN = "checkpoints/Log/RecoveryPlan.swift"

# File, text that stands there once, mistake.
MUTANTS = [
    (PLAN, "evidence > logEnd", "evidence > logEnd + 1"),
    (PLAN, "evidence < last.location.epoch || isCut", "evidence > last.location.epoch || isCut"),
    (PLAN, "filter { $0.epoch > needed }", "filter { $0.epoch > needed + 1 }"),
    (PLAN, "max(facts.snapshotEpoch, accepted.last?.location.epoch ?? -1)", "accepted.last?.location.epoch ?? -1"),
    (PLAN, "let needed = min(facts.snapshotEpoch, plan.publishedThrough)",
     "let needed = max(facts.snapshotEpoch, plan.publishedThrough)"),
    (PLAN, "$0.epoch <= evidence", "$0.epoch < evidence"),
    (PLAN, "plan.publishedThrough = max(plan.publishedThrough, frame.trailer.publishedThrough)",
     "plan.publishedThrough = max(plan.publishedThrough, frame.trailer.epoch)"),
]


def run(command):
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    arguments = parser.parse_args()
    missed = 0
    for path, original, mistake in MUTANTS:
        file = ROOT / path
        text = file.read_text()
        if text.count(original) != 1:
            sys.exit(f"{path} has {text.count(original)} times: {original}")
        file.write_text(text.replace(original, mistake))
        try:
            build = run("swift build -c release -Xswiftc -enable-testing --product tidemill-sim".split())
            if build.returncode != 0:
                sys.exit(build.stdout + build.stderr)
            result = run([".build/release/tidemill-sim", "--seeds", str(arguments.seeds), "--stop"])
        finally:
            file.write_text(text)
        first = next((line for line in result.stdout.splitlines() if line.startswith("seed ")), None)
        missed += first is None
        print(f"{mistake}: {first or 'not noticed'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
