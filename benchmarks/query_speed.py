"""Query strategies: seconds and memory of a batch, beside a peer or a physical limit.

    python benchmarks/query_speed.py                     # every row, about 10 minutes on 2 cores
    python benchmarks/query_speed.py kcenter badge       # the rows of these strategies
    python benchmarks/query_speed.py --scale 0.1         # a tenth of the items

Each measurement has a process of its own: it makes the pool, then times the batch (median of the
repeats) and takes the peak of its memory over what it held before. Seconds are of processor time,
all cores together, so that a busy machine counts little; wall time is given beside it.

- scikit-activeml: needs the extra `bench`. Its cost grows by the same for every pick, so a shorter
  and a longer batch are measured, the difference gives the cost of a pick, and `~` marks the sum.
  For BADGE it builds all gradients (8 GB at 100,000 x 512 x 10 classes), so it gets a quarter of
  the items, and its cost is scaled to all of them.
- product: one plain product (N x D)(D x B) in float32, in blocks.
- numpy: the same ranking in one expression, `plain_margin` and `plain_entropy` of `query_jobs.py`.

The features are a mixture of Gaussians of 16 dimensions, turned into D with some noise; the
probabilities are those of a linear head on 500 labels.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, replace

from query_jobs import Row, measure

# The mixture is easy: of the usual dropout too few classes change to leave k-means anything to do.
MOST_DROPPED = {"dropout": 0.98}

# A strategy more is a row more.
ROWS = [
    Row(name="margin", items=1_000_000, dims=16, picks=1000, classes=62, numpy=1.2),
    Row(name="entropy", items=1_000_000, dims=16, picks=1000, classes=62, numpy=1.2),
    Row(name="kcenter", items=100_000, dims=512, picks=1000, peer=20, product=6),
    Row(name="kcenter", items=1_000_000, dims=256, picks=1000, product=6, seconds=60, mib=2048),
    Row(name="badge", items=100_000, dims=512, picks=1000, peer=100),
    Row(name="badge", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="cdal", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="falcun", items=1_000_000, dims=16, picks=1000, seconds=60, mib=2048),
    Row(name="mixed", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="bald", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="bait", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="bait", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="alfa_mix", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="alfa_mix", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="cluster_margin", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="cluster_margin", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="informative_diverse", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="hierarchical", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="hierarchical", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="graph_density", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="galaxy", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="direct", items=1_000_000, dims=16, picks=1000, classes=62, seconds=60, mib=2048),
    Row(name="simulate_batch", items=1_000_000, dims=256, picks=1000, seconds=60, mib=2048),
    Row(name="typiclust", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="typiclust", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="probcover", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="probcover", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="maxherding", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="maxherding", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(name="uherding", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="uherding", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
    Row(
        name="dropquery",
        items=100_000,
        dims=512,
        picks=1000,
        options=MOST_DROPPED,
        seconds=60,
        mib=2048,
    ),
    Row(
        name="dropquery",
        items=1_000_000,
        dims=256,
        picks=1000,
        options=MOST_DROPPED,
        seconds=600,
        mib=4096,
    ),
    Row(name="cluster_centres", items=100_000, dims=512, picks=1000, seconds=60, mib=2048),
    Row(name="cluster_centres", items=1_000_000, dims=256, picks=1000, seconds=600, mib=4096),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("strategies", nargs="*", help="rows to run; none given: all")
    parser.add_argument("--scale", type=float, default=1, help="factor of the items of every row")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "ROW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, row = options.measure
        print(json.dumps(measure(what, Row(**json.loads(row)), options.repeats)))
        return
    print("processor seconds; wall time and memory beyond the input in brackets")
    for row in ROWS:
        if not options.strategies or row.name in options.strategies:
            report(replace(row, items=round(row.items * options.scale)), options.repeats)


def report(row: Row, repeats: int) -> None:
    """Measure a row and all that it is held against, and print one line for each."""
    own = alone("select", row, repeats)
    shape = f"{row.items:,} x {row.dims}, {row.classes} classes, {row.picks:,} picks"
    print(f"{row.name}, {shape}: {own['cpu']:.2f} s ({own['wall']:.1f} s, {own['mib']:.0f} MiB)")
    if row.seconds:
        verdict(f"{own['cpu']:.1f} s", own["cpu"] <= row.seconds, f"at most {row.seconds:g} s")
    if row.mib:
        verdict(f"memory {own['mib']:.0f} MiB", own["mib"] <= row.mib, f"at most {row.mib:g} MiB")
    for what, limit in (("product", row.product), ("numpy", row.numpy)):
        if limit:
            other = alone(what, row, repeats)["cpu"]
            ratio = own["cpu"] / other
            verdict(f"{what} {other:.2f} s, x {ratio:.2f}", ratio <= limit, f"at most x {limit:g}")
    if row.peer:
        other, shown = peer_seconds(row)
        ratio = other / own["cpu"]
        verdict(
            f"scikit-activeml ~{other:.0f} s ({shown}), {ratio:.0f} times as much",
            ratio >= row.peer,
            f"at least {row.peer:g} times",
        )


def verdict(shown: str, met: bool, target: str) -> None:
    print(f"    {shown}; target {target}: {'met' if met else 'NOT met'}", flush=True)


def peer_seconds(row: Row) -> tuple[float, str]:
    """What scikit-activeml would take for the whole row, and how that was found."""
    part, batches = (4, (2, 8)) if row.name == "badge" else (1, (20, 60))
    short, long = (
        alone("peer", replace(row, picks=picks, items=row.items // part), 1) for picks in batches
    )
    slope = (long["cpu"] - short["cpu"]) / (batches[1] - batches[0])
    total = part * (short["cpu"] + slope * (row.picks - batches[0]))
    of = f" of a {part}th of the items" if part > 1 else ""
    return total, f"from {batches[0]} and {batches[1]} picks{of}, {long['mib']:.0f} MiB"


def alone(what: str, row: Row, repeats: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, json.dumps(asdict(row))]
    done = subprocess.run([*command, "--repeats", str(repeats)], check=True, capture_output=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
