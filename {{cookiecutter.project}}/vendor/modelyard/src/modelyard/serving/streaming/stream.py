"""Answer the messages of a stream into another one: topics of Kafka, or lines of JSON on stdin and stdout.

A message holds what POST /predict takes, and its answer is the service's. What the contract refuses goes, as it came
and with the reason, to the refused messages. Delivery is at least once: after a crash, messages are answered again,
with the same key `topic/partition/offset`. Several processes with one group share the partitions.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from ...errors import ContractError
from ...runtime.kafka.address import STANDARD, TOPIC, TopicAddress, topic_address
from ...runtime.project import Project
from ..access.access import Access
from ..answers.models import Models
from ..config import Config, LogConfig
from ..log.log_metrics import LogMetrics
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from ..log.shared import Shared
from ..served import add_served, served
from .answering import Answering
from .consumer import TopicInput
from .health import StreamHealth
from .lines import LineInput, LineOutput
from .loop import Loop
from .message import Input, Output
from .producer import TopicOutput

BATCH = 1000
PORT = 8000  # the service's, which the image's health check asks
SUFFIX = ".refused"


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `stream`."""
    parser = argparse.ArgumentParser(
        prog="stream", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--from", dest="source", required=True, help="kafka://host:port/topic?group=NAME, or - for stdin")
    add("--to", dest="target", required=True, help="kafka://host:port/topic, or - for stdout")
    add(
        "--refused",
        help=f"where refused messages go: a topic of the input's brokers (default: the input's name and {SUFFIX}); "
        "with --from -, a file to which they are appended (default: stderr)",
    )
    add_served(parser, "serving.json, of which models, limits, log and access are used")
    add("--batch", type=int, default=BATCH, help=f"the most messages that are answered together (default: {BATCH})")
    add("--host", default="127.0.0.1", help="where /metrics, /healthz and /readyz are (default: 127.0.0.1)")
    add("--port", type=int, help=f"their port (default: {PORT}, and none with --from -); 0 takes a free one")
    options = parser.parse_args(arguments)
    if options.batch < 1:
        parser.error(f"--batch is {options.batch}; it must be at least 1")
    source, target = topic_address("--from", options.source), topic_address("--to", options.target)
    refused = refused_address(source, target, options.refused)
    # what is beside the model waits for the network, so more threads would only compete
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="stream: %(message)s")
    stream(project, configured(options, project), options, source, target, refused)


def configured(options: argparse.Namespace, project: Project) -> Config:
    """What is served. Raises ContractError as `served` does, or if something is asked that a stream has not."""
    config = served(options, project)
    if config.models[config.main].shadow is not None:
        raise ContractError(
            f"{options.config}: models.{config.main}.shadow: a stream has none; start a second stream with a group and "
            "an output of its own, which answers the same messages"
        )
    return config


def refused_address(source: TopicAddress | None, target: TopicAddress | None, named: str | None) -> TopicAddress | None:
    """The topic of refused messages; None if they are lines.

    Raises ContractError if the three topics are not three.
    """
    if source is None:
        return None
    topic = named or source.topic + SUFFIX
    if not TOPIC.fullmatch(topic):
        raise ContractError(f"--refused: {topic!r} is no name of a topic; it is one of the input's brokers")
    refused = TopicAddress(source.brokers, topic)
    if target is not None and (target.brokers, target.topic) == (source.brokers, source.topic):
        raise ContractError(f"--to: {target} is also read, so answers would be answered; write to another topic")
    if refused.topic == source.topic:
        raise ContractError(f"--refused: {refused} is also read, so refused messages would come again and again")
    if target is not None and target[:2] == refused[:2]:
        raise ContractError(f"--refused: {refused} also takes the answers; name another topic")
    return refused


def stream(
    project: Project,
    config: Config,
    options: argparse.Namespace,
    source: TopicAddress | None,
    target: TopicAddress | None,
    refused: TopicAddress | None,
) -> None:
    """Answer until a signal or the end of the input. Raises ContractError as the parts do."""
    metrics = Metrics(Shared(1), 0)
    log = None if config.log is None else _log(config.log, config.log_name)
    limit = int(config.body_mb * 1e6)
    try:
        models = Models.load(project, _main_only(config), metrics, log)
        models.announce(True)
        access = Access.from_config(config.access, config.access is None)
        health = StreamHealth(metrics, access, models.bundles())
        with _opened(options.refused if source is None else None) as lines:
            reads: Input = LineInput(options.batch, limit)
            if source is not None:
                reads = TopicInput(source, options.batch, metrics)
            try:
                answers: Output = LineOutput.stdout() if target is None else TopicOutput(target, "to which answers go")
                others: Output = LineOutput(lines)
                if refused is not None:
                    others = TopicOutput(refused, "to which refused messages go (--refused names another)")
                port = options.port if options.port is not None or source is None else PORT
                where = "" if port is None else f"; {health.listen(options.host, port)}/metrics"
                print(f"answering {source or 'stdin'} to {target or 'stdout'}{where}", file=sys.stderr, flush=True)
                gc.freeze()
                answering = Answering(models.live[config.main], limit)
                log_metrics = None if log is None else LogMetrics(log, metrics)
                Loop(reads, answers, others, answering, health, metrics, log_metrics).run()
            finally:
                reads.close()
        models.close()
    finally:
        if log is not None:
            log.close()


def _main_only(config: Config) -> Config:
    return msgspec.structs.replace(config, models={config.main: config.models[config.main]})


def _log(config: LogConfig, name: str) -> PredictionLog:
    return PredictionLog(Path(config.folder), 0, config.flush_seconds, config.file_mb, config.files, name)


@contextlib.contextmanager
def _opened(path: str | None) -> Iterator[BinaryIO]:
    """The file to which refused lines are appended, or stderr. Raises ContractError if it cannot be written."""
    if path is None or path == STANDARD:
        yield sys.stderr.buffer
        return
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(Path(path).open("ab"))
        except OSError as error:
            raise ContractError(f"--refused: {path}: {error.strerror or error}") from None
        yield opened
