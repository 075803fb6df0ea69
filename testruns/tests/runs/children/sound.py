"""A sound child: progress, samples, measurements, done."""

from testruns.tests.runs.children.script import begin, done, measure, say

plan = begin()
say(type="progress", ppm=500_000, text="half way")
for second in range(3):
    say(type="sample", elapsed_ms=second * 1000, operations=second * 10, p95_us=1000 + second, rss_anon_bytes=1_000_000)
measure("double_charges", 0)
measure("memory_slope", "0.0125", "MB/min")
measure("seed_seen", plan["seed"])
done()
