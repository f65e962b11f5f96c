"""Run the pipeline once, from settings to exit code: lock, folder, stages and, however it ends, the summary."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Sequence
from pathlib import Path

from components.errors import HeartbeatError
from components.io.signals import INTERRUPTED, TERMINATED, Terminated, sigterm_raised
from components.io.storage import write_whole
from components.train.loop import run_operations_side_by_side
from components.verdict import Verdict
from pipeline.refusal import UnexpectedError, refusal_behind
from pipeline.runfolder import DEMO_FOLDER, Locations, new_run_folder, root_locked
from pipeline.screen import Screen, output_captured
from pipeline.settings import RunSettings
from pipeline.summary import StageRecord, Summary, versions_here

LOCAL_BEAM = (
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--sdk_container_image=none",
)
"""The local Beam runner by its full name: a bare DirectRunner may try to download another one. It starts no container;
without a name, TFX packages itself for every Beam stage, which takes seconds and stays in TMPDIR."""

INTERRUPTION = Verdict(
    "refusal", "interrupted", "Interrupted: finished stages are kept; the same command continues from there."
)

SEE_LOG = Verdict("remark", "log", "The run's log has the details.")


def run_pipeline(settings: RunSettings, locations: Locations, beam_options: Sequence[str], as_json: bool) -> int:
    """Run the graph on this machine, Beam's stages on its local runner unless the options name one.

    Print the closing table, or the summary as JSON, and return the exit code: 0 done, 1 unexpected, 3 data refused,
    4 model refused, 6 environment, 130 / 143 interrupted.

    Raises:
        EnvironmentRefused: the root is busy or cannot be written.
    """
    with root_locked(locations.root):
        run_folder = new_run_folder(locations.root)
        summary = Summary(
            run=run_folder.name, stages=[StageRecord(name) for name in settings.stages], versions=versions_here()
        )
        write_whole(run_folder / "settings.json", settings.model_dump_json(indent=1) + "\n")
        with output_captured(run_folder / "log.txt") as terminal:
            screen = Screen(terminal)
            try:
                with sigterm_raised():
                    _run_stages(settings, locations, beam_options, summary, screen, run_folder)
                summary.status, summary.exit_code = "done", 0
            except (KeyboardInterrupt, Terminated) as stop:
                summary.status = "interrupted"
                summary.exit_code = INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
                summary.verdict.append(INTERRUPTION)
            except Exception as error:
                traceback.print_exc()
                refusal = refusal_behind(error)
                summary.status, summary.exit_code = refusal.status, refusal.exit_code
                summary.verdict += refusal.verdict
                if isinstance(refusal, UnexpectedError):
                    summary.verdict.append(SEE_LOG)
            finally:
                summary.count_rows()
                summary.write(run_folder, locations.root)
            report = _report(run_folder, screen)
            if as_json:
                screen.summary_json(run_folder / "summary.json")
            else:
                screen.close(summary, run_folder, report)
    return summary.exit_code


def _run_stages(
    settings: RunSettings,
    locations: Locations,
    beam_options: Sequence[str],
    summary: Summary,
    screen: Screen,
    run_folder: Path,
) -> None:
    from components.ingest.locate import find_inputs
    from components.io.storage import fingerprint

    if locations.data == str(locations.root / DEMO_FOLDER):
        from components.beats.synthetic import write_demo_set

        write_demo_set(locations.root / DEMO_FOLDER)
    inputs = find_inputs(locations.data)
    summary.data["synthetic"] = inputs.synthetic
    screen.plan(settings, locations, inputs.synthetic, run_folder / "log.txt")
    run_operations_side_by_side()
    with screen.err.status("loading TFX"):
        from pipeline.graph import GraphInputs
        from pipeline.outcome import Outcome
        from pipeline.stages import build_nodes
        from pipeline.tfx_private import LocalNodes

        graph_inputs = GraphInputs(settings, locations.data, fingerprint(inputs.files), locations.serving)
        runner = [] if any(option.startswith("--runner") for option in beam_options) else LOCAL_BEAM
        nodes = LocalNodes(build_nodes(graph_inputs), locations, summary.run, [*runner, *beam_options])
    by_name = {stage.name: stage for stage in summary.stages}
    artifacts: dict[str, dict[str, list[str]]] = {}
    for position, name in enumerate(nodes.names, start=1):
        record: StageRecord = by_name[name]
        logging.getLogger("heartbeat").info("stage %s", name)
        with screen.stage(position, len(nodes.names), record):
            outputs = nodes.run(record)
        artifacts[name] = {key: [artifact.uri for artifact in listed] for key, listed in outputs.items()}
        write_whole(run_folder / "artifacts.json", json.dumps(artifacts, indent=1) + "\n")
        summary.take_from(name, Outcome(artifacts, settings, locations.serving))


def _report(run_folder: Path, screen: Screen) -> Path | None:
    """Write the run's page; a failure to write it is reported, but does not change the run's outcome."""
    from components.report.pages import write_run_report

    try:
        with screen.err.status("writing the report"):
            return write_run_report(run_folder)
    except HeartbeatError as error:
        for sentence in error.sentences:
            screen.err.print(f"No report: {sentence}")
    except KeyboardInterrupt:
        screen.err.print("No report: interrupted; `heartbeat report` makes it from the run's folder.")
    return None
