"""Jobs that run elsewhere or in the background: look, follow, stop, go on, pay, exchange.

python classification/jobs.py list
python classification/jobs.py status|logs|attach|stop|resume|cost|pull|push JOB

JOB is the name of a job or the start of it, or a run folder for its newest job. `attach` follows
the log until the job ends and exits with the job's code; `pull` brings rounds and queries of a job
on AWS here, `push` sends the labels of the run there.

Exit codes of following a job: 0 completed, 3 failed, 4 stopped, 5 out of time, 6 interrupted, 7 no
sign of life, 130 Ctrl-C, which leaves the job running; 1 is an error of the command itself.
"""

import sys
from dataclasses import fields
from pathlib import Path

if not __package__:  # run by path: classification/ must not stay on sys.path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from classification.cli import options_parser, run
from classification.launch.options import JobsOptions


def parse(arguments: list[str]) -> JobsOptions:
    """The command line; its second word, if it is no option, is the job."""
    parser = options_parser(JobsOptions, positional=("command",), description=__doc__)
    words = ["--follow" if word == "-f" else word for word in arguments]
    if len(words) > 1 and not words[1].startswith("-"):
        words.insert(1, "--job")
    parsed = parser.parse_args(words)
    return JobsOptions(**{f.name: getattr(parsed, f.name) for f in fields(JobsOptions)})


def main() -> None:
    """Entry point."""
    options = parse(sys.argv[1:])
    from classification.launch.commands import execute

    run(lambda: sys.exit(execute(options)))


if __name__ == "__main__":
    main()
