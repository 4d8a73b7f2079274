"""How Meta's Graph API says no."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from heliograph.lab.channels.provider import Reply


class GraphError(Exception):
    """A refusal: nothing was done."""

    def __init__(
        self, code: int, subcode: int = 0, message: str = "", *, status: int = 400, transient: bool = False
    ) -> None:
        super().__init__(message)
        self.code, self.subcode, self.message, self.status, self.transient = code, subcode, message, status, transient

    def reply(self) -> Reply:
        """As it is sent."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.message or 'Refused'}",
            "type": "OAuthException",
            "code": self.code,
            "is_transient": self.transient,
            "fbtrace_id": "AXt2Kx0rWZqW3TjHn",
        }
        if self.subcode:
            error |= {"error_subcode": self.subcode, "error_user_msg": self.message}
        return Reply({"error": error}, self.status)


def missing(method: str, name: str) -> GraphError:
    """For what is not there, or not for this token: it does not say which."""
    word = {"GET": "get", "DELETE": "delete"}.get(method, "post")
    text = f"Unsupported {word} request. Object with ID '{name}' does not exist, cannot be loaded due to missing "
    return GraphError(100, 33, text + "permissions, or does not support this operation")


def stamp(seconds: float) -> str:
    """A time as the Graph API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def chosen(row: dict[str, Any], fields: str) -> dict[str, Any]:
    """Of a row what was asked for; the id always."""
    wanted = [field.strip() for field in fields.split(",") if field.strip()]
    return {"id": row["id"], **{field: row[field] for field in wanted if row.get(field) is not None}}


def paged(rows: list[dict[str, Any]], fields: dict[str, str], most: int = 100) -> dict[str, Any]:
    """A page of a list: ``limit`` rows (25 by itself) after the cursor ``after``."""
    limit = min(int(fields["limit"]), most) if fields.get("limit", "").isdigit() else 25
    first = int(fields["after"]) if fields.get("after", "").isdigit() else 0
    shown = rows[first : first + limit]
    answer: dict[str, Any] = {"data": [chosen(row, fields.get("fields", "id")) for row in shown]}
    if shown:
        answer["paging"] = {"cursors": {"before": str(first), "after": str(first + len(shown))}}
    return answer
