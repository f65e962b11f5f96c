import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, os, sys, warnings
from pathlib import Path
from pipeline.capture import output_captured
print("before")
with output_captured(Path(sys.argv[1])) as terminal:
    print("python out")
    print("python err", file=sys.stderr)
    os.write(1, b"native out\\n")
    os.write(2, b"native err\\n")
    logging.getLogger("absl").warning("logged")
    warnings.warn("a library warning")
    terminal.out.write("result\\n")
    terminal.err.write("progress\\n")
print("after")
"""


def test_only_what_is_meant_for_the_user_reaches_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(log)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["before", "result", "after"]
    assert done.stderr.splitlines() == ["progress"]
    logged = log.read_text()
    for text in ("python out", "python err", "native out", "native err", "absl logged", "a library warning"):
        assert text in logged, text


def test_an_error_inside_gives_the_terminal_back(tmp_path: Path) -> None:
    program = PROGRAM.replace('    terminal.err.write("progress\\n")', '    raise SystemExit("said afterwards")')
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "log")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "said afterwards\n"
