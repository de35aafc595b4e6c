"""As script.py, under Ray Data: a pool of actors, one per core, each with one thread per model run.

    python ray_script.py --dataset DIR --models DIR --out submission.csv --threads CORES --report FILE

The CPU time in the report is that of the driver, the actors and Ray's own processes.
"""

import json
import logging
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray  # noqa: E402  reads the environment

from script import Scorer, parse_arguments, write_csv

TICKS = os.sysconf("SC_CLK_TCK")


class ScorerActor:
    """Scores batches of one study."""

    def __init__(self, dataset, models, batch):
        self.scorer = Scorer(dataset, models, threads=1, batch=batch)

    def __call__(self, batch):
        (study,) = batch["item"]
        rows = self.scorer.score(str(study))
        return {
            "study": [study],
            "rows": [json.dumps({name: list(map(float, values)) for name, values in rows.items()})],
            "process": [os.getpid()],
            "cpu": [time.process_time()],
        }


def cpu_by_process(root):
    """{process id: user and system seconds} of a process and of all that descend from it, now."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # It has ended.
            continue
        found[int(path.parent.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS)
    below = {root}
    while more := {one for one, (parent, _) in found.items() if parent in below} - below:
        below |= more
    return {one: seconds for one, (_, seconds) in found.items() if one in below}


def main():
    options = parse_arguments(__doc__.split("\n\n")[0])
    with tempfile.TemporaryDirectory() as folder:
        ray.init(
            num_cpus=options.threads,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=512 * 2**20,
            _temp_dir=folder,
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        studies = list(Scorer.kinds_of(options.dataset))
        scored = (
            ray.data.from_items(studies, override_num_blocks=len(studies))
            .map_batches(
                ScorerActor,
                fn_constructor_args=(options.dataset, options.models, options.batch),
                batch_size=1,
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(size=options.threads),
            )
            .take_all()
        )
        cpu = cpu_by_process(os.getpid())
        for row in scored:  # An actor may have ended by now; its last row has its time.
            cpu[row["process"]] = max(cpu.get(row["process"], 0), row["cpu"])
        ray.shutdown()
    order = {study: i for i, study in enumerate(studies)}
    scored.sort(key=lambda row: order[row["study"]])
    write_csv(options.out, [(row["study"], json.loads(row["rows"])) for row in scored])
    Path(options.report).write_text(json.dumps({"studies": len(scored), "totalCpuSeconds": sum(cpu.values())}))


if __name__ == "__main__":
    main()
