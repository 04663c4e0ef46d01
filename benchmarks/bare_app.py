"""What the webhook is compared with: a bare Starlette app that makes one Redis write."""

from __future__ import annotations

import sys

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def main() -> None:
    redis = Redis.from_url(sys.argv[1])

    async def hook(request: Request) -> JSONResponse:
        await request.body()
        await redis.incr("bare")
        return JSONResponse({"accepted": True}, 202)

    app = Starlette(routes=[Route("/webhooks/gitlab", hook, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[2]), log_config=None, access_log=False)


main()
