"""The page in a real browser: it renders, its policy lets its own style through, and it asks no network."""

import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fsa_ray.reporting.contents import Contents, TeacherSample
from fsa_ray.reporting.html import render

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
    "--hide-scrollbars",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@dataclass(frozen=True)
class Visit:
    dom: str
    console: str
    asked: list[str]  # addresses that the page asked for


def visit(page: str, folder: Path, *flags: str) -> Visit:
    file, log = folder / "report.html", folder / "net.json"
    file.write_text(page, encoding="utf-8")
    # The browser itself also wants to phone home: it finds no host, and its requests do not count.
    where = (f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--host-resolver-rules=MAP * ~NOTFOUND")
    command = [str(CHROMIUM), *FLAGS, *where, *(flags or ("--dump-dom",)), file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    parameters = [event.get("params", {}) for event in events]
    asked = [p["url"] for p in parameters if str(p.get("network_isolation_key", "")).startswith("file://")]
    return Visit(done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line), asked)


def test_the_page_renders_and_asks_nothing(page: str, tmp_path: Path) -> None:
    seen = visit(page, tmp_path)
    assert seen.asked == []
    assert seen.console == ""
    assert seen.dom.count("<figure>") == 4
    assert "The student keeps 95&nbsp;%" in seen.dom or "The student keeps 95 %" in seen.dom


def test_an_injected_element_would_be_refused(page: str, tmp_path: Path) -> None:
    """Were the escaping to fail, the policy would still hold: no script, no image, no style."""
    attack = "<img src='http://asked.invalid/x'><script>document.title='owned'</script><style>p{color:red}</style>"
    seen = visit(page.replace("<footer>", f"<footer>{attack}"), tmp_path)
    assert seen.asked == []
    assert "<title>owned" not in seen.dom
    assert seen.console.count("Content Security Policy") == 3


def test_this_test_notices_a_request(tmp_path: Path) -> None:
    assert visit("<!doctype html><img src='http://asked.invalid/x'>", tmp_path).asked == ["http://asked.invalid/x"]


def test_hostile_reviews_run_nothing(contents: Contents, tmp_path: Path) -> None:
    text = "</pre></style></svg><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    sample = TeacherSample(review=text, domain=text, kind=text, answer=text, error=text)
    seen = visit(render(contents.model_copy(update={"teacher_samples": (sample,), "notes": (text,)})), tmp_path)
    assert (seen.asked, seen.console) == ([], "")
    assert "<title>demo" in seen.dom
    assert "<script" not in seen.dom


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_in_both_schemes(page: str, tmp_path: Path, scheme: str) -> None:
    picture = tmp_path / "page.png"
    setting = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    visit(page, tmp_path, "--window-size=1280,2000", setting, f"--screenshot={picture}")
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1280, 2000)
    assert len(data) > 50_000, "a page with text and charts does not compress to less"
