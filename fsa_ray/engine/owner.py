"""An engine on a shared cluster ends with the job that started it: a Serve application alone would outlive a killed
driver, and hold its GPUs until somebody noticed."""

import threading
import time

_EVERY_SECONDS = 10.0


def end_with(job: str, app: str) -> None:
    """Watch the job from this replica's process, and delete the application when the job has ended."""
    threading.Thread(target=_watch, args=(job, app), daemon=True, name="owner").start()


def _watch(job: str, app: str) -> None:
    from ray import serve
    from ray._private import state  # no public call tells of a job without the dashboard

    while not any(entry["JobID"] == job and entry["IsDead"] for entry in state.jobs()):
        time.sleep(_EVERY_SECONDS)
    serve.delete(app, _blocking=False)
