"""ETag and If-None-Match: who asks again for what has not changed gets no body."""

from starlette.requests import Request
from starlette.responses import Response
from xxhash import xxh3_128

NOT_MODIFIED = 304


def tagged(request: Request, body: bytes, media_type: str, *tag_of: bytes | memoryview) -> Response:
    """`tag_of` stands for the content where the body holds more than that."""
    digest = xxh3_128()
    for part in tag_of or (body,):
        digest.update(part)
    etag = f'"{digest.hexdigest()}"'
    headers = {"ETag": etag}
    given = request.headers.get("if-none-match")
    if given is not None and (given.strip() == "*" or etag in given):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
