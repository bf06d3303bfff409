"""`make demo`: start everything, tell the story, leave it up (or stop it with ONCE=1)."""

import json
import os
import signal
import sys
import threading
from typing import Any

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Step, Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.description import describe
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.refusals import REFUSALS
from lineshaft.tools.stack.stack import API_PORT, Stack


def main() -> int:
    try:
        return _tell_the_story()
    except REFUSALS as error:
        print(error, file=sys.stderr)
        return 1


def _tell_the_story() -> int:
    once = os.environ.get("ONCE", "") not in {"", "0"}
    progress = Progress()
    layout = Layout.discover()
    receiver = WebhookReceiver()
    receiver.start()
    with Stack(
        layout, source=os.environ.get("SOURCE", "tryton"), progress=progress, api_port=API_PORT
    ) as stack:
        story = Story(
            Vendor(stack.api_url, stack.admin_key),
            stack.source,
            receiver,
            stack.kafka.bootstrap_servers,
            say=lambda step: _tell(progress, step),
        )
        ok = story.run()
        (layout.var / "demo.json").write_text(json.dumps(report(story, stack), indent=2), encoding="utf-8")
        stack.note_connections(
            [{"id": story.connection_id, "system": stack.source.system, "token": story.token}]
            if story.connection_id
            else []
        )
        if not once:
            _wait(progress, stack)
    receiver.stop()
    return 0 if ok else 1


def report(story: Story, stack: Stack) -> dict[str, Any]:
    return {
        "steps": [{"name": step.name, "ok": step.ok, "seconds": step.seconds} for step in story.steps],
        "reauth_webhook_seconds": story.reauth_webhook_seconds,
        "recovered_seconds": story.recovered_seconds,
        "entities": story.entities,
        "kafka": stack.kafka.kind,
    }


def _tell(progress: Progress, step: Step) -> None:
    progress.say("story", f"{'ok  ' if step.ok else 'FAIL'} {step.name} ({step.seconds:.1f} s): {step.told}")


def _wait(progress: Progress, stack: Stack) -> None:
    progress.say("demo", "the stack stays up; the story's figures are in var/demo.json")
    print(describe(stack), flush=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    sys.exit(main())
