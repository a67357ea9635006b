"""Run measurements, each in a process of its own, and print one table.

Speeds are ratios measured in turn within one process: this kind of machine is noisy, and what is
quoted is a median of several.
"""

import argparse
import json
import os
import platform
import subprocess
import sys

from bench.rows import SMALLEST

MEASUREMENTS = {
    "start": "bench.window start",
    "speed-cnn": "bench.window speed modern",
    "speed-mlp": "bench.window speed small",
    "others-cnn": "bench.others modern",
    "others-mlp": "bench.others small",
    "pen": "bench.window pen",
    "mute": "bench.window mute",
    "memory": "bench.window memory",
    "memory-estimate": "bench.memory",
    "close": "bench.window close",
    "theme": "bench.window theme",
    "drawn": "bench.window drawn",
    "boundary": "bench.window boundary",
    "photos": "bench.photos",
    "starter": "bench.accuracy starter",
    "bundled-20": "bench.accuracy bundled-20",
    "bundled-60": "bench.accuracy bundled-60",
    "full-60": "bench.accuracy full-60",
    "names-speed": "bench.names speed",
    "names-sample": "bench.names sample",
    "names-prefix": "bench.names prefix",
    "names-starter": "bench.accuracy names-starter",
    "tuned-60": "bench.accuracy tuned-60",
    "text-180": "bench.accuracy text-180",
    "text-600": "bench.accuracy text-600",
    "text-switches": "bench.accuracy text-switches",
    "switches-text": "bench.switches text",
    "switches-names": "bench.switches names",
    "switches-digits": "bench.switches digits",
    "text-characters": "bench.accuracy text-characters",
    "text-starter": "bench.accuracy text-starter",
    "text-cache": "bench.text cache",
    "text-first": "bench.text first",
    "text-speed": "bench.text speed",
    "text-tokenise": "bench.text tokenise",
    "text-gpt2": "bench.text gpt2",
    "induction": "bench.induction",
    "gpu": "bench.gpu",
    "doctor-faults": "bench.doctor faults --seeds 3",
    "doctor-clean": "bench.doctor clean --seeds 5",
    "doctor-verdicts": "bench.doctor verdicts --budget 60",
    "doctor-cost": "bench.doctor cost",
    "doctor-times": "bench.doctor times",
    "doctor-loops": "bench.loops.examine",
    "doctor-healthy": "bench.healthy.__main__",
    "doctor-proofs": "bench.proofs",
    "doctor-pairs": "bench.pairs.__main__ run",
    "doctor-forecast": "bench.forecast.__main__",
    "doctor-sizes": "bench.sizes.__main__",
    "programs-own": "bench.programs.__main__ own",
    "programs-cost": "bench.programs.__main__ cost",
    "programs-picture": "bench.programs.__main__ picture",
    "doctor-agreement": "bench.agreement",
    "doctor-calibration": "bench.calibration --source pairs --half judging",
    "doctor-watching": "bench.watching",
    "expressions": "bench.expressions",
    "scripts": "bench.scripts",
    "runs-list": "bench.run_list",
    "runs-cost": "bench.runs",
    "hostile-disk": "bench.hostile.__main__ disk",
    "hostile-kills": "bench.hostile.__main__ kills",
    "model-comparison": "bench.accuracy model-comparison",
    "model-comparison-lecture": "bench.accuracy model-comparison-lecture",
}


def main() -> int:
    """Print a line for each number, then which failed or missed; return 1 if any did."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--data", metavar="DIR", help="folder of full data sets")
    parser.add_argument(
        "--smallest",
        action="store_true",
        help="only see whether each runs: no number counts",
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(MEASUREMENTS):
        parser.error(f"no measurement {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}")
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    if options.smallest:
        environment[SMALLEST] = "1"
    if options.data:
        environment["GLASSBOX_DATA"] = options.data
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'what':58} {'measured':>12} {'floor':>10}")
    failed, missed = [], []
    for name in options.names or MEASUREMENTS:
        words = MEASUREMENTS[name].split()
        command = [sys.executable, "-m", *words]
        answer = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if answer.returncode:
            print(f"{name}: failed", flush=True)
            failed.append(name)
            continue
        for row in json.loads(answer.stdout.splitlines()[-1]):
            held = row["met"] or options.smallest
            if not held:
                missed.append(name)
            mark = "" if held else "  missed"
            print(f"{row['what']:58} {row['measured']:>12} {row['floor']:>10}{mark}", flush=True)
    print()
    for what, names in (("did not run to their end", failed), ("missed a floor", missed)):
        print(f"{what}: {', '.join(dict.fromkeys(names)) or 'none'}")
    return int(bool(failed or missed))


if __name__ == "__main__":
    sys.exit(main())
