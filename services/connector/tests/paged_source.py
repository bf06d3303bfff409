"""A REST interface with each way to page, and with what can be wrong with it."""

import random
from dataclasses import dataclass, field
from typing import Any

from lineshaft.common.integrations import Manifest, System

from .simulated import Request, Response, Simulated


@dataclass
class PagedSource(Simulated):
    """`faults` say what is wrong.

    `most` records are on a page; `ignored`, the place that is asked for; `cycle`, cursors that go round;
    `link`, in place of the next one; `empty`, the place whose page is empty; `gone`, place to keys that are
    deleted before its page is read; `shuffled`, for each answer; `no_page_behind`, a 404 for an empty page.
    """

    count: int = 230
    paging: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.system = "paged"
        self.credentials = {"token": "t"}
        self.rows = [
            {"id": number, "meta": {"changed": "2026-11-20T08:00:00Z"}} for number in range(self.count)
        ]

    @property
    def connection_fields(self) -> dict[str, str]:
        return {**super().connection_fields, "base_url": f"http://127.0.0.1:{self.port}/api/v1"}

    def manifest(self, **listed: Any) -> System:
        return System(
            Manifest.model_validate(
                {
                    "manifest": 1,
                    "id": "paged",
                    "label": "Paged",
                    "protocol": "rest",
                    "verification": "doc-derived",
                    "evidence": ["a test"],
                    "settings": [{"key": "base_url", "title": "A"}],
                    "credentials": [{"key": "token", "title": "T"}],
                    "auth": {"strategy": "bearer"},
                    "verify": {"account": "{base_url}"},
                    "objects": {
                        "things": {
                            "label": "Things",
                            "resource": "/things",
                            "records_path": "data",
                            "paging": self.paging,
                            **listed,
                        }
                    },
                }
            ),
            {},
        )

    def answer(self, request: Request) -> Response:
        if "answer" in self.faults:
            return Response(*self.faults["answer"])
        asked = request.first("at")
        if gone := self.faults.get("gone", {}).pop(asked, None):
            self.rows = [one for one in self.rows if one["id"] not in gone]
        if self.faults.get("shuffled"):
            random.Random(len(self.requests)).shuffle(self.rows)  # noqa: S311  no secret
        most = min(int(request.first("size", "20")), self.faults.get("most", 200))
        place = "" if self.faults.get("ignored") else asked
        begin = self._begin(place, most)
        shown = self.rows[begin : begin + most] if asked != self.faults.get("empty") else []
        if not shown and self.faults.get("no_page_behind"):
            return Response(404, {"detail": "Invalid page."})
        more = begin + most < len(self.rows)
        body: dict[str, Any] = {"data": shown, "total": len(self.rows), "more": more}
        headers: dict[str, str] = {}
        if more or "cycle" in self.faults:
            following = self.faults.get("cycle", {}).get(asked, str(begin + most))
            link = self.faults.get("link") or f"/api/v1/things?size={most}&at={following}"
            body |= {"next": following, "links": {"next": link}}
            headers = {"link": f'<{link}>; rel="next", </api/v1/things>; rel="first"'}
        return Response(200, body, headers)

    def _begin(self, place: str, most: int) -> int:
        if self.paging["type"] == "page":
            first: int = self.paging.get("first", 1)
            return (int(place or "1") - first) * most
        return int(place or "0")
