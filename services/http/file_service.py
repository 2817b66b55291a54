"""A person's own files, opened and saved by the page. Not here: the files themselves (`person_files`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from errors import InputError
from services.http.endpoints import MALFORMED, Endpoint
from services.http.responses import answer, read
from services.messages.file_messages import FileContent, FileEntry, FilesMessage, SaveAnswer, SaveRequest
from services.person.person_files import NO_FOLDER
from services.services import Services

_REFUSALS = {
    403: "the path leads outside of the folder, or nobody may look at the file: ignored, a secret, a link",
    404: "no folder is open, another one than the file's, or there is no such file",
    413: "the file is larger than 1 MiB",
    415: "the file is no text in UTF-8",
    507: "the disk is full",
}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = FileService(services)
    return [
        Endpoint("GET", "/api/files", service.files, "Files that can be opened.", FilesMessage),
        Endpoint(
            "GET",
            "/api/files/content",
            service.content,
            "Open a file.",
            FileContent,
            query=("path",),
            refusals=_REFUSALS,
        ),
        Endpoint(
            "POST",
            "/api/files/save",
            service.save,
            "Save a file; answered once it is on the disk.",
            SaveAnswer,
            SaveRequest,
            refusals={
                **_REFUSALS,
                409: "the file was changed by another program since it was opened",
                **MALFORMED,
            },
        ),
    ]


@dataclass
class FileService:
    """Handlers of the addresses."""

    services: Services

    async def files(self, request: Request) -> Response:
        folder = self.services.folder
        if (files := folder.files) is None:
            return answer(FilesMessage(None, [], hint=folder.failure or NO_FOLDER, failure=folder.failure))
        try:
            listed, truncated = await asyncio.to_thread(files.list)
        except InputError as error:  # its folder can still be closed, or another one chosen
            return answer(FilesMessage(str(files.folder), [], hint=str(error)))
        entries = [FileEntry(file.path, file.bytes, file.modified) for file in listed]
        return answer(FilesMessage(str(files.folder), entries, truncated))

    async def content(self, request: Request) -> Response:
        files, path = self.services.folder.require_files(), request.query_params.get("path", "")
        file = await asyncio.to_thread(files.read, path)
        return answer(FileContent(file.path, file.text, file.revision, str(files.folder)))

    async def save(self, request: Request) -> Response:
        message = await read(request, SaveRequest)
        files = self.services.folder.require_files(message.folder)
        return answer(SaveAnswer(await asyncio.to_thread(files.save, message.path, message.text, message.revision)))
